// abn-form-pack-problem: the allocations of a bufferized step as one abn.pack op.
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/SlotLiveness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <map>

namespace mlir::abn {
#define GEN_PASS_DEF_FORMPACKPROBLEM
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Of one buffer: sums of their sizes fit in 64 bits.
static constexpr int64_t kMostBytes = int64_t(1) << 56;

/// An allocation that is no arena itself.
static bool isBuffer(Operation *op) {
  return isa<memref::AllocOp>(op) && !op->hasAttr(AbnDialect::kArenaAttr);
}

/// Whether the function hands the buffer to its caller.
static bool isReturned(const Slot &slot) {
  return slot.lastUser->hasTrait<OpTrait::IsTerminator>();
}

/// Refuses `op`, whose result is now this buffer and now that one.
static LogicalResult refuseNamer(Operation *op, Operation *buffer) {
  // Not of the op: that would print its regions.
  InFlightDiagnostic error =
      emitError(op->getLoc())
      << "expected no `" << op->getName()
      << "` that returns a tensor, in a function with an arena: which buffer "
         "that is, only the running step knows";
  error.attachNote(buffer->getLoc()) << "it may be the buffer of this op";
  return error;
}

/// An op with regions that returns a buffer may have allocated it where no slot is.
static LogicalResult checkRegions(func::FuncOp func) {
  // One that chooses between versions returns what they return.
  if (func->hasAttr(AbnDialect::kVersionsAttr))
    return success();
  for (Operation &op : func.getBody().front()) {
    if (op.getNumRegions() == 0 || llvm::none_of(op.getResultTypes(), llvm::IsaPred<MemRefType>))
      continue;
    Operation *inner = nullptr;
    op.walk([&](memref::AllocOp alloc) {
      inner = alloc;
      return WalkResult::interrupt();
    });
    if (inner)
      return refuseNamer(&op, inner);
  }
  return success();
}

namespace {
struct FormPackProblem : mlir::abn::impl::FormPackProblemBase<FormPackProblem> {
  using FormPackProblemBase::FormPackProblemBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !llvm::hasSingleElement(func.getBody()))
      return;
    if (outputs != "arena" && outputs != "outside") {
      emitError(func.getLoc()) << "expected `arena` or `outside` for the option `outputs`, got `"
                               << outputs << "`";
      return signalPassFailure();
    }
    if (failed(checkRegions(func)))
      return signalPassFailure();
    SmallVector<Slot> slots;
    bool isPartial = false;
    for (const Slot &slot : computeSlots(func, isBuffer)) {
      auto alloc = cast<memref::AllocOp>(slot.definition);
      if (!alloc.getType().getLayout().isIdentity()) {
        alloc.emitError() << "expected an allocation with identity layout, got " << alloc.getType();
        return signalPassFailure();
      }
      if (outputs == "outside" && isReturned(slot)) {
        isPartial = true;
        continue;
      }
      if (slot.namer && failed(refuseNamer(slot.namer, slot.definition)))
        return signalPassFailure();
      slots.push_back(slot);
    }
    if (slots.empty() && hasArena(func))
      return;
    if (isPartial || slots.empty())
      correctPlan(func, slots.empty());
    if (!slots.empty() && failed(build(func, slots)))
      signalPassFailure();
  }

  /// Whether the function's buffers have their places already.
  static bool hasArena(func::FuncOp func) {
    for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i)
      if (func.getArgAttr(i, AbnDialect::kArenaAttr))
        return true;
    return llvm::any_of(func.getBody().front(), [](Operation &op) {
      return isa<PackOp>(op) || op.hasAttr(AbnDialect::kArenaAttr);
    });
  }

  /// The planner counted the results, and took for granted that there is an arena.
  static void correctPlan(func::FuncOp func, bool isEmpty) {
    auto recorded = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    if (!recorded)
      return;
    Builder b(func.getContext());
    NamedAttrList plan(recorded);
    plan.erase("plan_lower_bound_bytes");
    if (isEmpty)
      for (StringRef key : {"arena_bytes", "max_live_bytes"})
        plan.set(key, b.getI64IntegerAttr(0));
    func->setAttr(AbnDialect::kPlanAttr, plan.getDictionary(func.getContext()));
  }

  LogicalResult build(func::FuncOp func, ArrayRef<Slot> slots) {
    SizeHoister hoister(func);
    OpBuilder &b = hoister.getBuilder();
    SmallVector<int64_t> lifetimes;
    SmallVector<Value> sizes;
    std::map<std::pair<int64_t, SmallVector<void *>>, Value> known;
    for (auto [index, slot] : llvm::enumerate(slots)) {
      lifetimes.append({slot.lower, slot.upper});
      auto alloc = cast<memref::AllocOp>(slot.definition);
      if (failed(hoistSizes(alloc, hoister)))
        return failure();
      if (!getElementBytes(alloc.getType().getElementType()))
        return alloc.emitOpError(
                   "expected elements that are numbers, complex numbers or vectors of "
                   "a constant length, got ")
               << alloc.getType().getElementType();
      int64_t bytes = getByteSize(alloc.getType());
      if (bytes > kMostBytes)
        return alloc.emitOpError("expected a buffer of at most 2^56 bytes");
      SmallVector<void *> key;
      for (Value size : alloc.getDynamicSizes())
        key.push_back(size.getAsOpaquePointer());
      Value &size = known[{bytes, key}];
      if (!size)
        size = createSize(func.getLoc(), bytes, alloc.getDynamicSizes(), b);
      sizes.push_back(size);
      alloc->setAttr(AbnDialect::kSlotAttr, b.getI64IntegerAttr(index));
    }
    SmallVector<Type> types(slots.size() + 1, b.getIndexType());
    PackOp::create(b, func.getLoc(), types, sizes, /*symbols=*/ValueRange(),
                   b.getDenseI64ArrayAttr(lifetimes), b.getI64IntegerAttr(256), DenseI64ArrayAttr(),
                   IntegerAttr(), ArrayAttr(), AffineMapAttr());
    return success();
  }

  /// The arena is there when the function begins, so its buffers' sizes must be.
  static LogicalResult hoistSizes(memref::AllocOp alloc, SizeHoister &hoister) {
    for (OpOperand &size : alloc.getDynamicSizesMutable()) {
      Value hoisted = hoister.hoist(size.get());
      if (!hoisted)
        return alloc.emitOpError("expected sizes that follow from the sizes of the function's "
                                 "arguments");
      size.set(hoisted);
    }
    return success();
  }

  static Value createSize(Location loc, int64_t bytes, ValueRange dynamic, OpBuilder &b) {
    Value size = arith::ConstantIndexOp::create(b, loc, bytes);
    for (Value factor : dynamic)
      size = arith::MulIOp::create(b, loc, size, factor);
    return size;
  }
};
} // namespace
