// The arithmetic of the built-in activations: phi, its derivative and its inverse, one element at
// a time in the compute type. Conventions at kinks are PyTorch's. NaN comes through everywhere.
// Inverses guard the values at which phi saturates or underflows, so that they stay finite.
#include "abn/AbnDialect.h"
#include "abn/ScalarBuilder.h"

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Identity
//===----------------------------------------------------------------------===//

Value IdentityAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const { return y; }

Value IdentityAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  return ScalarBuilder(b, loc, y).constant(1.0);
}

Value IdentityAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const { return z; }

Value IdentityAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {
  return ScalarBuilder(b, loc, z).constant(1.0);
}

//===----------------------------------------------------------------------===//
// Leaky relu and prelu
//===----------------------------------------------------------------------===//

// The branch is on `> 0`: -0, to which a negative y may underflow in z, takes the slope's side, and
// phi'(0) is the slope as in PyTorch. The same test serves y and z.

Value LeakyReluAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.greater(y, 0.0), y, s.mul(y, s.constant(getSlope().convertToDouble())));
}

Value LeakyReluAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.greater(y, 0.0), s.constant(1.0), s.constant(getSlope().convertToDouble()));
}

Value LeakyReluAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  // Slope 0 is inverted only where z > 0 matters.
  if (getSlope().isZero())
    return z;
  return s.select(s.greater(z, 0.0), z, s.div(z, getSlope().convertToDouble()));
}

Value LeakyReluAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z,
                                          ValueRange params) const {
  return derivative(b, loc, z, params);
}

Value PreluAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.greater(y, 0.0), y, s.mul(y, params[0]));
}

Value PreluAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.greater(y, 0.0), s.constant(1.0), params[0]);
}

Value PreluAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange params) const {
  ScalarBuilder s(b, loc, z);
  // A slope that training brought to 0 lost y; stay finite and leave the alarm to the checksum.
  Value isLost = s.less(s.abs(params[0]), s.smallestNormal());
  Value slope = s.select(isLost, s.constant(1.0), params[0]);
  return s.select(s.greater(z, 0.0), z, s.div(z, slope));
}

Value PreluAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z,
                                      ValueRange params) const {
  return derivative(b, loc, z, params);
}

//===----------------------------------------------------------------------===//
// Elu, celu, selu
//===----------------------------------------------------------------------===//

namespace {
/// z = y > 0 ? scale*y : negativeScale*(exp(inputScale*y) - 1).
struct EluCoefficients {
  double scale, negativeScale, inputScale;

  Value apply(OpBuilder &b, Location loc, Value y) const {
    ScalarBuilder s(b, loc, y);
    Value negative = s.mul(s.expm1(s.mul(y, inputScale)), negativeScale);
    return s.select(s.greater(y, 0.0), s.mul(y, scale), negative);
  }

  Value derivative(OpBuilder &b, Location loc, Value y) const {
    ScalarBuilder s(b, loc, y);
    Value negative = s.mul(s.exp(s.mul(y, inputScale)), negativeScale * inputScale);
    return s.select(s.greater(y, 0.0), s.constant(scale), negative);
  }

  Value invert(OpBuilder &b, Location loc, Value z) const {
    ScalarBuilder s(b, loc, z);
    // z rounds to -negativeScale (in a narrow type even past it), where log1p would be -inf.
    Value ratio = s.atLeast(s.div(z, negativeScale), -1.0 + s.gapBelowOne());
    Value negative = s.div(s.log1p(ratio), inputScale);
    return s.select(s.greater(z, 0.0), s.div(z, scale), negative);
  }

  Value derivativeFromOutput(OpBuilder &b, Location loc, Value z) const {
    ScalarBuilder s(b, loc, z);
    // Rounding may carry z past -negativeScale; phi' is never negative.
    Value negative = s.mul(s.atLeast(s.add(z, negativeScale), 0.0), inputScale);
    return s.select(s.greater(z, 0.0), s.constant(scale), negative);
  }
};
} // namespace

#define ABN_ELU_LIKE(ATTR, COEFFICIENTS)                                                           \
  Value ATTR::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {                       \
    return COEFFICIENTS.apply(b, loc, y);                                                          \
  }                                                                                                \
  Value ATTR::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {                  \
    return COEFFICIENTS.derivative(b, loc, y);                                                     \
  }                                                                                                \
  Value ATTR::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {                      \
    return COEFFICIENTS.invert(b, loc, z);                                                         \
  }                                                                                                \
  Value ATTR::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {        \
    return COEFFICIENTS.derivativeFromOutput(b, loc, z);                                           \
  }

static EluCoefficients getCoefficients(EluAttr elu) {
  double scale = elu.getScale().convertToDouble();
  return {scale, scale * elu.getAlpha().convertToDouble(), elu.getInputScale().convertToDouble()};
}

static EluCoefficients getCoefficients(CeluAttr celu) {
  double alpha = celu.getAlpha().convertToDouble();
  return {1.0, alpha, 1.0 / alpha};
}

/// Klambauer et al., "Self-normalizing neural networks", NIPS 2017, equation 14.
static EluCoefficients getCoefficients(SeluAttr) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  return {scale, scale * alpha, 1.0};
}

ABN_ELU_LIKE(EluAttr, getCoefficients(*this))
ABN_ELU_LIKE(CeluAttr, getCoefficients(*this))
ABN_ELU_LIKE(SeluAttr, getCoefficients(*this))
#undef ABN_ELU_LIKE

//===----------------------------------------------------------------------===//
// Softplus, sigmoid, tanh
//===----------------------------------------------------------------------===//

Value SoftplusAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  double beta = getBeta().convertToDouble();
  Value t = s.mul(y, beta);
  Value isLinear = s.greater(t, getThreshold().convertToDouble());
  return s.select(isLinear, y, s.div(s.softplus(t), beta));
}

Value SoftplusAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value t = s.mul(y, getBeta().convertToDouble());
  Value isLinear = s.greater(t, getThreshold().convertToDouble());
  return s.select(isLinear, s.constant(1.0), s.sigmoid(t));
}

Value SoftplusAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  double beta = getBeta().convertToDouble();
  Value t = s.mul(z, beta);
  Value isLinear = s.greater(t, getThreshold().convertToDouble());
  // log(exp(t) - 1) without overflow for large t or cancellation for small t. The guard is for a z
  // that underflowed to 0, and for lowerings of expm1 that give 0 for small t.
  Value decay = s.atLeast(s.neg(s.expm1(s.neg(t))), s.smallestNormal());
  Value inverse = s.add(t, s.log(decay));
  return s.select(isLinear, z, s.div(inverse, beta));
}

Value SoftplusAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  Value t = s.mul(z, getBeta().convertToDouble());
  Value isLinear = s.greater(t, getThreshold().convertToDouble());
  return s.select(isLinear, s.constant(1.0), s.neg(s.expm1(s.neg(t))));
}

Value SigmoidAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  return ScalarBuilder(b, loc, y).sigmoid(y);
}

Value SigmoidAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  return derivativeFromOutput(b, loc, apply(b, loc, y, params), params);
}

Value SigmoidAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  Value inside = s.atMost(s.atLeast(z, s.smallestNormal()), 1.0 - s.gapBelowOne());
  return s.log(s.div(inside, s.sub(s.constant(1.0), inside)));
}

Value SigmoidAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  return s.mul(z, s.sub(s.constant(1.0), z));
}

Value TanhAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  return ScalarBuilder(b, loc, y).tanh(y);
}

Value TanhAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  return derivativeFromOutput(b, loc, apply(b, loc, y, params), params);
}

Value TanhAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  // atanh(m) = log1p(2m/(1-m))/2 is accurate near 0 and, since 1-m is exact there, near 1.
  Value magnitude = s.atMost(s.abs(z), 1.0 - s.gapBelowOne());
  Value ratio = s.div(s.mul(magnitude, 2.0), s.sub(s.constant(1.0), magnitude));
  return s.copySign(s.mul(s.log1p(ratio), 0.5), z);
}

Value TanhAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  return s.sub(s.constant(1.0), s.mul(z, z));
}

//===----------------------------------------------------------------------===//
// Relu, hardtanh, hardsigmoid: invertible where phi' is not zero
//===----------------------------------------------------------------------===//

Value ReluAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.lessEqual(y, 0.0), s.constant(0.0), y);
}

Value ReluAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.select(s.lessEqual(y, 0.0), s.constant(0.0), s.constant(1.0));
}

Value ReluAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const { return z; }

Value ReluAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange params) const {
  return derivative(b, loc, z, params);
}

Value HardtanhAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.atMost(s.atLeast(y, getMinVal().convertToDouble()), getMaxVal().convertToDouble());
}

Value HardtanhAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value zero = s.constant(0.0);
  Value below = s.lessEqual(y, getMinVal().convertToDouble());
  Value above = s.greaterEqual(y, getMaxVal().convertToDouble());
  return s.select(below, zero, s.select(above, zero, s.constant(1.0)));
}

Value HardtanhAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const { return z; }

Value HardtanhAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z,
                                         ValueRange params) const {
  return derivative(b, loc, z, params);
}

/// inside where low < v < high, else 0.
static Value selectInside(ScalarBuilder &s, Value v, double low, double high, Value inside) {
  Value zero = s.constant(0.0);
  return s.select(s.greater(v, low), s.select(s.less(v, high), inside, zero), zero);
}

Value HardsigmoidAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.div(s.atMost(s.atLeast(s.add(y, 3.0), 0.0), 6.0), 6.0);
}

Value HardsigmoidAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return selectInside(s, y, -3.0, 3.0, s.constant(1.0 / 6.0));
}

Value HardsigmoidAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  return s.add(s.mul(z, 6.0), -3.0);
}

Value HardsigmoidAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z, ValueRange) const {
  ScalarBuilder s(b, loc, z);
  return selectInside(s, z, 0.0, 1.0, s.constant(1.0 / 6.0));
}

//===----------------------------------------------------------------------===//
// Silu, gelu, mish, hardswish: not monotone, so nothing is recovered from z
//===----------------------------------------------------------------------===//

Value SiluAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.mul(y, s.sigmoid(y));
}

Value SiluAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value sigma = s.sigmoid(y);
  Value one = s.constant(1.0);
  return s.mul(sigma, s.add(one, s.mul(y, s.sub(one, sigma))));
}

/// The normal distribution's cumulative function.
static Value normalCdf(ScalarBuilder &s, Value y) {
  constexpr double kInvSqrt2 = 0.70710678118654752440;
  return s.mul(s.add(s.erf(s.mul(y, kInvSqrt2)), 1.0), 0.5);
}

Value GeluAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.mul(y, normalCdf(s, y));
}

Value GeluAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  constexpr double kInvSqrt2Pi = 0.39894228040143267794;
  Value density = s.mul(s.exp(s.mul(s.mul(y, y), -0.5)), kInvSqrt2Pi);
  return s.add(normalCdf(s, y), s.mul(y, density));
}

// gelu_tanh: z = y/2 * (1 + tanh(u)), u = sqrt(2/pi) * (y + 0.044715 * y^3).
static constexpr double kGeluCubic = 0.044715;
static constexpr double kSqrt2OverPi = 0.79788456080286535588;

static Value geluTanhOfInner(ScalarBuilder &s, Value y) {
  Value factor = s.add(s.mul(s.mul(y, y), kGeluCubic), 1.0);
  return s.tanh(s.mul(s.mul(y, factor), kSqrt2OverPi));
}

Value GeluTanhAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.mul(s.mul(y, 0.5), s.add(geluTanhOfInner(s, y), 1.0));
}

Value GeluTanhAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value t = geluTanhOfInner(s, y);
  Value innerDerivative = s.mul(s.add(s.mul(s.mul(y, y), 3.0 * kGeluCubic), 1.0), kSqrt2OverPi);
  Value slope = s.mul(s.sub(s.constant(1.0), s.mul(t, t)), innerDerivative);
  return s.mul(s.add(s.add(t, 1.0), s.mul(y, slope)), 0.5);
}

Value MishAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.mul(y, s.tanh(s.softplus(y)));
}

Value MishAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value t = s.tanh(s.softplus(y));
  Value slope = s.mul(s.sigmoid(y), s.sub(s.constant(1.0), s.mul(t, t)));
  return s.add(t, s.mul(y, slope));
}

Value HardswishAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  return s.div(s.mul(y, s.atMost(s.atLeast(s.add(y, 3.0), 0.0), 6.0)), 6.0);
}

Value HardswishAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange) const {
  ScalarBuilder s(b, loc, y);
  Value middle = s.add(s.div(y, 3.0), 0.5);
  Value upper = s.select(s.less(y, 3.0), middle, s.constant(1.0));
  return s.select(s.lessEqual(y, -3.0), s.constant(0.0), upper);
}

// Never called: isInvertible and hasDerivativeFromOutput are false, and the verifiers refuse ops
// that would need them. A null value is a hard error wherever it is used.
#define ABN_NOT_INVERTIBLE(ATTR)                                                                   \
  Value ATTR::invert(OpBuilder &, Location, Value, ValueRange) const { return Value(); }           \
  Value ATTR::derivativeFromOutput(OpBuilder &, Location, Value, ValueRange) const {               \
    return Value();                                                                                \
  }
ABN_NOT_INVERTIBLE(SiluAttr)
ABN_NOT_INVERTIBLE(GeluAttr)
ABN_NOT_INVERTIBLE(GeluTanhAttr)
ABN_NOT_INVERTIBLE(MishAttr)
ABN_NOT_INVERTIBLE(HardswishAttr)
#undef ABN_NOT_INVERTIBLE

//===----------------------------------------------------------------------===//
// Scaled
//===----------------------------------------------------------------------===//

Value ScaledAttr::apply(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  ScalarBuilder s(b, loc, y);
  Value inner = getPhi().apply(b, loc, s.mul(y, getInputScale().convertToDouble()), params);
  return s.mul(inner, getOutputScale().convertToDouble());
}

Value ScaledAttr::derivative(OpBuilder &b, Location loc, Value y, ValueRange params) const {
  ScalarBuilder s(b, loc, y);
  double in = getInputScale().convertToDouble(), out = getOutputScale().convertToDouble();
  return s.mul(getPhi().derivative(b, loc, s.mul(y, in), params), in * out);
}

Value ScaledAttr::invert(OpBuilder &b, Location loc, Value z, ValueRange params) const {
  ScalarBuilder s(b, loc, z);
  Value inner = getPhi().invert(b, loc, s.div(z, getOutputScale().convertToDouble()), params);
  return s.div(inner, getInputScale().convertToDouble());
}

Value ScaledAttr::derivativeFromOutput(OpBuilder &b, Location loc, Value z,
                                       ValueRange params) const {
  ScalarBuilder s(b, loc, z);
  double in = getInputScale().convertToDouble(), out = getOutputScale().convertToDouble();
  Value inner = s.div(z, out);
  return s.mul(getPhi().derivativeFromOutput(b, loc, inner, params), in * out);
}
