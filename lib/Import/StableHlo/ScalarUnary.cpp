// Ops of one operand. A single arith or math op where there is one, so that the recogniser sees one
// value per op.
#include "Scalar.h"

using namespace mlir;
using namespace mlir::abn::hlo;

template <typename Op> static Value one(Body &b, const ScalarOp &, ValueRange a) {
  return b.call<Op>(a[0]);
}

static bool isFloat(Value value) { return isa<FloatType>(value.getType()); }

static Value emitAbs(Body &b, const ScalarOp &op, ValueRange a) {
  if (isFloat(a[0]))
    return b.call<math::AbsFOp>(a[0]);
  return op.isUnsigned() ? a[0] : b.call<math::AbsIOp>(a[0]);
}

/// -1, 0 or 1; zeros and NaN stay what they are.
static Value emitSign(Body &b, const ScalarOp &, ValueRange a) {
  Value x = a[0];
  if (!isFloat(x)) {
    Value positive = b.compare(Compare::GT, x, 0), zero = b.compare(Compare::EQ, x, 0);
    return b.select(zero, x, b.select(positive, b.like(x, 1), b.like(x, -1)));
  }
  Value unit = b.call<math::CopySignOp>(b.like(x, 1), x);
  Value ordinary = arith::CmpFOp::create(b.b, b.loc, arith::CmpFPredicate::ONE, x, b.like(x, 0));
  return b.select(ordinary, unit, x);
}

static Value emitNot(Body &b, const ScalarOp &, ValueRange a) {
  return b.call<arith::XOrIOp>(a[0], b.like(a[0], a[0].getType().isInteger(1) ? 1 : -1));
}

static Value emitNegate(Body &b, const ScalarOp &, ValueRange a) { return b.neg(a[0]); }
static Value emitLogistic(Body &b, const ScalarOp &, ValueRange a) { return b.sigmoid(a[0]); }
static Value emitSquare(Body &b, const ScalarOp &, ValueRange a) { return b.mul(a[0], a[0]); }
static Value emitIdentity(Body &, const ScalarOp &, ValueRange a) { return a[0]; }

static Value emitIsFinite(Body &b, const ScalarOp &, ValueRange a) {
  return b.call<math::IsFiniteOp>(a[0]);
}
/// No math.isinf: upstream has no lowering for it.
static Value emitIsInf(Body &b, const ScalarOp &, ValueRange a) {
  return b.compare(Compare::EQ, b.call<math::AbsFOp>(a[0]),
                   std::numeric_limits<double>::infinity());
}
static Value emitIsPosInf(Body &b, const ScalarOp &, ValueRange a) {
  return b.compare(Compare::EQ, a[0], std::numeric_limits<double>::infinity());
}
static Value emitIsNegInf(Body &b, const ScalarOp &, ValueRange a) {
  return b.compare(Compare::EQ, a[0], -std::numeric_limits<double>::infinity());
}

/// sqrt(2) * erfinv by Giles' two polynomials ("Approximating the erfinv function", 2010), as XLA
/// does for f32: within 3 ulp there.
static Value emitErfInv(Body &b, const ScalarOp &, ValueRange a) {
  static constexpr double central[] = {2.81022636e-08,  3.43273939e-07, -3.5233877e-06,
                                       -4.39150654e-06, 0.00021858087,  -0.00125372503,
                                       -0.00417768164,  0.246640727,    1.50140941};
  static constexpr double tail[] = {-0.000200214257, 0.000100950558, 0.00134934322,
                                    -0.00367342844,  0.00573950773,  -0.0076224613,
                                    0.00943887047,   1.00167406,     2.83297682};
  Value x = a[0];
  Value w = b.neg(b.call<math::Log1pOp>(b.neg(b.mul(x, x))));
  Value near = b.compare(Compare::LT, w, 5);
  Value t = b.select(near, b.sub(w, b.like(w, 2.5)), b.sub(b.sqrt(w), b.like(w, 3)));
  Value p = b.select(near, b.like(w, central[0]), b.like(w, tail[0]));
  for (int i = 1; i < 9; ++i)
    p = b.add(b.mul(p, t), b.select(near, b.like(w, central[i]), b.like(w, tail[i])));
  Value atOne = b.compare(Compare::EQ, b.call<math::AbsFOp>(x), 1);
  return b.select(atOne, b.mul(x, b.like(x, std::numeric_limits<double>::infinity())), b.mul(p, x));
}

static constexpr auto kFloat = Elements::Float;
static constexpr auto kInteger = Elements::Integer;
static constexpr auto kAny = Elements::Any;

static const ScalarRow kRows[] = {
    {"stablehlo.abs", 1, kAny, emitAbs},
    {"stablehlo.cbrt", 1, kFloat, one<math::CbrtOp>},
    {"stablehlo.ceil", 1, kFloat, one<math::CeilOp>},
    {"stablehlo.cosine", 1, kFloat, one<math::CosOp>},
    {"stablehlo.count_leading_zeros", 1, kInteger, one<math::CountLeadingZerosOp>},
    {"stablehlo.exponential", 1, kFloat, one<math::ExpOp>},
    {"stablehlo.exponential_minus_one", 1, kFloat, one<math::ExpM1Op>},
    {"stablehlo.floor", 1, kFloat, one<math::FloorOp>},
    {"stablehlo.is_finite", 1, kFloat, emitIsFinite, /*sameType=*/false},
    {"stablehlo.log", 1, kFloat, one<math::LogOp>},
    {"stablehlo.log_plus_one", 1, kFloat, one<math::Log1pOp>},
    {"stablehlo.logistic", 1, kFloat, emitLogistic},
    {"stablehlo.negate", 1, kAny, emitNegate},
    {"stablehlo.not", 1, kInteger, emitNot},
    {"stablehlo.popcnt", 1, kInteger, one<math::CtPopOp>},
    {"stablehlo.real", 1, kFloat, emitIdentity},
    {"stablehlo.round_nearest_afz", 1, kFloat, one<math::RoundOp>},
    {"stablehlo.round_nearest_even", 1, kFloat, one<math::RoundEvenOp>},
    {"stablehlo.rsqrt", 1, kFloat, one<math::RsqrtOp>},
    {"stablehlo.sign", 1, kAny, emitSign},
    {"stablehlo.sine", 1, kFloat, one<math::SinOp>},
    {"stablehlo.sqrt", 1, kFloat, one<math::SqrtOp>},
    {"stablehlo.tan", 1, kFloat, one<math::TanOp>},
    {"stablehlo.tanh", 1, kFloat, one<math::TanhOp>},
    {"chlo.acos", 1, kFloat, one<math::AcosOp>},
    {"chlo.acosh", 1, kFloat, one<math::AcoshOp>},
    {"chlo.asin", 1, kFloat, one<math::AsinOp>},
    {"chlo.asinh", 1, kFloat, one<math::AsinhOp>},
    {"chlo.atan", 1, kFloat, one<math::AtanOp>},
    {"chlo.atanh", 1, kFloat, one<math::AtanhOp>},
    {"chlo.cosh", 1, kFloat, one<math::CoshOp>},
    {"chlo.erf", 1, kFloat, one<math::ErfOp>},
    {"chlo.erf_inv", 1, kFloat, emitErfInv},
    {"chlo.erfc", 1, kFloat, one<math::ErfcOp>},
    {"chlo.is_inf", 1, kFloat, emitIsInf, /*sameType=*/false},
    {"chlo.is_neg_inf", 1, kFloat, emitIsNegInf, /*sameType=*/false},
    {"chlo.is_pos_inf", 1, kFloat, emitIsPosInf, /*sameType=*/false},
    {"chlo.sinh", 1, kFloat, one<math::SinhOp>},
    {"chlo.square", 1, kAny, emitSquare},
    {"chlo.tan", 1, kFloat, one<math::TanOp>},
};

ArrayRef<ScalarRow> mlir::abn::hlo::getUnaryRows() { return kRows; }
