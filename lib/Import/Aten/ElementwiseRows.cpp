// The table of elementwise ops.
#include "Elementwise.h"
#include "Promotion.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// x * factor, without the multiplication by a literal 1.
static Value scaled(Body &b, Value x, Value factor) {
  if (matchPattern(factor, m_One()) || matchPattern(factor, m_OneFloat()))
    return x;
  return b.mul(x, factor);
}

/// PyTorch's floor division and remainder: towards minus infinity.
static Value floorDiv(Body &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.call<math::FloorOp>(b.div(x, y));
  return b.call<arith::FloorDivSIOp>(x, y);
}

static Value truncDiv(Body &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.call<math::TruncOp>(b.div(x, y));
  return b.div(x, y);
}

static Value fmod(Body &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return b.call<arith::RemFOp>(x, y);
  return b.call<arith::RemSIOp>(x, y);
}

/// fmod, moved to the divisor's sign.
static Value remainder(Body &b, Value x, Value y) {
  Value rest = fmod(b, x, y);
  Value differs =
      b.call<arith::XOrIOp>(b.compare(Compare::LT, rest, 0.0), b.compare(Compare::LT, y, 0.0));
  Value move = b.both(b.compare(Compare::NE, rest, 0.0), differs);
  return b.select(move, b.add(rest, y), rest);
}

static Value power(Body &b, Value x, Value y) {
  FloatAttr exponent;
  if (matchPattern(y, m_Constant(&exponent))) {
    double e = exponent.getValueAsDouble();
    if (e == 0)
      return b.like(x, 1);
    if (e == 1)
      return x;
    if (e == 2)
      return b.mul(x, x);
    if (e == 3)
      return b.mul(b.mul(x, x), x);
    if (e == 0.5)
      return b.sqrt(x);
    if (e == -0.5)
      return b.div(b.like(x, 1), b.sqrt(x));
    if (e == -1)
      return b.div(b.like(x, 1), x);
    if (e == -2)
      return b.div(b.like(x, 1), b.mul(x, x));
  }
  if (isa<FloatType>(x.getType()))
    return b.call<math::PowFOp>(x, y);
  return b.call<math::IPowIOp>(x, y);
}

static Value sign(Body &b, Value x) {
  Value zero = b.like(x, 0);
  Value positive = b.cast(b.compare(Compare::GT, x, zero), x.getType());
  if (x.getType().isInteger(1))
    return positive;
  Value negative = b.cast(b.compare(Compare::LT, x, zero), x.getType());
  return b.sub(positive, negative);
}

static Value absolute(Body &b, Value x) {
  if (isa<FloatType>(x.getType()))
    return b.call<math::AbsFOp>(x);
  return x.getType().isInteger(1) ? x : b.call<math::AbsIOp>(x);
}

/// An op that leaves integers alone, such as rounding.
template <typename OpTy> static Value roundWith(Body &b, Value x) {
  return isa<FloatType>(x.getType()) ? b.call<OpTy>(x) : x;
}

static Value logical(Body &b, Value x) { return b.cast(x, b.b.getI1Type()); }

static void addUnary(Registry &r) {
  auto add = [&](StringRef name, ResultKind kind, Value (*body)(Body &, Value)) {
    r.add((name + "(Tensor self) -> Tensor").str(),
          elementwise(kind, {"self"}, [body](Body &b, ValueRange a) { return body(b, a[0]); }));
  };
  auto same = ResultKind::Promoted;
  add("neg", same, [](Body &b, Value x) { return b.neg(x); });
  add("abs", same, absolute);
  add("sign", same, sign);
  add("sgn", same, sign);
  add("square", same, [](Body &b, Value x) { return b.mul(x, x); });
  add("ceil", same, roundWith<math::CeilOp>);
  add("floor", same, roundWith<math::FloorOp>);
  add("round", same, roundWith<math::RoundEvenOp>);
  add("trunc", same, roundWith<math::TruncOp>);
  add("bitwise_not", ResultKind::Integer, [](Body &b, Value x) {
    return b.call<arith::XOrIOp>(x, b.like(x, x.getType().isInteger(1) ? 1 : -1));
  });
  auto floating = ResultKind::Float;
  add("sqrt", floating, [](Body &b, Value x) { return b.sqrt(x); });
  add("rsqrt", floating, [](Body &b, Value x) { return b.div(b.like(x, 1), b.sqrt(x)); });
  add("reciprocal", floating, [](Body &b, Value x) { return b.div(b.like(x, 1), x); });
  add("exp", floating, [](Body &b, Value x) { return b.exp(x); });
  add("exp2", floating, [](Body &b, Value x) { return b.call<math::Exp2Op>(x); });
  add("expm1", floating, [](Body &b, Value x) { return b.call<math::ExpM1Op>(x); });
  add("log", floating, [](Body &b, Value x) { return b.log(x); });
  add("log2", floating, [](Body &b, Value x) { return b.call<math::Log2Op>(x); });
  add("log10", floating, [](Body &b, Value x) { return b.call<math::Log10Op>(x); });
  add("log1p", floating, [](Body &b, Value x) { return b.call<math::Log1pOp>(x); });
  add("sin", floating, [](Body &b, Value x) { return b.call<math::SinOp>(x); });
  add("cos", floating, [](Body &b, Value x) { return b.call<math::CosOp>(x); });
  add("erf", floating, [](Body &b, Value x) { return b.call<math::ErfOp>(x); });
  auto boolean = ResultKind::Bool;
  add("logical_not", boolean, [](Body &b, Value x) { return b.invert(logical(b, x)); });
  add("isnan", boolean, [](Body &b, Value x) { return b.compare(Compare::NE, x, x); });
  add("isinf", boolean, [](Body &b, Value x) {
    return isa<FloatType>(x.getType())
               ? b.compare(Compare::EQ, absolute(b, x), std::numeric_limits<double>::infinity())
               : b.constant(b.b.getI1Type(), 0.0);
  });
}

static void addArithmetic(Registry &r) {
  auto same = ResultKind::Promoted;
  ScalarFn addition = [](Body &b, ValueRange a) { return b.add(a[0], scaled(b, a[1], a[2])); };
  ScalarFn subtraction = [](Body &b, ValueRange a) { return b.sub(a[0], scaled(b, a[1], a[2])); };
  ScalarFn reversed = [](Body &b, ValueRange a) { return b.sub(a[1], scaled(b, a[0], a[2])); };
  ScalarFn product = [](Body &b, ValueRange a) { return b.mul(a[0], a[1]); };
  ScalarFn quotient = [](Body &b, ValueRange a) { return b.div(a[0], a[1]); };
  std::vector<const char *> both = {"self", "other"};
  r.add("add.Tensor(Tensor self, TensorOrScalar other, *, Scalar alpha=1) -> Tensor",
        elementwise(same, both, addition, {"alpha"}));
  r.add("add.Scalar(Tensor self, Scalar other, Scalar alpha) -> Tensor",
        elementwise(same, both, addition, {"alpha"}));
  r.add("sub.Tensor(Tensor self, TensorOrScalar other, *, Scalar alpha=1) -> Tensor",
        elementwise(same, both, subtraction, {"alpha"}));
  r.add("sub.Scalar(Tensor self, Scalar other, Scalar alpha) -> Tensor",
        elementwise(same, both, subtraction, {"alpha"}));
  r.add("rsub.Tensor(Tensor self, TensorOrScalar other, *, Scalar alpha=1) -> Tensor",
        elementwise(same, both, reversed, {"alpha"}));
  r.add("rsub.Scalar(Tensor self, Scalar other, Scalar alpha) -> Tensor",
        elementwise(same, both, reversed, {"alpha"}));
  r.add("mul.Tensor(Tensor self, TensorOrScalar other) -> Tensor",
        elementwise(same, both, product));
  r.add("mul.Scalar(Tensor self, Scalar other) -> Tensor", elementwise(same, both, product));
  r.add("div.Tensor(Tensor self, TensorOrScalar other) -> Tensor",
        elementwise(ResultKind::Float, both, quotient));
  r.add("div.Scalar(Tensor self, Scalar other) -> Tensor",
        elementwise(ResultKind::Float, both, quotient));
  auto rounded = [=](AtenOp &op) -> LogicalResult {
    StringRef mode = op.string("rounding_mode");
    if (mode == "floor")
      return elementwise(same, both,
                         [](Body &b, ValueRange a) { return floorDiv(b, a[0], a[1]); })(op);
    if (mode == "trunc")
      return elementwise(same, both,
                         [](Body &b, ValueRange a) { return truncDiv(b, a[0], a[1]); })(op);
    if (!op.isNone("rounding_mode"))
      return op.error() << "expected `rounding_mode` floor, trunc or None, got " << mode;
    return elementwise(ResultKind::Float, both, quotient)(op);
  };
  r.add("div.Tensor_mode(Tensor self, TensorOrScalar other, *, str? rounding_mode) -> Tensor",
        rounded);
  r.add("div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor", rounded);
}

/// Rows of the form name.Tensor and name.Scalar.
static void addBinary(Registry &r) {
  auto add = [&](StringRef name, ResultKind kind, Value (*body)(Body &, Value, Value),
                 StringRef tensorOverload = ".Tensor", StringRef scalarOverload = ".Scalar") {
    ConvertFn convert = elementwise(kind, {"self", "other"},
                                    [body](Body &b, ValueRange a) { return body(b, a[0], a[1]); });
    r.add((name + tensorOverload + "(Tensor self, TensorOrScalar other) -> Tensor").str(), convert);
    if (!scalarOverload.empty())
      r.add((name + scalarOverload + "(Tensor self, Scalar other) -> Tensor").str(), convert);
  };
  auto same = ResultKind::Promoted;
  add("floor_divide", same, floorDiv, "", ".Scalar");
  add("remainder", same, remainder);
  add("fmod", same, fmod);
  add("maximum", same, [](Body &b, Value x, Value y) { return b.max(x, y); }, "", "");
  add("minimum", same, [](Body &b, Value x, Value y) { return b.min(x, y); }, "", "");
  add(
      "hypot", ResultKind::Float,
      [](Body &b, Value x, Value y) { return b.sqrt(b.add(b.mul(x, x), b.mul(y, y))); }, "", "");
  add(
      "atan2", ResultKind::Float,
      [](Body &b, Value x, Value y) { return b.call<math::Atan2Op>(x, y); }, "", "");
  add(
      "xlogy", ResultKind::Float,
      [](Body &b, Value x, Value y) {
        Value product = b.mul(x, b.log(y));
        Value zero = b.both(b.compare(Compare::EQ, x, 0.0), b.compare(Compare::EQ, y, y));
        return b.select(zero, b.like(x, 0), product);
      },
      ".Tensor", ".Scalar_Other");
  add("bitwise_and", ResultKind::Integer, [](Body &b, Value x, Value y) { return b.both(x, y); });
  add("bitwise_or", ResultKind::Integer, [](Body &b, Value x, Value y) { return b.either(x, y); });
  add("bitwise_xor", ResultKind::Integer,
      [](Body &b, Value x, Value y) { return b.call<arith::XOrIOp>(x, y); });
  auto boolean = ResultKind::Bool;
  add("eq", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::EQ, x, y); });
  add("ne", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::NE, x, y); });
  add("lt", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::LT, x, y); });
  add("le", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::LE, x, y); });
  add("gt", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::GT, x, y); });
  add("ge", boolean, [](Body &b, Value x, Value y) { return b.compare(Compare::GE, x, y); });
  add(
      "logical_and", boolean,
      [](Body &b, Value x, Value y) { return b.both(logical(b, x), logical(b, y)); }, "", "");
  add(
      "logical_or", boolean,
      [](Body &b, Value x, Value y) { return b.either(logical(b, x), logical(b, y)); }, "", "");
  add(
      "logical_xor", boolean,
      [](Body &b, Value x, Value y) { return b.call<arith::XOrIOp>(logical(b, x), logical(b, y)); },
      "", "");
  ScalarFn pow = [](Body &b, ValueRange a) { return power(b, a[0], a[1]); };
  for (const char *row : {"pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
                          "pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
                          "pow.Scalar(Scalar self, Tensor exponent) -> Tensor"})
    r.add(row, elementwise(same, {"self", "exponent"}, pow));
}

static LogicalResult convertClamp(AtenOp &op) {
  SmallVector<Value> tensors = {op.tensor("self")};
  SmallVector<ScalarArgument> numbers;
  bool hasMin = !op.isNone("min"), hasMax = !op.isNone("max");
  for (const char *name : {"min", "max"}) {
    if (Value bound = op.tensor(name))
      tensors.push_back(bound);
    else if (std::optional<ScalarArgument> number = op.scalar(name))
      numbers.push_back(*number);
  }
  if (!hasMin && !hasMax)
    return op.error() << "expected `min` or `max`";
  FailureOr<Value> result =
      emitPromoted(op, ResultKind::Promoted, tensors, numbers, [&](Body &b, ValueRange a) {
        Value x = a[0];
        if (hasMin)
          x = b.max(x, a[1]);
        return hasMax ? b.min(x, a[hasMin ? 2 : 1]) : x;
      });
  if (failed(result))
    return failure();
  return op.replaceWith(*result);
}

static LogicalResult convertWhere(AtenOp &op) {
  Value condition = op.tensor("condition");
  if (!typeOf(condition).getElementType().isInteger(1))
    return op.error() << "expected a bool `condition`, got " << condition.getType();
  SmallVector<Value> values;
  SmallVector<ScalarArgument> numbers;
  std::array<int, 2> place;
  for (auto [name, where] : llvm::zip(std::array{"self", "other"}, place)) {
    if (Value tensor = op.tensor(name)) {
      where = values.size();
      values.push_back(tensor);
    } else {
      where = -1 - static_cast<int>(numbers.size());
      numbers.push_back(op.scalar(name).value_or(ScalarArgument()));
    }
  }
  ImplicitLocOpBuilder &b = op.builder();
  Type element = promote(values, numbers, b.getContext());
  SmallVector<Value> inputs = {condition};
  for (Value value : values)
    inputs.push_back(emitCast(b, value, element));
  FailureOr<SmallVector<int64_t>> shape = broadcastShape(op, inputs);
  if (failed(shape))
    return failure();
  Value result = emitElementwise(
      b, RankedTensorType::get(*shape, element), inputs, nullptr, [&](Body &body, ValueRange args) {
        auto pick = [&](int at) {
          return at >= 0 ? args[1 + at] : body.constant(element, numbers[-1 - at]);
        };
        return body.select(args[0], pick(place[0]), pick(place[1]));
      });
  return op.replaceWith(result);
}

/// The result has `self`'s type whatever the value's is.
static LogicalResult convertMaskedFill(AtenOp &op) {
  Value self = op.tensor("self"), mask = op.tensor("mask"), value = op.tensor("value");
  if (!typeOf(mask).getElementType().isInteger(1))
    return op.error() << "expected a bool `mask`, got " << mask.getType();
  if (value && typeOf(value).getRank() != 0)
    return op.error() << "expected a rank-0 `value`, got " << value.getType();
  FailureOr<SmallVector<int64_t>> shape = broadcastShape(op, {self, mask});
  if (failed(shape))
    return failure();
  Type element = typeOf(self).getElementType();
  SmallVector<Value> inputs = {self, mask};
  if (value)
    inputs.push_back(value);
  Value result = emitElementwise(op.builder(), RankedTensorType::get(*shape, element), inputs,
                                 nullptr, [&](Body &b, ValueRange a) {
                                   Value fill = value ? b.cast(a[2], element)
                                                      : b.constant(element, *op.scalar("value"));
                                   return b.select(a[1], fill, a[0]);
                                 });
  return op.replaceWith(result);
}

static void addTernary(Registry &r) {
  auto same = ResultKind::Promoted;
  r.add("clamp(Tensor self, Scalar? min, Scalar? max) -> Tensor", convertClamp);
  r.add("clamp.Tensor(Tensor self, Tensor? min, Tensor? max) -> Tensor", convertClamp);
  ScalarFn max = [](Body &b, ValueRange a) { return b.max(a[0], a[1]); };
  ScalarFn min = [](Body &b, ValueRange a) { return b.min(a[0], a[1]); };
  r.add("clamp_min(Tensor self, Scalar min) -> Tensor", elementwise(same, {"self", "min"}, max));
  r.add("clamp_min.Tensor(Tensor self, Tensor min) -> Tensor",
        elementwise(same, {"self", "min"}, max));
  r.add("clamp_max(Tensor self, Scalar max) -> Tensor", elementwise(same, {"self", "max"}, min));
  r.add("clamp_max.Tensor(Tensor self, Tensor max) -> Tensor",
        elementwise(same, {"self", "max"}, min));
  r.add("addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
        elementwise(
            same, {"self", "tensor1", "tensor2"},
            [](Body &b, ValueRange a) { return b.add(a[0], b.mul(scaled(b, a[1], a[3]), a[2])); },
            {"value"}));
  r.add("addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
        elementwise(
            same, {"self", "tensor1", "tensor2"},
            [](Body &b, ValueRange a) { return b.add(a[0], b.div(scaled(b, a[1], a[3]), a[2])); },
            {"value"}));
  // As PyTorch, from the end that is nearer, so that weight 1 gives exactly `end`.
  ScalarFn lerp = [](Body &b, ValueRange a) {
    Value difference = b.sub(a[1], a[0]);
    Value near = b.add(a[0], b.mul(a[2], difference));
    Value far = b.sub(a[1], b.mul(difference, b.sub(b.like(a[2], 1), a[2])));
    Value small = b.compare(Compare::LT, absolute(b, a[2]), 0.5);
    return b.select(small, near, far);
  };
  r.add("lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor",
        elementwise(same, {"self", "end"}, lerp, {"weight"}));
  r.add("lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor",
        elementwise(same, {"self", "end", "weight"}, lerp));
  for (const char *row :
       {"where.self(Tensor condition, TensorOrScalar self, TensorOrScalar other) -> Tensor",
        "where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor",
        "where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor",
        "where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor"})
    r.add(row, convertWhere);
  r.add("masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", convertMaskedFill);
  r.add("masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", convertMaskedFill);
}

void mlir::abn::aten::addElementwise(Registry &r) {
  addUnary(r);
  addArithmetic(r);
  addBinary(r);
  addTernary(r);
}
