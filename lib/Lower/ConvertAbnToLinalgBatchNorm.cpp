// convert-abn-to-linalg: batch normalisation out of place, and the statistics of the in-place one.
#include "ConvertAbnToLinalg.h"

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Statistics and normalisation
//===----------------------------------------------------------------------===//

BatchStatistics
mlir::abn::emitBatchStatistics(ChannelNest &nest, Value x, Value gamma, double epsilon,
                               Value meanInit, Value varianceInit,
                               function_ref<Value(ScalarBuilder &, Value)> effectiveGamma) {
  Value total =
      nest.sum({x}, 1, [&](ScalarBuilder &, Elements &e) { return SmallVector<Value>{e(x)}; })[0];
  Value center = nest.perChannel({total}, {Value()}, [&](ScalarBuilder &s, Elements &e) {
    return SmallVector<Value>{s.div(e(total), nest.count(s))};
  })[0];
  SmallVector<Value> moments =
      nest.sum({x, center}, 2, [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
        Value deviation = s.sub(e(x), e(center));
        return {deviation, s.mul(deviation, deviation)};
      });
  SmallVector<Value> results = nest.perChannel(
      {center, moments[0], moments[1], gamma}, {meanInit, varianceInit, Value(), Value()},
      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
        Value residue = s.div(e(moments[0]), nest.count(s));
        Value square = s.div(e(moments[1]), nest.count(s));
        Value variance = s.atLeast(s.sub(square, s.mul(residue, residue)), 0.0);
        Value scale =
            mulIfPresent(s, inverseDeviation(s, variance, epsilon), effectiveGamma(s, e(gamma)));
        return {s.add(e(center), residue), variance, residue, scale};
      });
  return {results[0], results[1], center, results[2], results[3]};
}

Value mlir::abn::normalize(ScalarBuilder &s, Elements &e, Value x,
                           const BatchStatistics &statistics, Value beta) {
  Value deviation = s.sub(s.sub(e(x), e(statistics.center)), e(statistics.residue));
  Value scaled = s.mul(deviation, e(statistics.scale));
  return beta ? s.add(scaled, e(beta)) : scaled;
}

/// y from given statistics: what batch_norm_inference computes and, from its own results,
/// batch_norm, bit by bit. A plan computes y again from x and the statistics that way.
template <typename OpT>
static Value emitNormalized(ChannelNest &nest, OpT op, Value mean, Value variance) {
  Value x = op.getInput(), gamma = op.getGamma(), beta = op.getBeta();
  double epsilon = op.getEpsilon().convertToDouble();
  Value scale = nest.perChannel({variance, gamma}, {Value()},
                                [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                                  Value inverse = inverseDeviation(s, e(variance), epsilon);
                                  return {mulIfPresent(s, inverse, e(gamma))};
                                })[0];
  return nest.map({x, mean, scale, beta}, op.getInits()[0],
                  [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                    Value scaled = s.mul(s.sub(e(x), e(mean)), e(scale));
                    return {beta ? s.add(scaled, e(beta)) : scaled};
                  });
}

static SmallVector<Value> lowerBatchNorm(ChannelNest &nest, BatchNormOp op) {
  BatchStatistics statistics = emitBatchStatistics(
      nest, op.getInput(), Value(), op.getEpsilon().convertToDouble(), op.getInits()[1],
      op.getInits()[2], [](ScalarBuilder &, Value gamma) { return gamma; });
  Value y;
  if (!op->getResult(0).use_empty())
    y = emitNormalized(nest, op, statistics.mean, statistics.variance);
  return {y, statistics.mean, statistics.variance};
}

static SmallVector<Value> lowerInference(ChannelNest &nest, BatchNormInferenceOp op) {
  return {emitNormalized(nest, op, op.getMean(), op.getVariance())};
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// Both gradients: with the batch's statistics dx = a*(dy - dbeta/M - xhat*dgamma/M), with frozen
/// ones dx = a*dy, a = gamma/sqrt(variance + epsilon).
template <typename OpT> static SmallVector<Value> lowerGrad(ChannelNest &nest, OpT op) {
  constexpr bool isFrozen = std::is_same_v<OpT, BatchNormInferenceGradOp>;
  Value dy = op.getOutputGrad(), x = op.getInput(), mean = op.getMean();
  Value variance = op.getVariance(), gamma = op.getGamma();
  double epsilon = op.getEpsilon().convertToDouble();
  bool needsInput = !op->getResult(0).use_empty();
  bool needsDgamma = !op->getResult(1).use_empty() || (needsInput && !isFrozen);
  bool needsDbeta = !op->getResult(2).use_empty() || (needsInput && !isFrozen);

  SmallVector<Value> factors =
      nest.perChannel({variance, gamma}, {Value(), Value()},
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        Value inverse = inverseDeviation(s, e(variance), epsilon);
                        return {inverse, mulIfPresent(s, inverse, e(gamma))};
                      });
  Value inverse = factors[0], scale = factors[1];
  auto emitXhat = [&](ScalarBuilder &s, Elements &e) {
    return s.mul(s.sub(e(x), e(mean)), e(inverse));
  };

  Value dgamma, dbeta;
  if (needsDgamma && needsDbeta) {
    SmallVector<Value> sums = nest.sum({dy, x, mean, inverse}, 2,
                                       [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                                         return {s.mul(e(dy), emitXhat(s, e)), e(dy)};
                                       });
    dgamma = sums[0], dbeta = sums[1];
  } else if (needsDgamma) {
    dgamma = nest.sum({dy, x, mean, inverse}, 1,
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        return {s.mul(e(dy), emitXhat(s, e))};
                      })[0];
  } else if (needsDbeta) {
    dbeta = nest.sum({dy}, 1,
                     [&](ScalarBuilder &, Elements &e) { return SmallVector<Value>{e(dy)}; })[0];
  }
  if (!needsInput)
    return {Value(), dgamma, dbeta};
  if (isFrozen) {
    Value dx = nest.map({dy, scale}, op.getInits()[0], [&](ScalarBuilder &s, Elements &e) {
      return SmallVector<Value>{s.mul(e(dy), e(scale))};
    });
    return {dx, dgamma, dbeta};
  }
  SmallVector<Value> means =
      nest.perChannel({dgamma, dbeta}, {Value(), Value()},
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        return {s.div(e(dgamma), nest.count(s)), s.div(e(dbeta), nest.count(s))};
                      });
  Value dx = nest.map({dy, x, mean, inverse, scale, means[0], means[1]}, op.getInits()[0],
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        Value centered = s.sub(e(dy), e(means[1]));
                        Value along = s.mul(emitXhat(s, e), e(means[0]));
                        return {s.mul(e(scale), s.sub(centered, along))};
                      });
  return {dx, dgamma, dbeta};
}

void mlir::abn::populateBatchNormToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAbnOp<BatchNormOp, lowerBatchNorm>,
               LowerAbnOp<BatchNormInferenceOp, lowerInference>,
               LowerAbnOp<BatchNormGradOp, lowerGrad<BatchNormGradOp>>,
               LowerAbnOp<BatchNormInferenceGradOp, lowerGrad<BatchNormInferenceGradOp>>>(
      patterns.getContext());
}
