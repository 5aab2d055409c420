// Ops that move or make elements without computing: broadcasts, reshapes, transposes, reversals,
// concatenations, iota.
#include "Registry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn::hlo;

/// A splat constant of the result's shape, if the operand is one.
static Value broadcastConstant(HloOp &op) {
  DenseElementsAttr constant;
  if (!matchPattern(op.operand(0), m_Constant(&constant)) || !constant.isSplat())
    return {};
  auto splat = DenseElementsAttr::get(op.resultType(), constant.getSplatValue<Attribute>());
  return arith::ConstantOp::create(op.builder(), splat);
}

static LogicalResult checkBroadcast(HloOp &op, ArrayRef<int64_t> dims) {
  RankedTensorType from = op.operandType(0), to = op.resultType();
  if (static_cast<int64_t>(dims.size()) != from.getRank())
    return op.error() << "expected " << from.getRank() << " entries in `broadcast_dimensions`, got "
                      << dims.size();
  for (auto [i, dim] : llvm::enumerate(dims))
    if (from.getDimSize(i) != 1 && from.getDimSize(i) != to.getDimSize(dim))
      return op.error() << "cannot broadcast " << from << " to " << to << " along dimension "
                        << dim;
  if (from.getElementType() != to.getElementType())
    return op.error() << "expected a result of " << from.getElementType();
  return success();
}

/// Dimensions of size 1 that grow are dropped, the others put in order, and linalg.broadcast adds
/// what is missing. Where nothing grows that leaves a reshape.
static LogicalResult convertBroadcast(HloOp &op) {
  if (failed(op.expectCounts(1, 1)))
    return failure();
  RankedTensorType from = op.operandType(0), to = op.resultType();
  FailureOr<SmallVector<int64_t>> dims = op.dims("broadcast_dimensions", to.getRank());
  if (failed(dims) || failed(checkBroadcast(op, *dims)))
    return failure();
  if (Value constant = broadcastConstant(op))
    return op.replaceWith(constant);
  ImplicitLocOpBuilder &b = op.builder();
  bool inOrder = llvm::is_sorted(*dims);
  if (inOrder && countOf(from.getShape()) == countOf(to.getShape()))
    return op.replaceWith(emitReshape(b, op.operand(0), to.getShape()));

  SmallVector<int64_t> kept, shape;
  for (auto [i, dim] : llvm::enumerate(*dims))
    if (from.getDimSize(i) == to.getDimSize(dim)) {
      kept.push_back(dim);
      shape.push_back(from.getDimSize(i));
    }
  Value value = emitReshape(b, op.operand(0), shape);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, kept.size()));
  llvm::sort(order, [&](int64_t x, int64_t y) { return kept[x] < kept[y]; });
  value = emitTranspose(b, value, order);
  SmallVector<int64_t> added;
  for (int64_t dim = 0; dim < to.getRank(); ++dim)
    if (!llvm::is_contained(kept, dim))
      added.push_back(dim);
  if (added.empty())
    return op.replaceWith(value);
  Value init = emitEmpty(b, to.getShape(), to.getElementType());
  return op.replaceWith(linalg::BroadcastOp::create(b, value, init, added)->getResults());
}

static LogicalResult convertReshape(HloOp &op) {
  if (failed(op.expectCounts(1, 1)))
    return failure();
  RankedTensorType from = op.operandType(0), to = op.resultType();
  if (countOf(from.getShape()) != countOf(to.getShape()))
    return op.error() << "cannot reshape " << from << " to " << to;
  DenseElementsAttr constant;
  if (matchPattern(op.operand(0), m_Constant(&constant)) &&
      constant.getElementType() == to.getElementType())
    return op.replaceWith(
        arith::ConstantOp::create(op.builder(), constant.reshape(to))->getResults());
  return op.replaceWith(emitReshape(op.builder(), op.operand(0), to.getShape()));
}

static LogicalResult convertTranspose(HloOp &op) {
  if (failed(op.expectCounts(1, 1)))
    return failure();
  int64_t rank = op.operandType(0).getRank();
  FailureOr<SmallVector<int64_t>> permutation = op.integers("permutation", rank);
  if (failed(permutation) || failed(op.checkDims("permutation", *permutation, rank)))
    return failure();
  return op.replaceWith(emitTranspose(op.builder(), op.operand(0), *permutation));
}

/// Position i reads size - 1 - i. The state remembers it for the gradients of convolutions.
static LogicalResult convertReverse(HloOp &op) {
  if (failed(op.expectCounts(1, 1)))
    return failure();
  Value source = op.operand(0);
  RankedTensorType type = typeOf(source);
  FailureOr<SmallVector<int64_t>> dims = op.dims("dimensions", type.getRank());
  if (failed(dims))
    return failure();
  Value reversed =
      emitGather(op.builder(), source, type.getShape(), [&](Body &body, ValueRange position) {
        SmallVector<Value> from(position.begin(), position.end());
        for (int64_t dim : *dims)
          from[dim] =
              body.call<arith::SubIOp>(body.indexConstant(type.getDimSize(dim) - 1), from[dim]);
        return from;
      });
  op.state().reversed[reversed] = {source, *dims};
  return op.replaceWith(reversed);
}

static LogicalResult convertConcatenate(HloOp &op) {
  FailureOr<int64_t> dim = op.integer("dimension");
  if (failed(dim))
    return failure();
  if (op.getNumOperands() == 0 || op.getNumResults() != 1)
    return op.error() << "expected at least one operand and one result";
  RankedTensorType type = op.resultType();
  if (failed(op.checkDims("dimension", *dim, type.getRank())))
    return failure();
  SmallVector<int64_t> shape(op.operandType(0).getShape());
  if (static_cast<int64_t>(shape.size()) != type.getRank())
    return op.error() << "expected operands of rank " << type.getRank();
  shape[*dim] = 0;
  for (Value operand : op.getOperation()->getOperands()) {
    SmallVector<int64_t> other(typeOf(operand).getShape());
    if (other.size() != shape.size() || typeOf(operand).getElementType() != type.getElementType())
      return op.error() << "cannot concatenate " << operand.getType() << " to " << type;
    shape[*dim] += std::exchange(other[*dim], 0);
    for (auto [i, size] : llvm::enumerate(other))
      if (static_cast<int64_t>(i) != *dim && size != shape[i])
        return op.error() << "cannot concatenate " << operand.getType() << " to " << type;
  }
  if (type.getShape() != ArrayRef<int64_t>(shape))
    return op.error() << "expected a result of shape [" << shape << "], got " << type;
  ImplicitLocOpBuilder &b = op.builder();
  Value result = emitEmpty(b, shape, type.getElementType());
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  for (Value operand : op.getOperation()->getOperands()) {
    result = emitInsert(b, operand, result, offsets, strides);
    offsets[*dim] += typeOf(operand).getDimSize(*dim);
  }
  return op.replaceWith(result);
}

static LogicalResult convertIota(HloOp &op) {
  if (failed(op.expectCounts(0, 1)))
    return failure();
  RankedTensorType type = op.resultType();
  FailureOr<int64_t> dim = op.integer("iota_dimension");
  if (failed(dim) || failed(op.checkDims("iota_dimension", *dim, type.getRank())))
    return failure();
  return op.replaceWith(
      emitElementwise(op.builder(), type, {}, nullptr, [&](Body &body, ValueRange) {
        // An index converts to floats through an integer.
        Value position = body.cast(body.index(*dim), body.b.getI64Type());
        return body.cast(position, type.getElementType());
      }));
}

void mlir::abn::hlo::addShapes(Registry &r) {
  r.add("stablehlo.broadcast_in_dim", convertBroadcast);
  r.add("stablehlo.concatenate", convertConcatenate);
  r.add("stablehlo.iota", convertIota);
  r.add("stablehlo.reshape", convertReshape);
  r.add("stablehlo.reverse", convertReverse);
  r.add("stablehlo.transpose", convertTranspose);
}
