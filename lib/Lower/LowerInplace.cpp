// The in-place ops and abn.recover. Forward passes read x in the destination
// that they overwrite; the backward's second pass inverts z again, so that nothing of full size is
// kept between its two passes.
#include "Checksum.h"
#include "LowerAbn.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// What the ops of a chain share
//===----------------------------------------------------------------------===//

namespace {
/// The attributes and per-channel operands of an in-place op.
struct Chain {
  template <typename OpT>
  explicit Chain(OpT op)
      : phi(op.getActivation()), gamma(op.getGamma()), beta(op.getBeta()),
        params(op.getParams().begin(), op.getParams().end()), policy(op.getGammaPolicy()),
        threshold(op.getGammaThreshold().convertToDouble()),
        epsilon(op.getEpsilon().convertToDouble()) {}

  ActivationAttrInterface phi;
  Value gamma, beta; // null if absent
  SmallVector<Value> params;
  GammaPolicy policy;
  double threshold, epsilon;

  /// The operands that recovering xhat takes beside z.
  SmallVector<Value> with(ArrayRef<Value> others) const {
    SmallVector<Value> operands(others);
    operands.push_back(beta);
    llvm::append_range(operands, params);
    return operands;
  }
};
} // namespace

/// -1 for negative gamma, else +1.
static Value signOf(ScalarBuilder &s, Value gamma) {
  return s.select(s.less(gamma, 0.0), s.constant(-1.0), s.constant(1.0));
}

/// The factor that forward and backward use for gamma (see #abn.gamma_policy); null for an absent
/// gamma, which is 1 whatever the policy.
static Value effectiveGamma(ScalarBuilder &s, const Chain &chain, Value gamma) {
  if (!gamma || chain.policy == GammaPolicy::Trust || chain.policy == GammaPolicy::Check)
    return gamma;
  if (chain.policy == GammaPolicy::Abs)
    return s.add(s.abs(gamma), chain.epsilon);
  return s.copySign(s.atLeast(s.abs(gamma), chain.threshold), signOf(s, gamma));
}

/// 1/gamma, and 0 where gamma is so small that this would overflow: xhat counts as 0 there.
static Value inverseGamma(ScalarBuilder &s, Value gamma) {
  if (!gamma)
    return s.constant(1.0);
  Value isLost = s.less(s.abs(gamma), s.smallestNormal());
  return s.select(isLost, s.constant(0.0), s.div(s.constant(1.0), gamma));
}

/// xhat = (y - beta) / gamma.
static Value emitXhat(ScalarBuilder &s, Elements &e, const Chain &chain, Value y, Value inverse) {
  Value centered = chain.beta ? s.sub(y, e(chain.beta)) : y;
  return chain.gamma ? s.mul(centered, e(inverse)) : centered;
}

static Value invert(ScalarBuilder &s, Elements &e, const Chain &chain, Value z) {
  return chain.phi.invert(s.getBuilder(), s.getLoc(), e(z), e(chain.params));
}

static Value activate(ScalarBuilder &s, Elements &e, const Chain &chain, Value y) {
  return chain.phi.apply(s.getBuilder(), s.getLoc(), y, e(chain.params));
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

static SmallVector<Value> lowerForward(ChannelNest &nest, InplaceForwardOp op) {
  Chain chain(op);
  Value x = op.getInits()[0];
  BatchStatistics statistics = nest.takeStatistics(
      {x, chain.gamma, chain.epsilon, op.getInits()[1], op.getInits()[2],
       [&](ScalarBuilder &s, Value gamma) { return effectiveGamma(s, chain, gamma); }});
  Value z;
  if (isNeeded(op, 0))
    z = nest.map(chain.with({statistics.center, statistics.residue, statistics.scale}), x,
                 [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                   return {activate(s, e, chain, normalize(s, e, x, statistics, chain.beta))};
                 });
  return {z, statistics.mean, statistics.variance};
}

static SmallVector<Value> lowerInference(ChannelNest &nest, InplaceInferenceOp op) {
  Chain chain(op);
  Value x = op.getInits()[0], mean = op.getMean(), variance = op.getVariance();
  Value scale = nest.perChannel(
      {variance, chain.gamma}, {Value()}, [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
        return {mulIfPresent(s, inverseDeviation(s, e(variance), chain.epsilon),
                             effectiveGamma(s, chain, e(chain.gamma)))};
      })[0];
  return {nest.map(
      chain.with({mean, scale}), x, [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
        Value scaled = s.mul(s.sub(e(x), e(mean)), e(scale));
        return {activate(s, e, chain, chain.beta ? s.add(scaled, e(chain.beta)) : scaled)};
      })};
}

//===----------------------------------------------------------------------===//
// Backward
//===----------------------------------------------------------------------===//

namespace {
/// The backward of one op: its two passes share what they compute at a position.
struct Backward {
  template <typename OpT>
  Backward(ChannelNest &nest, OpT op)
      : nest(nest), op(op), chain(op), z(op.getOutput()), dz(op.getInits()[0]),
        variance(op.getVariance()), inits(op.getInits().begin(), op.getInits().end()),
        isFrozen(std::is_same_v<OpT, InplaceInferenceBackwardOp>) {
    SmallVector<Value> factors = nest.perChannel(
        {variance, chain.gamma}, {Value(), Value()},
        [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
          Value gamma = effectiveGamma(s, chain, e(chain.gamma));
          return {mulIfPresent(s, inverseDeviation(s, e(variance), chain.epsilon), gamma),
                  inverseGamma(s, gamma)};
        });
    scale = factors[0], inverse = chain.gamma ? factors[1] : Value();
  }

  SmallVector<Value> lower();

private:
  struct AtPosition {
    Value dy, xhat;
  };
  AtPosition emit(ScalarBuilder &s, Elements &e);
  /// The first pass: what of dgamma (before its sign), dbeta and the checksum is needed.
  void emitSums(bool needsDgamma, bool needsDbeta);
  Value emitDx();
  Value emitFrozenDx();
  Value emitSignedDgamma();
  /// Whether dgamma takes gamma's sign.
  bool isSigned() const { return chain.policy == GammaPolicy::Abs && chain.gamma; }

  ChannelNest &nest;
  Operation *op;
  Chain chain;
  Value z, dz, variance;
  SmallVector<Value> inits;
  bool isFrozen;
  Value scale, inverse; // gamma/sqrt(variance + epsilon), 1/gamma or null
  Value dgamma, dbeta;
};
} // namespace

Backward::AtPosition Backward::emit(ScalarBuilder &s, Elements &e) {
  OpBuilder &b = s.getBuilder();
  Value y = invert(s, e, chain, z);
  Value slope = chain.phi.hasDerivativeFromOutput()
                    ? chain.phi.derivativeFromOutput(b, s.getLoc(), e(z), e(chain.params))
                    : chain.phi.derivative(b, s.getLoc(), y, e(chain.params));
  return {s.mul(e(dz), slope), emitXhat(s, e, chain, y, inverse)};
}

void Backward::emitSums(bool needsDgamma, bool needsDbeta) {
  bool isChecked = chain.policy == GammaPolicy::Check && !isFrozen;
  SmallVector<Value> destinations;
  if (needsDgamma) // whose sign emitSignedDgamma takes into account
    destinations.push_back(isSigned() ? Value() : inits[1]);
  if (needsDbeta)
    destinations.push_back(inits[2]);
  if (isChecked)
    destinations.append(2, Value());
  if (destinations.empty())
    return;

  SmallVector<Value> sums =
      nest.sum(chain.with({z, dz, inverse}), destinations, [&](ScalarBuilder &s, Elements &e) {
        AtPosition here = emit(s, e);
        SmallVector<Value> terms;
        if (needsDgamma)
          terms.push_back(s.mul(here.dy, here.xhat));
        if (needsDbeta)
          terms.push_back(here.dy);
        if (isChecked)
          terms.append({here.xhat, s.mul(here.xhat, here.xhat)});
        return terms;
      });
  ArrayRef<Value> rest = sums;
  if (needsDgamma)
    dgamma = rest.consume_front();
  if (needsDbeta)
    dbeta = rest.consume_front();
  if (isChecked)
    emitChecksum(nest, op, rest[0], rest[1], variance, chain.epsilon,
                 getElementTypeOrSelf(z.getType()));
}

Value Backward::emitDx() {
  SmallVector<Value> means =
      nest.perChannel({dgamma, dbeta}, {Value(), Value()},
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        return {s.div(e(dgamma), nest.count(s)), s.div(e(dbeta), nest.count(s))};
                      });
  return nest.map(chain.with({z, scale, inverse, means[0], means[1]}), dz,
                  [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                    AtPosition here = emit(s, e);
                    Value centered = s.sub(here.dy, e(means[1]));
                    Value along = s.mul(here.xhat, e(means[0]));
                    return {s.mul(e(scale), s.sub(centered, along))};
                  });
}

Value Backward::emitFrozenDx() {
  return nest.map(
      chain.with({z, scale}), dz, [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
        OpBuilder &b = s.getBuilder();
        ActivationAttrInterface phi = chain.phi;
        Value slope = phi.hasDerivativeFromOutput()
                          ? phi.derivativeFromOutput(b, s.getLoc(), e(z), e(chain.params))
                          : phi.derivative(b, s.getLoc(), invert(s, e, chain, z), e(chain.params));
        return {s.mul(e(scale), s.mul(e(dz), slope))};
      });
}

Value Backward::emitSignedDgamma() {
  if (!isSigned())
    return dgamma;
  return nest.perChannel({dgamma, chain.gamma}, {inits[1]},
                         [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                           return {s.mul(e(dgamma), signOf(s, e(chain.gamma)))};
                         })[0];
}

SmallVector<Value> Backward::lower() {
  bool needsDx = isNeeded(op, 0);
  bool needsSums = needsDx && !isFrozen;
  emitSums(needsSums || isNeeded(op, 1), needsSums || isNeeded(op, 2));
  Value dx;
  if (needsDx)
    dx = isFrozen ? emitFrozenDx() : emitDx();
  return {dx, dgamma ? emitSignedDgamma() : Value(), dbeta};
}

//===----------------------------------------------------------------------===//
// Recovery
//===----------------------------------------------------------------------===//

static SmallVector<Value> lowerRecover(ChannelNest &nest, RecoverOp op) {
  Chain chain(op);
  Value z = op.getOutput(), mean = op.getMean(), variance = op.getVariance();
  SmallVector<Value> factors =
      nest.perChannel({variance, chain.gamma}, {Value(), Value()},
                      [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                        Value gamma = effectiveGamma(s, chain, e(chain.gamma));
                        return {s.sqrt(s.add(e(variance), chain.epsilon)), inverseGamma(s, gamma)};
                      });
  Value deviation = factors[0], inverse = chain.gamma ? factors[1] : Value();
  auto emitRecovered = [&](ScalarBuilder &s, Elements &e) {
    return emitXhat(s, e, chain, invert(s, e, chain, z), inverse);
  };
  if (chain.policy == GammaPolicy::Check) {
    SmallVector<Value> sums = nest.sum(chain.with({z, inverse}), {Value(), Value()},
                                       [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                                         Value xhat = emitRecovered(s, e);
                                         return {xhat, s.mul(xhat, xhat)};
                                       });
    emitChecksum(nest, op, sums[0], sums[1], variance, chain.epsilon,
                 getElementTypeOrSelf(z.getType()));
  }
  return {nest.map(chain.with({z, mean, deviation, inverse}), op.getInits()[0],
                   [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                     return {s.add(s.mul(emitRecovered(s, e), e(deviation)), e(mean))};
                   })};
}

std::optional<SmallVector<Value>> mlir::abn::lowerInplaceOp(ChannelNest &nest, Operation *op) {
  using Values = std::optional<SmallVector<Value>>;
  return llvm::TypeSwitch<Operation *, Values>(op)
      .Case([&](InplaceForwardOp typed) -> Values { return lowerForward(nest, typed); })
      .Case([&](InplaceInferenceOp typed) -> Values { return lowerInference(nest, typed); })
      .Case<InplaceBackwardOp, InplaceInferenceBackwardOp>(
          [&](auto typed) -> Values { return Backward(nest, typed).lower(); })
      .Case([&](RecoverOp typed) -> Values { return lowerRecover(nest, typed); })
      .Default(Values());
}

SmallVector<Value> mlir::abn::lowerAbnOp(ChannelNest &nest, Operation *op) {
  for (auto lower : {lowerActivationOp, lowerBatchNormOp, lowerInplaceOp})
    if (std::optional<SmallVector<Value>> values = lower(nest, op))
      return std::move(*values);
  llvm_unreachable("expected an abn op");
}
