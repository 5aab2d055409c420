// The patterns of convert-abn-to-linalg, one file each, and what they share. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_CONVERTABNTOLINALG_H
#define ABN_LIB_LOWER_CONVERTABNTOLINALG_H

#include "ChannelNest.h"
#include "abn/AbnDialect.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::abn {

/// Replaces an op on tensors by the values that `Lower` builds, one per result; those of unused
/// results may be null. An op without any use is erased.
template <typename Op, SmallVector<Value> (*Lower)(ChannelNest &, Op)>
struct LowerAbnOp : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    ChannelNest nest(rewriter, op.getLoc(), op.getInits()[0], op.getChannelDim());
    SmallVector<Value> values = Lower(nest, op);
    for (auto [value, init] : llvm::zip(values, op.getInits()))
      if (!value)
        value = init;
    rewriter.replaceOp(op, values);
    return success();
  }
};

/// 1/sqrt(variance + epsilon).
inline Value inverseDeviation(ScalarBuilder &s, Value variance, double epsilon) {
  return s.div(s.constant(1.0), s.sqrt(s.add(variance, epsilon)));
}

/// lhs * rhs where a null rhs is 1.
inline Value mulIfPresent(ScalarBuilder &s, Value lhs, Value rhs) {
  return rhs ? s.mul(lhs, rhs) : lhs;
}

/// The batch's statistics and what the normalisation needs of them, per channel. The mean comes in
/// two parts, a rounded one and the mean of what is left: where |mean| is much larger than the
/// deviation their sum would round, and xhat would not sum to 0.
struct BatchStatistics {
  Value mean, variance;  // the op's results
  Value center, residue; // mean = center + residue
  Value scale;           // gamma / sqrt(variance + epsilon)
};

/// Emits two passes over x: its sum, then the sums of x - center and its square (the corrected
/// two-pass algorithm of Chan, Golub and LeVeque, 1983). `effectiveGamma` emits the factor that is
/// used for gamma's element, null if it is 1.
BatchStatistics emitBatchStatistics(ChannelNest &nest, Value x, Value gamma, double epsilon,
                                    Value meanInit, Value varianceInit,
                                    function_ref<Value(ScalarBuilder &, Value)> effectiveGamma);

/// scale * ((x - center) - residue) + beta, inside a body.
Value normalize(ScalarBuilder &s, Elements &e, Value x, const BatchStatistics &statistics,
                Value beta);

void populateActivationToLinalgPatterns(RewritePatternSet &patterns);
void populateBatchNormToLinalgPatterns(RewritePatternSet &patterns);
void populateInplaceToLinalgPatterns(RewritePatternSet &patterns);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CONVERTABNTOLINALG_H
