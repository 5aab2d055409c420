// abn-verify-plan: runs over the step in order and keeps, for every slot of the arena, whether its
// bytes are still its own. Offsets may be computed from sizes: two slots are then disjoint only if
// they are for all sizes. Shares no code with the planner, the packer or the liveness that they
// rest on.
#include "ArenaPosition.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::abn {
#define GEN_PASS_DEF_VERIFYPLAN
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// A part of a slot: by dimension the first index and how many. Dimensions that are known only when
/// the step runs count as one index.
using Box = SmallVector<std::pair<int64_t, int64_t>>;

static int64_t getVolume(const Box &box) {
  int64_t volume = 1;
  for (auto [first, count] : box)
    volume *= count;
  return volume;
}

static bool areDisjoint(const Box &a, const Box &b) {
  return llvm::any_of(llvm::zip(a, b), [](auto dims) {
    auto [x, y] = dims;
    return x.first + x.second <= y.first || y.first + y.second <= x.first;
  });
}

/// All of a slot.
static Box getWhole(memref::ViewOp slot) {
  Box box;
  for (int64_t size : slot.getType().getShape())
    box.emplace_back(0, ShapedType::isDynamic(size) ? 1 : size);
  return box;
}

/// What a subview shows of a slot; nullopt if that is not known.
static std::optional<Box> getPart(memref::SubViewOp part, memref::ViewOp slot) {
  Box box = getWhole(slot);
  if (part.getSource() != slot.getResult() || !part.hasUnitStride())
    return std::nullopt;
  unsigned dynamic = 0;
  for (auto [dim, range] : llvm::enumerate(box)) {
    bool isDynamic = slot.getType().isDynamicDim(dim);
    OpFoldResult size = part.getMixedSizes()[dim];
    std::optional<int64_t> first = getConstantIntValue(part.getMixedOffsets()[dim]);
    std::optional<int64_t> count = getConstantIntValue(size);
    bool isAll = isDynamic && first == 0 && size == OpFoldResult(slot.getSizes()[dynamic++]);
    if (!isAll && (isDynamic || !first || !count))
      return std::nullopt;
    if (!isAll)
      range = {*first, *count};
  }
  return box;
}

/// The part of the arena that one view shows: a slot, bytes [begin, end).
struct Place {
  Operation *view = nullptr;
  unsigned slot = 0;
  ArenaPosition begin, end;
  /// What of the slot a write through the view writes; all of it if that is not known.
  Box part;
  /// Whether the view shows the slot's elements in their order, all of them.
  bool isWhole = true;

  bool isEmpty() const { return end.isNotAbove(begin); }
  /// Unless it is certain, whatever the sizes are, that one ends where or before the other begins.
  bool mayOverlap(const Place &other) const {
    return !isEmpty() && !other.isEmpty() && !end.isNotAbove(other.begin) &&
           !other.end.isNotAbove(begin);
  }
  std::string str() const { return "[" + begin.str() + ", " + end.str() + ")"; }
};

/// Whose the slots' bytes are. An op that writes through a view is taken to write all that it
/// shows.
class Owners {
public:
  void addSlot(const Place &place) {
    overlapping.emplace_back();
    for (const Place &other : places)
      if (place.mayOverlap(other)) {
        overlapping[place.slot].push_back(other.slot);
        overlapping[other.slot].push_back(place.slot);
      }
    places.push_back(place);
    written.emplace_back();
    isWritten.push_back(false);
    overwrittenBy.push_back(nullptr);
  }

  /// The slot now owns the bytes that `place` shows, and all if it had the others; what other slots
  /// held of them is lost.
  /// What happens in one branch only may not have written anything.
  void claim(const Place &place, bool isCertain) {
    for (unsigned other : overlapping[place.slot]) {
      overwrittenBy[other] = place.view;
      isWritten[other] = false;
      written[other].clear();
    }
    if (isWritten[place.slot] || !isCertain || !addPart(place))
      return;
    isWritten[place.slot] = true;
    overwrittenBy[place.slot] = nullptr;
  }

  /// Who has written over the slot; null if nobody has since it was written, or if it was not
  /// written at all (`isUnwritten` is then set).
  Operation *findOther(const Place &place, bool &isUnwritten) const {
    isUnwritten = !place.isEmpty() && !isWritten[place.slot] && !overwrittenBy[place.slot];
    return overwrittenBy[place.slot];
  }

private:
  /// Whether all of the slot is written with this part, written parts being disjoint.
  bool addPart(const Place &place) {
    std::vector<Box> &parts = written[place.slot];
    int64_t volume = getVolume(place.part), whole = getVolume(places[place.slot].part);
    for (const Box &part : parts)
      volume += getVolume(part);
    if (getVolume(place.part) == whole)
      return true;
    if (!llvm::all_of(parts, [&](const Box &part) { return areDisjoint(part, place.part); }))
      return false;
    parts.push_back(place.part);
    return volume == whole;
  }

  /// By slot.
  std::vector<Place> places;
  /// What of a slot is written, if that is not all.
  std::vector<std::vector<Box>> written;
  std::vector<SmallVector<unsigned>> overlapping;
  std::vector<bool> isWritten;
  std::vector<Operation *> overwrittenBy;
};

/// The check of one function.
class Checker {
public:
  explicit Checker(func::FuncOp func) : func(func) {}

  LogicalResult run() {
    if (failed(findArena()))
      return failure();
    if (!arena)
      return success();
    if (failed(checkArenaUsers()))
      return failure();
    if (!llvm::hasSingleElement(func.getBody()))
      return func.emitError() << "expected a function of one block";
    if (failed(readSizes()))
      return failure();
    for (Operation &op : func.getBody().front())
      if (failed(visit(&op)))
        return failure();
    return success();
  }

private:
  LogicalResult findArena() {
    SmallVector<Value> arenas;
    for (BlockArgument argument : func.getArguments())
      if (func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
        arenas.push_back(argument);
    func.walk([&](Operation *op) {
      if (isa<memref::AllocOp, memref::ViewOp>(op) && op->hasAttr(AbnDialect::kArenaAttr))
        arenas.push_back(op->getResult(0));
    });
    // A view of a larger arena argument is the arena.
    if (arenas.size() == 2 && arenas[1].getDefiningOp<memref::ViewOp>())
      arenas.erase(arenas.begin());
    if (arenas.size() > 1)
      return mlir::emitError(func.getLoc()) << "expected one arena, got " << arenas.size();
    if (!arenas.empty())
      arena = arenas.front();
    return success();
  }

  /// What abn-instrument-arena calls: it fills and reads bytes that are dead, or canaries.
  static bool isInstrumentation(Operation *op) {
    if (isa<memref::CastOp>(op))
      return llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<func::CallOp>(user) && isInstrumentation(user);
      });
    auto call = dyn_cast<func::CallOp>(op);
    return call && (call.getCallee().starts_with("abn_fill_bytes") ||
                    call.getCallee().starts_with("abn_holds_bytes"));
  }

  /// Only views of the function's own block name bytes of the arena; who chooses a version hands it
  /// on.
  LogicalResult checkArenaUsers() {
    bool handsOn = func->hasAttr(AbnDialect::kVersionsAttr);
    for (Operation *user : arena.getUsers()) {
      bool isSlot = isa<memref::ViewOp>(user) && user->getBlock() == &func.getBody().front();
      if (!isSlot && !isa<memref::DimOp, memref::DeallocOp>(user) && !isInstrumentation(user) &&
          !(handsOn && isa<func::CallOp, memref::ViewOp>(user)))
        return user->emitOpError("expected the arena to be used by views in the function's own "
                                 "block only");
    }
    return success();
  }

  /// How large the arena is.
  LogicalResult readSizes() {
    for (Operation *user : arena.getUsers())
      if (auto view = dyn_cast<memref::ViewOp>(user))
        for (Value size : view.getSizes())
          reader.addSize(size);
    auto type = cast<MemRefType>(arena.getType());
    isComputed = !type.hasStaticShape();
    if (!isComputed) {
      arenaSize = ArenaPosition::constant(type.getDimSize(0));
      return success();
    }
    Operation *def = arena.getDefiningOp();
    if (!def)
      return func.emitError() << "expected an arena whose size is known in the function";
    std::optional<ArenaPosition> size = reader.read(def->getOperands().back());
    if (!size)
      return def->emitOpError("expected an arena of a sum of products of sizes");
    arenaSize = *size;
    return success();
  }

  LogicalResult addSlot(memref::ViewOp view) {
    APInt offset;
    if (!isComputed && (!matchPattern(view.getByteShift(), m_ConstantInt(&offset)) ||
                        !view.getType().hasStaticShape()))
      return view.emitOpError("expected a constant offset and a static shape in the arena");
    std::optional<ArenaPosition> begin = reader.read(view.getByteShift());
    // A negative one is told below.
    if (!isComputed && offset.isNegative())
      begin = ArenaPosition::constant(offset.getSExtValue());
    std::optional<ArenaPosition> bytes = reader.readBytes(view);
    if (!begin || !bytes)
      return view.emitOpError(
          "expected an offset that is a sum of products of sizes, or the largest "
          "of several");
    Place place{view, slots++, *begin, ArenaPositionReader::add(*begin, *bytes), getWhole(view)};
    if (failed(checkAlignment(view, *begin)))
      return failure();
    if (offset.isNegative() || !place.end.isNotAbove(arenaSize))
      return view.emitOpError("(plan_c1) expected a slot within the arena of ")
             << arenaSize.str() << " bytes, got " << place.str();
    places[view.getResult()] = place;
    owners.addSlot(place);
    return success();
  }

  /// The arena's alignment is that of its slots.
  LogicalResult checkAlignment(memref::ViewOp view, const ArenaPosition &begin) {
    auto alloc = arena.getDefiningOp<memref::AllocOp>();
    int64_t alignment = alloc ? static_cast<int64_t>(alloc.getAlignment().value_or(1)) : 1;
    for (const ArenaPosition::Sum &sum : begin.sums)
      for (int64_t factor : sum)
        if (factor % alignment != 0)
          return view.emitOpError("(plan_c1) expected an offset that is a multiple of ")
                 << alignment << ", got " << begin.str();
    return success();
  }

  /// Whether `op` is a view. One of a slot shows its bytes: all of them, for all that is known.
  bool addView(Operation *op) {
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    if (auto it = places.find(view.getViewSource()); it != places.end()) {
      Place place = it->second;
      if (auto part = dyn_cast<memref::SubViewOp>(op))
        place.part = getPart(part, cast<memref::ViewOp>(place.view)).value_or(place.part);
      place.isWhole &= isa<memref::CastOp, memref::ExpandShapeOp, memref::CollapseShapeOp>(op);
      for (Value result : op->getResults())
        places[result] = place;
    }
    return true;
  }

  /// Refuses what would give a slot a name that is not followed: an op that returns a memref, hands
  /// it to a block of its own or yields it.
  static LogicalResult checkAliases(Operation *op) {
    auto isBuffer = [](Value value) { return isa<BaseMemRefType>(value.getType()); };
    bool hasBlockArgument = llvm::any_of(op->getRegions(), [&](Region &region) {
      return llvm::any_of(
          region, [&](Block &block) { return llvm::any_of(block.getArguments(), isBuffer); });
    });
    bool isYielded = op->hasTrait<OpTrait::IsTerminator>() && !isa<func::ReturnOp>(op);
    if (hasBlockArgument || isYielded || llvm::any_of(op->getResults(), isBuffer))
      return op->emitOpError("expected views as the only ops that give a slot another name");
    return success();
  }

  LogicalResult visit(Operation *op) {
    if (auto view = dyn_cast<memref::ViewOp>(op); view && view.getSource() == arena)
      return addSlot(view);
    if (failed(checkView(op)))
      return failure();
    if (addView(op))
      return success();
    // All reads of an op come before its writes: an op that writes over its operand does so itself.
    SmallVector<Place> reads, writes;
    if (failed(collect(op, reads, writes)))
      return failure();
    for (const Place &place : reads)
      if (failed(checkRead(op, place)))
        return failure();
    for (const Place &place : writes)
      owners.claim(place, /*isCertain=*/!isa<scf::IfOp>(op));
    return checkWrites(op, reads, writes);
  }

  /// Views that show what their source shows, or a part of it.
  LogicalResult checkView(Operation *op) {
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    bool isInside =
        isa<memref::CastOp, memref::ExpandShapeOp, memref::CollapseShapeOp, memref::SubViewOp>(op);
    if (!view || isInside || !places.contains(view.getViewSource()))
      return success();
    return op->emitOpError("expected a view that is known to stay within its slot");
  }

  /// (plan_c4) A body that loads what it likes of the slot that its op writes.
  LogicalResult checkCaptured(Operation *op, Operation *inner, const Place &place) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (inner == op || !destination)
      return success();
    for (Value init : destination.getDpsInits())
      if (auto it = places.find(init); it != places.end() && it->second.view == place.view)
        return inner->emitOpError("(plan_c4) reads a slot that the op around it writes over");
    return success();
  }

  /// Two destinations of one op are two buffers.
  LogicalResult checkDestinations(Operation *op) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination)
      return success();
    llvm::SmallDenseSet<Operation *> seen;
    for (Value init : destination.getDpsInits())
      if (auto it = places.find(init);
          it != places.end() && !it->second.isEmpty() && !seen.insert(it->second.view).second)
        return op->emitOpError("(plan_c3) writes two results to one slot");
    return success();
  }

  LogicalResult collect(Operation *op, SmallVectorImpl<Place> &reads,
                        SmallVectorImpl<Place> &writes) {
    WalkResult result = op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
      if (failed(checkView(inner)))
        return WalkResult::interrupt();
      if (addView(inner))
        return WalkResult::advance();
      bool usesSlot = false;
      auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
      for (OpOperand &operand : inner->getOpOperands()) {
        auto it = places.find(operand.get());
        if (it == places.end())
          continue;
        usesSlot = true;
        bool isRead = !effects, isWritten = !effects && inner->getNumRegions() == 0;
        if (effects) {
          SmallVector<MemoryEffects::EffectInstance> found;
          effects.getEffectsOnValue(operand.get(), found);
          for (const MemoryEffects::EffectInstance &effect : found) {
            isRead |= isa<MemoryEffects::Read>(effect.getEffect());
            isWritten |= isa<MemoryEffects::Write>(effect.getEffect());
          }
        }
        if (inner->hasTrait<OpTrait::IsTerminator>())
          isRead = true, isWritten = false;
        // The window of a pooling is there for its shape.
        if (auto linalgOp = dyn_cast<linalg::LinalgOp>(inner))
          isRead &= linalgOp.payloadUsesValueFromOperand(&operand);
        if (isRead && failed(checkCaptured(op, inner, it->second)))
          return WalkResult::interrupt();
        if (isRead)
          reads.push_back(it->second);
        if (isWritten)
          writes.push_back(it->second);
      }
      return usesSlot && (failed(checkAliases(inner)) || failed(checkOverwriting(inner)) ||
                          failed(checkDestinations(inner)))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Whether the op has read an element of `input` when it writes the one of `init` in the same
  /// bytes.
  static bool readsFirst(Operation *op, OpOperand &input, OpOperand &init) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp) // These say so of their full-size operands.
      return isa<ActivationOp, ActivationGradOp, ActivationInverseOp, BatchNormOp, BatchNormGradOp,
                 BatchNormInferenceOp, BatchNormInferenceGradOp, RecoverOp>(op) &&
             cast<MemRefType>(input.get().getType()).getRank() > 1;
    AffineMap map = linalgOp.getMatchingIndexingMap(&init);
    return map.isPermutation() && map == linalgOp.getMatchingIndexingMap(&input);
  }

  /// (plan_c4) Of two operands that show one slot, all of it.
  LogicalResult checkOverwriting(Operation *op) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination)
      return success();
    for (OpOperand &init : destination.getDpsInitsMutable())
      for (OpOperand *input : destination.getDpsInputOperands()) {
        auto read = places.find(input->get()), write = places.find(init.get());
        if (read == places.end() || write == places.end() ||
            read->second.view != write->second.view || !read->second.isWhole ||
            !write->second.isWhole)
          continue;
        auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
        if ((linalgOp && !linalgOp.payloadUsesValueFromOperand(input)) ||
            (input->get().getType() == init.get().getType() && readsFirst(op, *input, init)))
          continue;
        InFlightDiagnostic error = op->emitOpError("(plan_c4) writes over the slot at ")
                                   << write->second.str()
                                   << " before it has read all that it reads of it";
        error.attachNote(write->second.view->getLoc()) << "the slot";
        return error;
      }
    return success();
  }

  LogicalResult checkRead(Operation *op, const Place &place) {
    bool isUnwritten = false;
    Operation *other = owners.findOther(place, isUnwritten);
    if (!other && !isUnwritten)
      return success();
    InFlightDiagnostic error = op->emitOpError("(plan_c2) reads the slot at ") << place.str();
    if (isUnwritten) {
      error << " before all of it is written";
    } else {
      error << " after another slot was written over it";
      error.attachNote(other->getLoc()) << "the other slot";
    }
    error.attachNote(place.view->getLoc()) << "the slot";
    return error;
  }

  /// What one op writes must not meet what else it reads or writes, unless it is the same slot.
  LogicalResult checkWrites(Operation *op, ArrayRef<Place> reads, ArrayRef<Place> writes) {
    for (const Place &write : writes)
      for (ArrayRef<Place> others : {reads, writes})
        for (const Place &other : others)
          if (other.view != write.view && write.mayOverlap(other)) {
            InFlightDiagnostic error = op->emitOpError("(plan_c3) writes a slot that overlaps "
                                                       "another slot that it uses");
            error.attachNote(write.view->getLoc()) << "the slot that is written";
            error.attachNote(other.view->getLoc()) << "the other slot";
            return error;
          }
    return success();
  }

  func::FuncOp func;
  Value arena;
  ArenaPositionReader reader;
  ArenaPosition arenaSize;
  bool isComputed = false;
  unsigned slots = 0;
  llvm::DenseMap<Value, Place> places;
  Owners owners;
};

struct VerifyPlan : mlir::abn::impl::VerifyPlanBase<VerifyPlan> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!func.isExternal() && failed(Checker(func).run()))
      signalPassFailure();
  }
};
} // namespace
