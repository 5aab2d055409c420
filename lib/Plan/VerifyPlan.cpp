// abn-verify-plan: runs over the step in order and keeps, for every slot of the arena, whether its
// bytes are still its own. Offsets may be computed from sizes: two slots are then disjoint only if
// they are for all sizes. Shares no code with the planner, the packer or the liveness that they
// rest on.
#include "ArenaUses.h"
#include "SlotOwners.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
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
/// What an op reads and writes of the arena, with all that is nested in it.
struct Uses {
  SmallVector<Place> reads;
  /// Writes that take place whenever the op runs, and writes that may or may not.
  SmallVector<Place> writes, possibleWrites;

  void append(const Uses &other) {
    llvm::append_range(reads, other.reads);
    llvm::append_range(writes, other.writes);
    llvm::append_range(possibleWrites, other.possibleWrites);
  }
};

/// The check of one function.
class Checker {
public:
  explicit Checker(func::FuncOp func) : func(func), ranges(func) {}

  LogicalResult run() {
    FailureOr<Value> found = findArena(func);
    if (failed(found))
      return failure();
    arena = *found;
    if (!arena)
      return success();
    if (!llvm::hasSingleElement(func.getBody()))
      return emitError(func.getLoc()) << "expected a function of one block";
    if (failed(readSizes()))
      return failure();
    for (Operation &op : func.getBody().front())
      if (failed(visit(&op)))
        return failure();
    return success();
  }

private:
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
      return emitError(func.getLoc()) << "expected an arena whose size is known in the function";
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
    if (!isComputed)
      begin = ArenaPosition::constant(offset.getSExtValue());
    if (!begin)
      return view.emitOpError(
          "expected an offset that is a sum of products of sizes, or the largest "
          "of several");
    std::optional<ArenaPosition> bytes = reader.readBytes(view), end;
    if (bytes)
      end = ArenaPositionReader::add(*begin, *bytes);
    if (!end)
      return view.emitOpError(
          "(plan_c1) expected a slot whose bytes are a sum of products of sizes, "
          "below 2^63 with its offset");
    Place place{view, slots++, *begin, *end, getWhole(view)};
    if (offset.isNegative() || !place.end.isNotAbove(arenaSize))
      return view.emitOpError("(plan_c1) expected a slot within the arena of ")
             << arenaSize.str() << " bytes, got " << place.str();
    if (!begin->isMultipleOf(getAlignment()))
      return view.emitOpError("(plan_c5) expected an offset that is a multiple of ")
             << getAlignment() << ", got " << begin->str();
    places[view.getResult()] = place;
    owners.addSlot(place);
    return success();
  }

  /// What `abn.plan` says that offsets are multiples of.
  int64_t getAlignment() {
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    auto recorded = plan ? plan.getAs<IntegerAttr>("alignment") : IntegerAttr();
    return recorded ? std::max<int64_t>(recorded.getInt(), 1) : 1;
  }

  /// Gives a view of a slot its place.
  LogicalResult addView(Operation *view, Value source) {
    auto it = places.find(source);
    if (it == places.end())
      return success();
    std::optional<Place> place = followView(view, it->second, reader, ranges);
    if (!place) {
      InFlightDiagnostic error =
          view->emitOpError("expected a view that lies within what it is a view of");
      explainOffsets(view, ranges, error);
      return error;
    }
    for (Value result : view->getResults())
      places[result] = *place;
    return success();
  }

  /// Refuses what would give a slot a name that is not followed: an op that returns a memref, hands
  /// it to a block of its own or yields it.
  static LogicalResult checkAliases(Operation *op) {
    auto isBuffer = [](Value value) { return isa<TensorType, BaseMemRefType>(value.getType()); };
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
    if (auto view = dyn_cast<memref::ViewOp>(op);
        view && view.getSource() == arena && !isForVersions(view, func))
      return addSlot(view);
    // All reads of an op come before its writes: an op that writes over its operand does so itself.
    Uses uses;
    if (failed(collect(op, uses)))
      return failure();
    for (const Place &place : uses.reads)
      if (failed(checkRead(op, place)))
        return failure();
    for (const Place &place : uses.writes)
      owners.claim(place, /*isCertain=*/true);
    for (const Place &place : uses.possibleWrites)
      owners.claim(place, /*isCertain=*/false);
    SmallVector<Place> writes =
        llvm::to_vector(llvm::concat<Place>(uses.writes, uses.possibleWrites));
    return checkWrites(op, uses.reads, writes);
  }

  /// What the op itself and all that is nested in it use.
  LogicalResult collect(Operation *op, Uses &uses) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(op))
      return addView(view, view.getViewSource());
    if (auto view = dyn_cast<memref::TransposeOp>(op)) // Does not say that it is a view.
      return addView(view, view.getIn());
    Uses own, nested;
    bool usesSlot =
        llvm::any_of(op->getOperands(), [&](Value operand) { return places.contains(operand); });
    if (usesSlot && (failed(checkAliases(op)) || failed(collectOperands(op, own)) ||
                     failed(checkOverwriting(op)) || failed(checkResults(op, own.writes))))
      return failure();
    if (failed(collectRegions(op, nested)) ||
        (isa<linalg::LinalgOp>(op) && failed(checkBody(op, own, nested))))
      return failure();
    uses.append(own);
    uses.append(nested);
    return success();
  }

  LogicalResult collectOperands(Operation *op, Uses &uses) {
    for (OpOperand &operand : op->getOpOperands())
      if (places.contains(operand.get()) && failed(collectOperand(op, operand, uses)))
        return failure();
    return success();
  }

  LogicalResult collectOperand(Operation *op, OpOperand &operand, Uses &uses) {
    const Place &place = places.find(operand.get())->second;
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    bool isRead = !effects, isWritten = !effects;
    if (op->hasTrait<OpTrait::IsTerminator>()) {
      isRead = true, isWritten = false;
    } else if (effects) {
      SmallVector<MemoryEffects::EffectInstance> found;
      effects.getEffects(found);
      llvm::erase_if(found, [&](const MemoryEffects::EffectInstance &effect) {
        return effect.getEffectValue<OpOperand *>() != &operand;
      });
      bool isOther = found.empty() && !isa<memref::DimOp>(op);
      for (const MemoryEffects::EffectInstance &effect : found) {
        isRead |= isa<MemoryEffects::Read>(effect.getEffect());
        isWritten |= isa<MemoryEffects::Write>(effect.getEffect());
        isOther |= !isa<MemoryEffects::Read, MemoryEffects::Write>(effect.getEffect());
      }
      if (isOther)
        return op->emitOpError("expected an op that reads or writes the slot at ") << place.str();
    }
    // The window of a pooling is there for its shape.
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      isRead &= linalgOp.payloadUsesValueFromOperand(&operand);
    if (isRead)
      uses.reads.push_back(place);
    if (isWritten)
      uses.writes.push_back(place);
    return success();
  }

  /// Of several regions one runs, so that only what each of them writes is written for certain. A
  /// loop is taken to run.
  LogicalResult collectRegions(Operation *op, Uses &uses) {
    std::vector<Uses> branches;
    for (Region &region : op->getRegions()) {
      Uses branch;
      for (Block &block : region)
        for (Operation &inner : block)
          if (failed(collect(&inner, branch)))
            return failure();
      if (llvm::range_size(region) > 1) {
        llvm::append_range(branch.possibleWrites, branch.writes);
        branch.writes.clear();
      }
      branches.push_back(std::move(branch));
    }
    bool isChoice = isa<RegionBranchOpInterface>(op) && !isa<LoopLikeOpInterface>(op);
    auto isCertain = [&](const Place &write) {
      return !isChoice || llvm::all_of(branches, [&](const Uses &branch) {
        return llvm::any_of(branch.writes, [&](const Place &other) {
          return other.view == write.view && other.part == write.part;
        });
      });
    };
    for (const Uses &branch : branches) {
      for (const Place &write : branch.writes)
        (isCertain(write) ? uses.writes : uses.possibleWrites).push_back(write);
      llvm::append_range(uses.possibleWrites, branch.possibleWrites);
      llvm::append_range(uses.reads, branch.reads);
    }
    return success();
  }

  /// (plan_c3) One slot for two results.
  static LogicalResult checkResults(Operation *op, ArrayRef<Place> writes) {
    for (auto [index, write] : llvm::enumerate(writes))
      for (const Place &other : writes.drop_front(index + 1))
        if (write.mayShareSlot(other)) {
          InFlightDiagnostic error = op->emitOpError("(plan_c3) writes the slot at ")
                                     << write.str() << " as two of its results";
          error.attachNote(write.view->getLoc()) << "the slot";
          return error;
        }
    return success();
  }

  /// (plan_c4) A body that reads or writes a slot by itself, element after element in an order that
  /// nobody says, does not meet what the op writes.
  static LogicalResult checkBody(Operation *op, const Uses &own, const Uses &nested) {
    auto check = [&](ArrayRef<Place> writes, ArrayRef<Place> others) -> LogicalResult {
      for (const Place &write : writes)
        for (const Place &other : others)
          if (write.mayShareSlot(other)) {
            InFlightDiagnostic error = op->emitOpError("(plan_c4) uses the slot at ")
                                       << write.str()
                                       << " in its body and as an operand, and writes it";
            error.attachNote(write.view->getLoc()) << "the slot";
            return error;
          }
      return success();
    };
    for (ArrayRef<Place> writes : {ArrayRef(nested.writes), ArrayRef(nested.possibleWrites)})
      if (failed(check(writes, own.reads)) || failed(check(writes, own.writes)))
        return failure();
    return check(own.writes, nested.reads);
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

  /// (plan_c4) Of two operands that show bytes of one slot: the same, read before they are written.
  LogicalResult checkOverwriting(Operation *op) {
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      return checkOverwriting(copy.getSourceMutable(), copy.getTargetMutable());
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination)
      return success();
    for (OpOperand &init : destination.getDpsInitsMutable())
      for (OpOperand *input : destination.getDpsInputOperands())
        if (failed(checkOverwriting(*input, init)))
          return failure();
    return success();
  }

  LogicalResult checkOverwriting(OpOperand &input, OpOperand &init) {
    Operation *op = input.getOwner();
    auto read = places.find(input.get()), write = places.find(init.get());
    if (read == places.end() || write == places.end() || !read->second.mayShareSlot(write->second))
      return success();
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (linalgOp && !linalgOp.payloadUsesValueFromOperand(&input))
      return success();
    bool isSame = input.get() == init.get() || (input.get().getType() == init.get().getType() &&
                                                read->second.isWhole && write->second.isWhole);
    if (isSame && (isa<memref::CopyOp>(op) || readsFirst(op, input, init)))
      return success();
    InFlightDiagnostic error = op->emitOpError("(plan_c4) writes over the slot at ")
                               << write->second.str()
                               << " before it has read all that it reads of it";
    error.attachNote(write->second.view->getLoc()) << "the slot";
    return error;
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
  IndexRanges ranges;
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
