// Scalar arithmetic inside a linalg region, by the type of the operands: one spelling for floats,
// integers and bools.
#ifndef ABN_LIB_IMPORT_EMIT_BODY_H
#define ABN_LIB_IMPORT_EMIT_BODY_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::abn::emit {

/// A number that may be an integer, a float or a bool where it comes from.
struct ScalarArgument {
  enum class Kind { Bool, Int, Float };
  Kind kind = Kind::Int;
  int64_t integer = 0;
  double number = 0;
};

/// The type of a ranked tensor value; all values that are emitted are.
inline RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// How frameworks compare: NaN is unequal to everything.
enum class Compare { LT, LE, GT, GE, EQ, NE };

struct Body {
  OpBuilder &b;
  Location loc;

  Value constant(Type type, double value);
  Value constant(Type type, const ScalarArgument &value);
  /// A constant of the type of `like`.
  Value like(Value like, double value) { return constant(like.getType(), value); }

  /// As frameworks convert: float to int truncates, to bool tests for non-zero.
  Value cast(Value value, Type type);

  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  /// Integers divide towards zero.
  Value div(Value x, Value y);
  Value neg(Value x) {
    return isa<FloatType>(x.getType()) ? call<arith::NegFOp>(x) : sub(like(x, 0), x);
  }
  /// NaN in either operand gives NaN.
  Value max(Value x, Value y);
  Value min(Value x, Value y);
  Value compare(Compare predicate, Value x, Value y);
  Value compare(Compare predicate, Value x, double y) { return compare(predicate, x, like(x, y)); }
  Value select(Value condition, Value x, Value y);
  Value both(Value x, Value y) { return call<arith::AndIOp>(x, y); }
  Value either(Value x, Value y) { return call<arith::OrIOp>(x, y); }
  Value invert(Value x) { return call<arith::XOrIOp>(x, like(x, 1)); }
  Value exp(Value x) { return call<math::ExpOp>(x); }
  Value log(Value x) { return call<math::LogOp>(x); }
  Value sqrt(Value x) { return call<math::SqrtOp>(x); }
  /// 1/(1 + exp(-x)).
  Value sigmoid(Value x);

  /// The current position along loop `dim`, as an index.
  Value index(int64_t dim);
  Value indexConstant(int64_t value);
  /// tensor[indices].
  Value extract(Value tensor, ValueRange indices);
  /// An integer that indexes a dimension of `size`: counts from the end if negative. One that is
  /// out of range is clamped, since PyTorch would have stopped.
  Value wrapIndex(Value integer, int64_t size);

  template <typename OpTy, typename... Args> Value call(Args... args) {
    return OpTy::create(b, loc, args...).getResult();
  }
};

} // namespace mlir::abn::emit

#endif // ABN_LIB_IMPORT_EMIT_BODY_H
