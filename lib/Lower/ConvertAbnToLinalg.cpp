// convert-abn-to-linalg. What each op computes is in Lower{Activation,BatchNorm,Inplace}.cpp.
#include "BufferOperands.h"
#include "LinalgNest.h"
#include "LowerAbn.h"
#include "abn/Lower/AbnToLinalg.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTABNTOLINALG
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// Replaces an op on tensors by what computes it. An op without any use is erased.
template <typename Op> struct LowerToLinalg : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    LinalgNest nest(rewriter, op.getLoc(), op.getInits()[0], op.getChannelDim());
    SmallVector<Value> values = lowerAbnOp(nest, op);
    for (auto [value, init] : llvm::zip(values, op.getInits()))
      if (!value)
        value = init;
    rewriter.replaceOp(op, values);
    return success();
  }
};
} // namespace

template <typename... Ops> static void addLowerings(RewritePatternSet &patterns) {
  patterns.add<LowerToLinalg<Ops>...>(patterns.getContext());
}

void mlir::abn::populateAbnToLinalgPatterns(RewritePatternSet &patterns) {
  addLowerings<ActivationOp, ActivationInverseOp, ActivationGradOp, BatchNormOp,
               BatchNormInferenceOp, BatchNormGradOp, BatchNormInferenceGradOp, InplaceForwardOp,
               InplaceInferenceOp, InplaceBackwardOp, InplaceInferenceBackwardOp, RecoverOp>(
      patterns);
}

static bool isOurs(NamedAttribute attribute) {
  return attribute.getName().strref().starts_with("abn.");
}

/// What the dialect said on functions, their arguments and results, and on other ops, so that tools
/// that do not know it read the module.
static void dropDiscardableAttributes(Operation *op) {
  SmallVector<NamedAttribute> ours = llvm::filter_to_vector(op->getDiscardableAttrs(), isOurs);
  for (NamedAttribute attribute : ours)
    op->removeDiscardableAttr(attribute.getName());
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return;
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    for (NamedAttribute attribute : llvm::to_vector(function.getArgAttrs(i)))
      if (isOurs(attribute))
        function.removeArgAttr(i, attribute.getName());
  for (unsigned i = 0, e = function.getNumResults(); i < e; ++i)
    for (NamedAttribute attribute : llvm::to_vector(function.getResultAttrs(i)))
      if (isOurs(attribute))
        function.removeResultAttr(i, attribute.getName());
}

namespace {
struct ConvertAbnToLinalg : abn::impl::ConvertAbnToLinalgBase<ConvertAbnToLinalg> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    moveToTensors(rewriter, getOperation(), AbnDialect::getDialectNamespace());
    RewritePatternSet patterns(&getContext());
    populateAbnToLinalgPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    getOperation()->walk(dropDiscardableAttributes);
  }
};
} // namespace
