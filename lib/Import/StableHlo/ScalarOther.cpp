// Ops whose operands or results have different types: compare, select, clamp, conversions.
#include "Scalar.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static std::optional<Compare> parseDirection(StringRef text) {
  return llvm::StringSwitch<std::optional<Compare>>(text)
      .Case("EQ", Compare::EQ)
      .Case("NE", Compare::NE)
      .Case("GE", Compare::GE)
      .Case("GT", Compare::GT)
      .Case("LE", Compare::LE)
      .Case("LT", Compare::LT)
      .Default(std::nullopt);
}

static Value emitCompare(Body &b, const ScalarOp &op, ValueRange a) {
  Compare direction = *parseDirection(op.op.enumerator("comparison_direction"));
  if (!op.isUnsigned())
    return b.compare(direction, a[0], a[1]);
  using P = arith::CmpIPredicate;
  static constexpr P table[] = {P::ult, P::ule, P::ugt, P::uge, P::eq, P::ne};
  return b.call<arith::CmpIOp>(table[static_cast<int>(direction)], a[0], a[1]);
}

static Value emitSelect(Body &b, const ScalarOp &, ValueRange a) {
  return b.select(a[0], a[1], a[2]);
}

/// Operands: the lower bound, the value, the upper bound.
static Value emitClamp(Body &b, const ScalarOp &op, ValueRange a) {
  if (op.isUnsigned())
    return b.call<arith::MinUIOp>(Value(b.call<arith::MaxUIOp>(a[1], a[0])), a[2]);
  return b.min(b.max(a[1], a[0]), a[2]);
}

static Value emitConvert(Body &b, const ScalarOp &op, ValueRange a) {
  Type from = a[0].getType(), to = op.type;
  bool toUnsigned = op.op.state().isUnsignedResult(op.op.getOperation(), 0);
  if (op.isUnsigned() && isa<FloatType>(to))
    return b.call<arith::UIToFPOp>(to, a[0]);
  if (op.isUnsigned() && to.isInteger() && !to.isInteger(1) &&
      to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
    return b.call<arith::ExtUIOp>(to, a[0]);
  if (toUnsigned && isa<FloatType>(from))
    return b.call<arith::FPToUIOp>(to, a[0]);
  return b.cast(a[0], to);
}

static Value emitBitcast(Body &b, const ScalarOp &op, ValueRange a) {
  return a[0].getType() == op.type ? a[0] : b.call<arith::BitcastOp>(op.type, a[0]);
}

/// The type that has the given numbers of bits; null for others.
static FloatType precisionType(HloOp &op) {
  FailureOr<int64_t> exponent = op.integer("exponent_bits"), mantissa = op.integer("mantissa_bits");
  MLIRContext *context = op.getOperation()->getContext();
  if (succeeded(exponent) && succeeded(mantissa))
    for (FloatType type :
         {FloatType(BFloat16Type::get(context)), FloatType(Float16Type::get(context)),
          FloatType(Float32Type::get(context)), FloatType(Float64Type::get(context))})
      if (type.getFPMantissaWidth() == *mantissa + 1 &&
          static_cast<int64_t>(type.getWidth()) == 1 + *exponent + *mantissa)
        return type;
  return {};
}

static Value emitReducePrecision(Body &b, const ScalarOp &op, ValueRange a) {
  FloatType through = precisionType(op.op), type = cast<FloatType>(op.type);
  return through.getWidth() < type.getWidth() ? b.cast(b.cast(a[0], through), type) : a[0];
}

static constexpr auto kFloat = Elements::Float;
static constexpr auto kAny = Elements::Any;

static const ScalarRow kRows[] = {
    {"stablehlo.bitcast_convert", 1, kAny, emitBitcast, /*sameType=*/false},
    {"stablehlo.clamp", 3, kAny, emitClamp},
    {"stablehlo.compare", 2, kAny, emitCompare, /*sameType=*/false},
    {"stablehlo.convert", 1, kAny, emitConvert, /*sameType=*/false},
    {"stablehlo.reduce_precision", 1, kFloat, emitReducePrecision},
    {"stablehlo.select", 3, kAny, emitSelect, /*sameType=*/false},
};

ArrayRef<ScalarRow> mlir::abn::hlo::getOtherRows() { return kRows; }

const ScalarRow *mlir::abn::hlo::lookupScalar(StringRef name) {
  for (ArrayRef<ScalarRow> rows : {getUnaryRows(), getBinaryRows(), getOtherRows()})
    for (const ScalarRow &row : rows)
      if (row.name == name)
        return &row;
  return nullptr;
}

static Type elementOf(Value value) { return typeOf(value).getElementType(); }

/// What the rows of this file check of their types and attributes.
static LogicalResult checkOther(HloOp &op, StringRef name) {
  Type result = op.resultType().getElementType();
  if (name == "stablehlo.compare") {
    if (elementOf(op.operand(0)) != elementOf(op.operand(1)) || !result.isInteger(1))
      return op.error() << "expected operands of one element type and a result of i1";
    if (!parseDirection(op.enumerator("comparison_direction")))
      return op.error() << "expected `comparison_direction` to be EQ, NE, GE, GT, LE or LT, got "
                        << op.text("comparison_direction");
    if (op.enumerator("compare_type") == "TOTALORDER")
      return op.error() << "with compare_type TOTALORDER is not supported";
    return success();
  }
  if (name == "stablehlo.select") {
    if (!elementOf(op.operand(0)).isInteger(1) || elementOf(op.operand(1)) != result ||
        elementOf(op.operand(2)) != result)
      return op.error() << "expected a predicate of i1 and two operands of the result's type";
    return success();
  }
  if (name == "stablehlo.bitcast_convert" &&
      elementOf(op.operand(0)).getIntOrFloatBitWidth() != result.getIntOrFloatBitWidth())
    return op.error() << "between element types of different sizes is not supported";
  if ((name == "stablehlo.is_finite" || name.starts_with("chlo.is_")) && !result.isInteger(1))
    return op.error() << "expected a result of i1, got " << result;
  return success();
}

LogicalResult mlir::abn::hlo::checkScalar(HloOp &op, const ScalarRow &row) {
  if (failed(op.expectCounts(row.arity, 1)))
    return failure();
  Type element = elementOf(op.operand(0));
  if (row.elements == Elements::Float && !isa<FloatType>(element))
    return op.error() << "expected floating-point elements, got " << element;
  if (row.elements == Elements::Integer && !isa<IntegerType>(element))
    return op.error() << "expected integer elements, got " << element;
  if (!row.sameType)
    return checkOther(op, row.name);
  for (Value operand : op.getOperation()->getOperands())
    if (elementOf(operand) != op.resultType().getElementType())
      return op.error() << "expected operands and result of one element type, got "
                        << elementOf(operand) << " and " << op.resultType().getElementType();
  if (row.name == "stablehlo.reduce_precision" && !precisionType(op))
    return op.error() << "expected the bits of f16, bf16, f32 or f64";
  return success();
}
