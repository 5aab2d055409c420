// Batch normalisation out of place.
#include "LowerAbn.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Statistics and normalisation
//===----------------------------------------------------------------------===//

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
  BatchStatistics statistics = nest.takeStatistics(
      {op.getInput(), Value(), op.getEpsilon().convertToDouble(), op.getInits()[1],
       op.getInits()[2], [](ScalarBuilder &, Value gamma) { return gamma; }});
  Value y;
  if (isNeeded(op, 0))
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
  bool needsInput = isNeeded(op, 0);
  bool needsDgamma = isNeeded(op, 1) || (needsInput && !isFrozen);
  bool needsDbeta = isNeeded(op, 2) || (needsInput && !isFrozen);

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
  SmallVector<Value> inits;
  if (needsDgamma)
    inits.push_back(op.getInits()[1]);
  if (needsDbeta)
    inits.push_back(op.getInits()[2]);
  if (!inits.empty()) {
    SmallVector<Value> operands = {dy};
    if (needsDgamma)
      operands.append({x, mean, inverse});
    SmallVector<Value> sums = nest.sum(operands, inits, [&](ScalarBuilder &s, Elements &e) {
      SmallVector<Value> terms;
      if (needsDgamma)
        terms.push_back(s.mul(e(dy), emitXhat(s, e)));
      if (needsDbeta)
        terms.push_back(e(dy));
      return terms;
    });
    dgamma = needsDgamma ? sums.front() : Value();
    dbeta = needsDbeta ? sums.back() : Value();
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

std::optional<SmallVector<Value>> mlir::abn::lowerBatchNormOp(ChannelNest &nest, Operation *op) {
  using Values = std::optional<SmallVector<Value>>;
  return llvm::TypeSwitch<Operation *, Values>(op)
      .Case([&](BatchNormOp typed) -> Values { return lowerBatchNorm(nest, typed); })
      .Case([&](BatchNormInferenceOp typed) -> Values { return lowerInference(nest, typed); })
      .Case<BatchNormGradOp, BatchNormInferenceGradOp>(
          [&](auto typed) -> Values { return lowerGrad(nest, typed); })
      .Default(Values());
}
