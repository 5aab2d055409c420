// abn-store-bf16-as-i16: bf16 in memory as the bits that it is, for back ends without the type.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"

namespace mlir::abn {
#define GEN_PASS_DEF_STOREBF16ASI16
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

static bool hasBf16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Whether the op moves values and does not compute with them.
static bool moves(Operation *op) {
  return isa<LLVM::LoadOp, LLVM::StoreOp, LLVM::BitcastOp, LLVM::ConstantOp, LLVM::UndefOp,
             LLVM::PoisonOp, LLVM::ZeroOp, LLVM::ExtractElementOp, LLVM::InsertElementOp,
             LLVM::ShuffleVectorOp, LLVM::SelectOp, LLVM::BrOp, LLVM::CondBrOp, LLVM::GEPOp,
             LLVM::AllocaOp, LLVM::GlobalOp, LLVM::AddressOfOp, LLVM::LLVMFuncOp>(op);
}

namespace {
struct StoreBf16AsI16 : abn::impl::StoreBf16AsI16Base<StoreBf16AsI16> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([](Operation *op) {
      if (moves(op) || (llvm::none_of(op->getOperandTypes(), hasBf16) &&
                        llvm::none_of(op->getResultTypes(), hasBf16)))
        return WalkResult::advance();
      op->emitOpError("computes with bf16, which the target does not have");
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    AttrTypeReplacer replacer;
    Type i16 = IntegerType::get(&getContext(), 16);
    replacer.addReplacement(
        [&](Type type) -> std::optional<Type> { return type.isBF16() ? i16 : type; });
    replacer.addReplacement([&](FloatAttr value) -> std::optional<Attribute> {
      if (!value.getType().isBF16())
        return value;
      return IntegerAttr::get(i16, value.getValue().bitcastToAPInt());
    });
    replacer.addReplacement([&](DenseFPElementsAttr values) -> std::optional<Attribute> {
      if (!values.getElementType().isBF16())
        return values;
      return values.bitcast(i16);
    });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false, /*replaceTypes=*/true);
  }
};
} // namespace
