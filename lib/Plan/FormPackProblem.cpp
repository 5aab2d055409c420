// abn-form-pack-problem: the allocations of a bufferized step as one abn.pack op.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/SlotLiveness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::abn {
#define GEN_PASS_DEF_FORMPACKPROBLEM
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Whether the function hands the buffer to its caller.
static bool isReturned(const Slot &slot) {
  return slot.lastUser->hasTrait<OpTrait::IsTerminator>();
}

namespace {
struct FormPackProblem : mlir::abn::impl::FormPackProblemBase<FormPackProblem> {
  using FormPackProblemBase::FormPackProblemBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !llvm::hasSingleElement(func.getBody()))
      return;
    if (outputs != "arena" && outputs != "outside") {
      func.emitError() << "expected `arena` or `outside` for the option `outputs`, got `" << outputs
                       << "`";
      return signalPassFailure();
    }
    SmallVector<Slot> slots;
    for (const Slot &slot : computeSlots(func, llvm::IsaPred<memref::AllocOp>)) {
      auto alloc = cast<memref::AllocOp>(slot.definition);
      if (!alloc.getType().getLayout().isIdentity()) {
        alloc.emitError() << "expected an allocation with identity layout, got " << alloc.getType();
        return signalPassFailure();
      }
      if (outputs == "arena" || !isReturned(slot))
        slots.push_back(slot);
    }
    if (!slots.empty())
      build(func, slots);
  }

  void build(func::FuncOp func, ArrayRef<Slot> slots) {
    OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
    SmallVector<int64_t> lifetimes;
    SmallVector<Value> sizes;
    llvm::DenseMap<int64_t, Value> constants;
    for (auto [index, slot] : llvm::enumerate(slots)) {
      lifetimes.append({slot.lower, slot.upper});
      int64_t bytes = getByteSize(slot.definition->getResult(0).getType());
      Value &size = constants[bytes];
      if (!size)
        size = arith::ConstantIndexOp::create(b, func.getLoc(), bytes);
      sizes.push_back(size);
      slot.definition->setAttr(AbnDialect::kSlotAttr, b.getI64IntegerAttr(index));
    }
    SmallVector<Type> types(slots.size() + 1, b.getIndexType());
    PackOp::create(b, func.getLoc(), types, sizes, b.getDenseI64ArrayAttr(lifetimes),
                   b.getI64IntegerAttr(256), DenseI64ArrayAttr(), IntegerAttr());
  }
};
} // namespace
