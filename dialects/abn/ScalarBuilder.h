// Emits scalar arithmetic in one float type, as activations and op lowerings need it: a formula
// reads as one line instead of ten builder calls.
#ifndef ABN_SCALARBUILDER_H
#define ABN_SCALARBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::abn {

/// All operands and results have the type given at construction: a float, or a vector of floats.
class ScalarBuilder {
public:
  ScalarBuilder(OpBuilder &b, Location loc, Type type) : b(b), loc(loc), type(type) {}
  /// The type of `like`.
  ScalarBuilder(OpBuilder &b, Location loc, Value like) : ScalarBuilder(b, loc, like.getType()) {}

  OpBuilder &getBuilder() { return b; }
  Location getLoc() { return loc; }

  /// `value` rounded to the type.
  Value constant(double value) {
    auto element = cast<FloatType>(getElementTypeOrSelf(type));
    TypedAttr attr = b.getFloatAttr(element, value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      attr = DenseElementsAttr::get(shaped, cast<FloatAttr>(attr).getValue());
    return arith::ConstantOp::create(b, loc, attr);
  }
  Value add(Value lhs, Value rhs) { return arith::AddFOp::create(b, loc, lhs, rhs); }
  Value add(Value lhs, double rhs) { return add(lhs, constant(rhs)); }
  Value sub(Value lhs, Value rhs) { return arith::SubFOp::create(b, loc, lhs, rhs); }
  Value mul(Value lhs, Value rhs) { return arith::MulFOp::create(b, loc, lhs, rhs); }
  Value mul(Value lhs, double rhs) { return rhs == 1.0 ? lhs : mul(lhs, constant(rhs)); }
  Value div(Value lhs, Value rhs) { return arith::DivFOp::create(b, loc, lhs, rhs); }
  Value div(Value lhs, double rhs) { return rhs == 1.0 ? lhs : div(lhs, constant(rhs)); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value sqrt(Value x) { return math::SqrtOp::create(b, loc, x); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value expm1(Value x) { return math::ExpM1Op::create(b, loc, x); }
  Value log(Value x) { return math::LogOp::create(b, loc, x); }
  Value log1p(Value x) { return math::Log1pOp::create(b, loc, x); }
  Value tanh(Value x) { return math::TanhOp::create(b, loc, x); }
  Value erf(Value x) { return math::ErfOp::create(b, loc, x); }
  Value copySign(Value magnitude, Value sign) {
    return math::CopySignOp::create(b, loc, magnitude, sign);
  }

  // Ordered comparisons: false when an operand is NaN.
  Value greater(Value lhs, Value rhs) { return compare(arith::CmpFPredicate::OGT, lhs, rhs); }
  Value greater(Value lhs, double rhs) { return greater(lhs, constant(rhs)); }
  Value less(Value lhs, Value rhs) { return compare(arith::CmpFPredicate::OLT, lhs, rhs); }
  Value less(Value lhs, double rhs) { return less(lhs, constant(rhs)); }
  Value lessEqual(Value lhs, Value rhs) { return compare(arith::CmpFPredicate::OLE, lhs, rhs); }
  Value lessEqual(Value lhs, double rhs) { return lessEqual(lhs, constant(rhs)); }
  Value greaterEqual(Value lhs, double rhs) {
    return compare(arith::CmpFPredicate::OGE, lhs, constant(rhs));
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }
  /// max(x, bound) that lets NaN through.
  Value atLeast(Value x, double bound) {
    Value limit = constant(bound);
    return select(less(x, limit), limit, x);
  }
  /// min(x, bound) that lets NaN through.
  Value atMost(Value x, double bound) {
    Value limit = constant(bound);
    return select(greater(x, limit), limit, x);
  }
  /// 1 / (1 + exp(-x)) without overflow.
  Value sigmoid(Value x) {
    Value e = exp(neg(abs(x)));
    Value one = constant(1.0);
    return div(select(greaterEqual(x, 0.0), one, e), add(one, e));
  }
  /// log(1 + exp(x)) without overflow.
  Value softplus(Value x) { return add(atLeast(x, 0.0), log1p(exp(neg(abs(x))))); }

  /// The gap between 1 and the next smaller number of the type: 2^-24 or 2^-53.
  double gapBelowOne() { return isDouble() ? 0x1p-53 : 0x1p-24; }
  /// The smallest normal number of the type.
  double smallestNormal() { return isDouble() ? 0x1p-1022 : 0x1p-126; }

private:
  Value compare(arith::CmpFPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpFOp::create(b, loc, predicate, lhs, rhs);
  }
  bool isDouble() { return getElementTypeOrSelf(type).isF64(); }

  OpBuilder &b;
  Location loc;
  Type type;
};

} // namespace mlir::abn

#endif // ABN_SCALARBUILDER_H
