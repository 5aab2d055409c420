// Elementwise ops on tensors: one linalg.generic with one scalar op in its body. Ops are not fused:
// what recognises a decomposed batch norm later wants one value per op.
#include "Pooling.h"
#include "Registry.h"
#include "Scalar.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::hlo;

/// The operands that may be scalars beside tensors: select's predicate and clamp's bounds.
static bool mayBeScalar(StringRef name, unsigned operand) {
  return (name == "stablehlo.select" && operand == 0) ||
         (name == "stablehlo.clamp" && operand != 1);
}

static LogicalResult checkShapes(HloOp &op, const ScalarRow &row, bool broadcasts) {
  ArrayRef<int64_t> shape = op.resultType().getShape();
  for (unsigned i = 0; i < op.getNumOperands(); ++i) {
    RankedTensorType type = op.operandType(i);
    if (type.getShape() == shape || (mayBeScalar(row.name, i) && type.getRank() == 0))
      continue;
    bool fits = broadcasts && type.getRank() <= static_cast<int64_t>(shape.size());
    for (int64_t d = 0; fits && d < type.getRank(); ++d) {
      int64_t size = type.getDimSize(d);
      fits = size == 1 || size == shape[shape.size() - type.getRank() + d];
    }
    if (!fits)
      return op.error() << "expected operand " << i << " of the result's shape, got " << type
                        << " for " << op.resultType();
  }
  return success();
}

static LogicalResult convertScalarRow(HloOp &op, const ScalarRow &row, bool broadcasts) {
  if (failed(checkScalar(op, row)) || failed(checkShapes(op, row, broadcasts)))
    return failure();
  RankedTensorType type = op.resultType();
  // Frameworks convert to the same type, and bitcasts from unsigned are no ops here.
  if (row.arity == 1 && op.operandType(0) == type &&
      (row.name == "stablehlo.convert" || row.name == "stablehlo.bitcast_convert"))
    return op.replaceWith(op.operand(0));
  if (row.name == "stablehlo.divide")
    if (Value average = foldDivisorIntoPool(op))
      return op.replaceWith(average);
  ScalarOp scalar{op, type.getElementType()};
  return op.replaceWith(
      emitElementwise(op.builder(), type, op.getOperation()->getOperands(), nullptr,
                      [&](Body &body, ValueRange args) { return row.emit(body, scalar, args); }));
}

static ConvertFn rowFn(const ScalarRow &row, bool broadcasts = false) {
  return [&row, broadcasts](HloOp &op) { return convertScalarRow(op, row, broadcasts); };
}

/// `#stablehlo`'s constants as arith's. An unsigned one keeps its bits.
static LogicalResult convertConstant(HloOp &op) {
  if (failed(op.expectCounts(0, 1)))
    return failure();
  RankedTensorType type = op.resultType();
  auto value = dyn_cast_or_null<ElementsAttr>(op.attribute("value"));
  if (!value || !isa<RankedTensorType>(value.getType()) ||
      cast<RankedTensorType>(value.getType()).getShape() != type.getShape())
    return op.error() << "expected a `value` of the result's shape";
  auto dense = dyn_cast<DenseElementsAttr>(value);
  Type element = value.getElementType();
  if (dense && element != type.getElementType() && isa<IntegerType>(element) &&
      element.getIntOrFloatBitWidth() == type.getElementType().getIntOrFloatBitWidth())
    value = dense.bitcast(type.getElementType());
  if (value.getType() != type)
    return op.error() << "expected a `value` of type " << type << ", got " << value.getType();
  return op.replaceWith(
      arith::ConstantOp::create(op.builder(), cast<TypedAttr>(value))->getResults());
}

void mlir::abn::hlo::addElementwise(Registry &r) {
  r.add("stablehlo.constant", convertConstant);
  r.add("chlo.constant", convertConstant);
  for (ArrayRef<ScalarRow> rows : {getUnaryRows(), getBinaryRows(), getOtherRows()})
    for (const ScalarRow &row : rows)
      r.add(row.name, rowFn(row));
  for (const ScalarRow &row : getBinaryRows())
    r.add(("chlo.broadcast_" + row.name.drop_front(strlen("stablehlo."))).str(), rowFn(row, true));
  r.add("chlo.broadcast_compare", rowFn(*lookupScalar("stablehlo.compare"), true));
}
