// Ops of two operands of one type. Integers are read as unsigned where StableHLO's type says so.
#include "Scalar.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static bool isFloat(Value value) { return isa<FloatType>(value.getType()); }

static Value emitAdd(Body &b, const ScalarOp &, ValueRange a) { return b.add(a[0], a[1]); }
static Value emitSub(Body &b, const ScalarOp &, ValueRange a) { return b.sub(a[0], a[1]); }
static Value emitMul(Body &b, const ScalarOp &, ValueRange a) { return b.mul(a[0], a[1]); }

template <typename UnsignedOp> static Value emitUnsigned(Body &b, Value x, Value y, Value atZero) {
  Value zero = b.compare(Compare::EQ, y, 0);
  return b.select(zero, atZero, b.call<UnsignedOp>(x, b.select(zero, b.like(y, 1), y)));
}

/// Integers: XLA's results where arith has none, i.e. -1 for x/0 and the wrapped -x for x/-1.
static Value emitDiv(Body &b, const ScalarOp &op, ValueRange a) {
  Value x = a[0], y = a[1];
  if (isFloat(x))
    return b.call<arith::DivFOp>(x, y);
  if (op.isUnsigned() || x.getType().isInteger(1))
    return emitUnsigned<arith::DivUIOp>(b, x, y, b.like(x, x.getType().isInteger(1) ? 1 : -1));
  Value zero = b.compare(Compare::EQ, y, 0), minusOne = b.compare(Compare::EQ, y, -1);
  Value safe = b.select(b.either(zero, minusOne), b.like(y, 1), y);
  Value quotient = b.select(minusOne, b.neg(x), b.call<arith::DivSIOp>(x, safe));
  return b.select(zero, b.like(x, -1), quotient);
}

/// Integers: x for x % 0, 0 for x % -1.
static Value emitRem(Body &b, const ScalarOp &op, ValueRange a) {
  Value x = a[0], y = a[1];
  if (isFloat(x))
    return b.call<arith::RemFOp>(x, y);
  if (op.isUnsigned() || x.getType().isInteger(1))
    return emitUnsigned<arith::RemUIOp>(b, x, y, x);
  Value zero = b.compare(Compare::EQ, y, 0), minusOne = b.compare(Compare::EQ, y, -1);
  Value safe = b.select(b.either(zero, minusOne), b.like(y, 1), y);
  return b.select(zero, x, b.call<arith::RemSIOp>(x, safe));
}

static Value emitMax(Body &b, const ScalarOp &op, ValueRange a) {
  return op.isUnsigned() ? b.call<arith::MaxUIOp>(a[0], a[1]) : b.max(a[0], a[1]);
}
static Value emitMin(Body &b, const ScalarOp &op, ValueRange a) {
  return op.isUnsigned() ? b.call<arith::MinUIOp>(a[0], a[1]) : b.min(a[0], a[1]);
}

static Value emitPower(Body &b, const ScalarOp &, ValueRange a) {
  return isFloat(a[0]) ? b.call<math::PowFOp>(a[0], a[1]) : b.call<math::IPowIOp>(a[0], a[1]);
}

static Value emitAnd(Body &b, const ScalarOp &, ValueRange a) { return b.both(a[0], a[1]); }
static Value emitOr(Body &b, const ScalarOp &, ValueRange a) { return b.either(a[0], a[1]); }
template <typename Op> static Value two(Body &b, const ScalarOp &, ValueRange a) {
  return b.call<Op>(a[0], a[1]);
}

/// Whether a shift leaves something of the number; arith has no result for others.
static Value shiftsWithin(Body &b, Value x, Value by) {
  return b.call<arith::CmpIOp>(arith::CmpIPredicate::ult, by,
                               b.like(by, x.getType().getIntOrFloatBitWidth()));
}
template <typename Op> static Value emitShift(Body &b, const ScalarOp &, ValueRange a) {
  Value within = shiftsWithin(b, a[0], a[1]);
  Value shifted = b.call<Op>(a[0], b.select(within, a[1], b.like(a[1], 0)));
  return b.select(within, shifted, b.like(a[0], 0));
}
static Value emitShiftArithmetic(Body &b, const ScalarOp &, ValueRange a) {
  Value all = b.like(a[1], a[0].getType().getIntOrFloatBitWidth() - 1);
  return b.call<arith::ShRSIOp>(a[0], b.select(shiftsWithin(b, a[0], a[1]), a[1], all));
}

static constexpr auto kFloat = Elements::Float;
static constexpr auto kInteger = Elements::Integer;
static constexpr auto kAny = Elements::Any;

static const ScalarRow kRows[] = {
    {"stablehlo.add", 2, kAny, emitAdd},
    {"stablehlo.and", 2, kInteger, emitAnd},
    {"stablehlo.atan2", 2, kFloat, two<math::Atan2Op>},
    {"stablehlo.divide", 2, kAny, emitDiv},
    {"stablehlo.maximum", 2, kAny, emitMax},
    {"stablehlo.minimum", 2, kAny, emitMin},
    {"stablehlo.multiply", 2, kAny, emitMul},
    {"stablehlo.or", 2, kInteger, emitOr},
    {"stablehlo.power", 2, kAny, emitPower},
    {"stablehlo.remainder", 2, kAny, emitRem},
    {"stablehlo.shift_left", 2, kInteger, emitShift<arith::ShLIOp>},
    {"stablehlo.shift_right_arithmetic", 2, kInteger, emitShiftArithmetic},
    {"stablehlo.shift_right_logical", 2, kInteger, emitShift<arith::ShRUIOp>},
    {"stablehlo.subtract", 2, kAny, emitSub},
    {"stablehlo.xor", 2, kInteger, two<arith::XOrIOp>},
};

ArrayRef<ScalarRow> mlir::abn::hlo::getBinaryRows() { return kRows; }
