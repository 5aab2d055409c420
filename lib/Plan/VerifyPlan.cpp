// abn-verify-plan: runs over the step in order and keeps, for every byte of the arena, whose it is.
// Shares no code with the planner, the packer or the liveness that they rest on.
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"
#include <map>

namespace mlir::abn {
#define GEN_PASS_DEF_VERIFYPLAN
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// The part of the arena that one view shows: a slot, bytes [begin, end).
struct Place {
  Operation *view = nullptr;
  int64_t begin = 0, end = 0;
};

/// Who wrote each byte last.
class Owners {
public:
  /// `slot` now owns [begin, end); what others held of it is lost.
  void claim(int64_t begin, int64_t end, Operation *slot) {
    if (begin == end)
      return;
    split(begin);
    split(end);
    ranges.erase(ranges.lower_bound(begin), ranges.lower_bound(end));
    ranges[begin] = {end, slot};
  }

  /// The owner of the first byte of [begin, end) that is not `slot`'s; null if all are, or if
  /// nobody has written that byte (`isUnwritten` is then set).
  Operation *findOther(int64_t begin, int64_t end, Operation *slot, bool &isUnwritten) {
    int64_t at = begin;
    for (auto it = findRange(begin); at < end; ++it) {
      if (it == ranges.end() || it->first > at) {
        isUnwritten = true;
        return nullptr;
      }
      if (it->second.second != slot)
        return it->second.second;
      at = it->second.first;
    }
    return nullptr;
  }

private:
  using Ranges = std::map<int64_t, std::pair<int64_t, Operation *>>; // begin -> end, slot

  Ranges::iterator findRange(int64_t at) {
    auto it = ranges.upper_bound(at);
    if (it == ranges.begin())
      return it;
    --it;
    return it->second.first > at ? it : std::next(it);
  }

  void split(int64_t at) {
    auto it = findRange(at);
    if (it == ranges.end() || it->first >= at)
      return;
    auto [end, slot] = it->second;
    it->second.first = at;
    ranges[at] = {end, slot};
  }

  Ranges ranges;
};

/// The check of one function.
class Checker {
public:
  explicit Checker(func::FuncOp func) : func(func) {}

  LogicalResult run() {
    findArena();
    if (!arena)
      return success();
    if (!llvm::hasSingleElement(func.getBody()))
      return func.emitError() << "expected a function of one block";
    for (Operation &op : func.getBody().front())
      if (failed(visit(&op)))
        return failure();
    return success();
  }

private:
  void findArena() {
    for (BlockArgument argument : func.getArguments())
      if (func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
        arena = argument;
    func.walk([&](memref::AllocOp alloc) {
      if (alloc->hasAttr(AbnDialect::kArenaAttr))
        arena = alloc.getResult();
    });
  }

  LogicalResult addSlot(memref::ViewOp view) {
    APInt offset;
    auto type = cast<MemRefType>(view.getType());
    if (!matchPattern(view.getByteShift(), m_ConstantInt(&offset)) || !type.hasStaticShape())
      return view.emitOpError("expected a constant offset and a static shape in the arena");
    int64_t begin = offset.getSExtValue();
    int64_t bits = type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
    int64_t end = begin + type.getNumElements() * ((bits + 7) / 8);
    int64_t size = cast<MemRefType>(arena.getType()).getDimSize(0);
    if (begin < 0 || end > size)
      return view.emitOpError("(plan_c1) expected a slot within the arena of ")
             << size << " bytes, got [" << begin << ", " << end << ")";
    places[view.getResult()] = {view, begin, end};
    return success();
  }

  /// Whether `op` is a view. One of a slot shows its bytes: all of them, for all that is known.
  bool addView(Operation *op) {
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    if (auto it = places.find(view.getViewSource()); it != places.end()) {
      Place place = it->second;
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
      owners.claim(place.begin, place.end, place.view);
    return checkWrites(op, reads, writes);
  }

  LogicalResult collect(Operation *op, SmallVectorImpl<Place> &reads,
                        SmallVectorImpl<Place> &writes) {
    WalkResult result = op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
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
        if (isRead)
          reads.push_back(it->second);
        if (isWritten)
          writes.push_back(it->second);
      }
      return usesSlot && failed(checkAliases(inner)) ? WalkResult::interrupt()
                                                     : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult checkRead(Operation *op, const Place &place) {
    bool isUnwritten = false;
    Operation *other = owners.findOther(place.begin, place.end, place.view, isUnwritten);
    if (!other && !isUnwritten)
      return success();
    InFlightDiagnostic error = op->emitOpError("(plan_c2) reads the slot at [")
                               << place.begin << ", " << place.end << ")";
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
          if (other.view != write.view && other.begin < write.end && write.begin < other.end) {
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
