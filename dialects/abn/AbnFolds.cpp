// Canonicalisations of the abn ops. Casts to and from less static shapes are folded into all
// destination-style ops by the tensor dialect's own patterns; abn.pack folds in AbnPlanOps.cpp.
//
// The inverse of an activation is not folded with it: the pair rounds, and the rounded value is
// what an in-place chain computes with.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::abn;

/// Replaces the only result of `op` by `value`, whose shape may be known better or worse.
static void replaceWithCast(PatternRewriter &rewriter, Operation *op, Value value) {
  Type type = op->getResult(0).getType();
  if (value.getType() != type)
    value = tensor::CastOp::create(rewriter, op->getLoc(), type, value);
  rewriter.replaceOp(op, value);
}

namespace {
/// identity(y) -> y and its inverse.
template <typename OpT> struct ForwardIdentity : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    if (!isa<IdentityAttr>(op.getActivation()))
      return rewriter.notifyMatchFailure(op, "not the identity");
    if (op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "works on memrefs");
    replaceWithCast(rewriter, op, op.getInput());
    return success();
  }
};

/// The gradient of the identity is dz.
struct ForwardIdentityGrad : OpRewritePattern<ActivationGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ActivationGradOp op, PatternRewriter &rewriter) const override {
    if (!isa<IdentityAttr>(op.getActivation()))
      return rewriter.notifyMatchFailure(op, "not the identity");
    if (op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "works on memrefs");
    replaceWithCast(rewriter, op, op.getOutputGrad());
    return success();
  }
};
} // namespace

void ActivationOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ForwardIdentity<ActivationOp>>(context);
}

void ActivationInverseOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                      MLIRContext *context) {
  patterns.add<ForwardIdentity<ActivationInverseOp>>(context);
}

void ActivationGradOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                   MLIRContext *context) {
  patterns.add<ForwardIdentityGrad>(context);
}
