// The patterns of convert-dnn-to-linalg, one file each. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_CONVERTDNNTOLINALG_H
#define ABN_LIB_LOWER_CONVERTDNNTOLINALG_H

#include "LinalgBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::abn {

/// Replaces an op on tensors by the values that `Lower` builds, one per result.
template <typename Op, SmallVector<Value> (*Lower)(LinalgBuilder &, Op)>
struct LowerDnnOp : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    LinalgBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, Lower(b, op));
    return success();
  }
};

void populateConvolutionToLinalgPatterns(RewritePatternSet &patterns);
void populatePoolingToLinalgPatterns(RewritePatternSet &patterns);
void populateResizeToLinalgPatterns(RewritePatternSet &patterns);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CONVERTDNNTOLINALG_H
