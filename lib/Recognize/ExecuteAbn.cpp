// Executes abn ops: written from the formulas, sharing nothing with the lowering that it helps to
// check.
#include "ExecuteAbn.h"
#include "ActivationBodies.h"
#include "abn/AbnDialect.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

using Arrays = SmallVector<TinyArray, 2>;
using Form = ActivationBodies::Form;

namespace {
/// The operands of one op as arrays of one rank: full ones broadcast to their tiny shape,
/// per-channel ones along the channel axis.
class Executor {
public:
  Executor(Operation *op, Evaluation &evaluation)
      : evaluation(evaluation), arena(evaluation.getArena()) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    rank = type.getRank();
    if (auto attr = op->getAttrOfType<IntegerAttr>("channel_dim"))
      channelDim = attr.getInt();
    if (auto attr = op->getAttrOfType<FloatAttr>("epsilon"))
      epsilon = attr.getValueAsDouble();
    layout.assign(rank, 1);
    for (Value operand : op->getOperands()) {
      const EvaluatedValue &value = evaluation[*evaluation.find(operand)];
      for (int64_t axis = 0; axis < rank && static_cast<int64_t>(value.shape.size()) == rank;
           ++axis)
        layout[axis] = std::max(layout[axis], value.array.sizes[axis]);
    }
  }

  std::optional<Arrays> run(Operation *op);

private:
  TinyArray full(Value value) {
    const EvaluatedValue &v = evaluation[*evaluation.find(value)];
    // Along an axis that no operand varies along, per-channel vectors still may.
    SmallVector<int64_t, 5> sizes;
    count = 1;
    for (auto [axis, size] : llvm::enumerate(layout)) {
      sizes.push_back(size > 1 ? size : evaluation.getTinyExtent(v.shape[axis]));
      if (static_cast<int64_t>(axis) != channelDim)
        count *= v.shape[axis];
    }
    return broadcast(arena, v.array, sizes);
  }
  TinyArray vector(Value value, double absent) {
    if (!value)
      return arena.splat(rank, absent);
    SmallVector<int64_t, 5> order(rank, -1);
    order[channelDim] = 0;
    return permute(arena, evaluation[*evaluation.find(value)].array, order);
  }
  SmallVector<TinyArray, 2> params(ValueRange values) {
    SmallVector<TinyArray, 2> arrays;
    for (Value value : values)
      arrays.push_back(vector(value, 0));
    return arrays;
  }
  template <typename Fn> TinyArray map(TinyArray a, TinyArray b, Fn fn) {
    SmallVector<int64_t, 5> sizes;
    if (!mergeSizes({a, b}, sizes))
      return arena.splat(rank, NAN);
    TinyArray result = arena.allocate(sizes);
    const TinyArray *const arrays[] = {&a, &b};
    forEachElement(sizes, arrays, [&](int64_t i, const int64_t *offsets) {
      result.data[i] = fn(a.data[offsets[0]], b.data[offsets[1]]);
    });
    return result;
  }
  TinyArray add(TinyArray a, TinyArray b) { return map(a, b, addExactly); }
  TinyArray sub(TinyArray a, TinyArray b) {
    return map(a, b, [](double x, double y) { return addExactly(x, -y); });
  }
  TinyArray mul(TinyArray a, TinyArray b) {
    return map(a, b, [](double x, double y) { return x * y; });
  }
  TinyArray div(TinyArray a, TinyArray b) {
    return map(a, b, [](double x, double y) { return x / y; });
  }
  /// The mean over all axes but the channel.
  TinyArray mean(const TinyArray &a) {
    SmallVector<int64_t, 5> sizes(rank, 1);
    sizes[channelDim] = a.sizes[channelDim];
    TinyArray result = arena.allocate(sizes);
    std::fill_n(result.data, result.getTotal(), 0.0);
    double weight = static_cast<double>(result.getCount()) / a.getCount();
    const TinyArray *const arrays[] = {&result};
    forEachElement(a.sizes, arrays, [&](int64_t i, const int64_t *offsets) {
      result.data[offsets[0]] += weight * a.data[i];
    });
    return result;
  }
  /// 1/sqrt(variance + epsilon).
  TinyArray inverseDeviation(const TinyArray &variance) {
    return map(variance, arena.splat(rank, epsilon),
               [](double v, double e) { return 1 / std::sqrt(v + e); });
  }
  /// A per-channel array as the op's 1-D result.
  TinyArray toVector(const TinyArray &a) { return permute(arena, a, {channelDim}); }
  TinyArray toSum(const TinyArray &meanOf) {
    return toVector(mul(meanOf, arena.splat(rank, static_cast<double>(count))));
  }
  TinyArray phi(ActivationAttrInterface attr, Form form, const TinyArray &input,
                ValueRange values) {
    return bodies.evaluate(attr, form, input, params(values), arena);
  }
  template <typename OpTy> TinyArray effectiveGamma(OpTy op);
  template <typename OpTy> TinyArray recoverNormalized(OpTy op, const TinyArray &z);
  Arrays gradients(const TinyArray &dy, const TinyArray &normalized, const TinyArray &gamma,
                   const TinyArray &deviation, bool frozen);
  template <typename OpTy> Arrays backward(OpTy op, bool frozen);

  Evaluation &evaluation;
  ArrayArena &arena;
  ActivationBodies bodies;
  /// The sizes along which the full operands vary.
  SmallVector<int64_t, 5> layout;
  int64_t rank = 0, channelDim = 0, count = 1;
  double epsilon = 0;
};
} // namespace

/// Gamma as the policy makes it.
template <typename OpTy> TinyArray Executor::effectiveGamma(OpTy op) {
  TinyArray gamma = vector(op.getGamma(), 1);
  GammaPolicy policy = op.getGammaPolicy();
  double threshold = op.getGammaThreshold().convertToDouble(), e = epsilon;
  return map(gamma, arena.splat(rank, 0), [=](double g, double) {
    if (policy == GammaPolicy::Clamp)
      return std::copysign(std::max(std::fabs(g), threshold), g);
    return policy == GammaPolicy::Abs ? std::fabs(g) + e : g;
  });
}

/// xhat = (phi^-1(z) - beta)/gamma.
template <typename OpTy> TinyArray Executor::recoverNormalized(OpTy op, const TinyArray &z) {
  TinyArray y = phi(op.getActivation(), Form::Invert, z, op.getParams());
  return div(sub(y, vector(op.getBeta(), 0)), effectiveGamma(op));
}

/// dx, dgamma and dbeta.
Arrays Executor::gradients(const TinyArray &dy, const TinyArray &normalized, const TinyArray &gamma,
                           const TinyArray &deviation, bool frozen) {
  TinyArray betaGrad = mean(dy), gammaGrad = mean(mul(dy, normalized));
  TinyArray centred = frozen ? dy : sub(sub(dy, betaGrad), mul(normalized, gammaGrad));
  return {mul(mul(gamma, deviation), centred), toSum(gammaGrad), toSum(betaGrad)};
}

template <typename OpTy> Arrays Executor::backward(OpTy op, bool frozen) {
  TinyArray z = full(op.getOutput()), dz = full(op.getInits().front());
  TinyArray dy = mul(dz, phi(op.getActivation(), Form::DerivativeFromOutput, z, op.getParams()));
  TinyArray normalized = recoverNormalized(op, z);
  // Where phi' is 0 the inverse is arbitrary, and counts for nothing.
  if (frozen)
    normalized = map(normalized, dy, [](double x, double d) { return d == 0 ? 0 : x; });
  Arrays results = gradients(dy, normalized, effectiveGamma(op),
                             inverseDeviation(vector(op.getVariance(), 1)), frozen);
  // The gradient of |gamma|.
  if (op.getGamma() && op.getGammaPolicy() == GammaPolicy::Abs) {
    TinyArray gamma = evaluation[*evaluation.find(op.getGamma())].array;
    for (int64_t i = 0, e = results[1].getTotal(), n = gamma.getTotal(); i < e; ++i)
      results[1].data[i] *= gamma.data[n == e ? i : i * n / e] < 0 ? -1 : 1;
  }
  return results;
}

std::optional<Arrays> Executor::run(Operation *operation) {
  using Result = std::optional<Arrays>;
  return llvm::TypeSwitch<Operation *, Result>(operation)
      .Case<BatchNormOp>([&](BatchNormOp op) {
        TinyArray x = full(op.getInput()), mu = mean(x), centred = sub(x, mu);
        TinyArray variance = mean(mul(centred, centred));
        TinyArray scale = mul(vector(op.getGamma(), 1), inverseDeviation(variance));
        return Arrays{add(mul(centred, scale), vector(op.getBeta(), 0)), toVector(mu),
                      toVector(variance)};
      })
      .Case<BatchNormInferenceOp>([&](BatchNormInferenceOp op) {
        TinyArray centred = sub(full(op.getInput()), vector(op.getMean(), 0));
        TinyArray scale =
            mul(vector(op.getGamma(), 1), inverseDeviation(vector(op.getVariance(), 1)));
        return Arrays{add(mul(centred, scale), vector(op.getBeta(), 0))};
      })
      .Case<BatchNormGradOp, BatchNormInferenceGradOp>([&](auto op) {
        TinyArray deviation = inverseDeviation(vector(op.getVariance(), 1));
        TinyArray normalized = mul(sub(full(op.getInput()), vector(op.getMean(), 0)), deviation);
        return gradients(full(op.getOutputGrad()), normalized, vector(op.getGamma(), 1), deviation,
                         isa<BatchNormInferenceGradOp>(operation));
      })
      .Case<ActivationOp>([&](ActivationOp op) {
        return Arrays{phi(op.getActivation(), Form::Apply, full(op.getInput()), op.getParams())};
      })
      .Case<ActivationInverseOp>([&](ActivationInverseOp op) {
        return Arrays{phi(op.getActivation(), Form::Invert, full(op.getInput()), op.getParams())};
      })
      .Case<ActivationGradOp>([&](ActivationGradOp op) {
        Form form = op.getFromOutput() ? Form::DerivativeFromOutput : Form::Derivative;
        return Arrays{mul(full(op.getOutputGrad()),
                          phi(op.getActivation(), form, full(op.getValue()), op.getParams()))};
      })
      .Case<InplaceForwardOp>([&](InplaceForwardOp op) {
        TinyArray x = full(op.getInits().front()), mu = mean(x), centred = sub(x, mu);
        TinyArray variance = mean(mul(centred, centred));
        TinyArray y = add(mul(centred, mul(effectiveGamma(op), inverseDeviation(variance))),
                          vector(op.getBeta(), 0));
        return Arrays{phi(op.getActivation(), Form::Apply, y, op.getParams()), toVector(mu),
                      toVector(variance)};
      })
      .Case<InplaceInferenceOp>([&](InplaceInferenceOp op) {
        TinyArray centred = sub(full(op.getInits().front()), vector(op.getMean(), 0));
        TinyArray scale = mul(effectiveGamma(op), inverseDeviation(vector(op.getVariance(), 1)));
        return Arrays{phi(op.getActivation(), Form::Apply,
                          add(mul(centred, scale), vector(op.getBeta(), 0)), op.getParams())};
      })
      .Case<InplaceBackwardOp>([&](InplaceBackwardOp op) { return backward(op, false); })
      .Case<InplaceInferenceBackwardOp>([&](auto op) { return backward(op, true); })
      .Case<RecoverOp>([&](RecoverOp op) {
        TinyArray normalized = recoverNormalized(op, full(op.getOutput()));
        TinyArray deviation = inverseDeviation(vector(op.getVariance(), 1));
        return Arrays{add(div(normalized, deviation), vector(op.getMean(), 0))};
      })
      .Default([](Operation *) { return Result(); });
}

std::optional<Arrays> mlir::abn::executeAbnOp(Operation *op, Evaluation &evaluation) {
  if (op->getNumResults() == 0 || !isa<RankedTensorType>(op->getResult(0).getType()))
    return std::nullopt;
  return Executor(op, evaluation).run(op);
}
