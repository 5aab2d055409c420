// dot and dot_general: transposed and reshaped to one (batched) matrix product.
#include "DimensionNumbers.h"
#include "Registry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::hlo;

namespace {
/// One operand's dimensions by role.
struct Side {
  Value value;
  SmallVector<int64_t> batch, contracted, free;

  int64_t count(ArrayRef<int64_t> dims) const {
    int64_t product = 1;
    for (int64_t dim : dims)
      product *= typeOf(value).getDimSize(dim);
    return product;
  }
  /// The operand as a batch of matrices: batch, then `first`, then `second`.
  Value arrange(ImplicitLocOpBuilder &b, ArrayRef<int64_t> first, ArrayRef<int64_t> second) const {
    SmallVector<int64_t> order(batch);
    llvm::append_range(order, first);
    llvm::append_range(order, second);
    Value ordered = emitTranspose(b, value, order);
    SmallVector<int64_t> shape = {count(first), count(second)};
    if (!batch.empty())
      shape.insert(shape.begin(), count(batch));
    return emitReshape(b, ordered, shape);
  }
};
} // namespace

static LogicalResult readSide(HloOp &op, Side &side, StringRef name) {
  int64_t rank = typeOf(side.value).getRank();
  SmallVector<int64_t> used(side.batch);
  llvm::append_range(used, side.contracted);
  if (failed(op.checkDims(name, used, rank)))
    return failure();
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(used, dim))
      side.free.push_back(dim);
  return success();
}

static LogicalResult checkPairs(HloOp &op, const Side &l, const Side &r) {
  if (l.batch.size() != r.batch.size() || l.contracted.size() != r.contracted.size())
    return op.error() << "expected as many batch and contracting dimensions of both operands";
  for (auto [lhs, rhs] : {std::pair(ArrayRef(l.batch), ArrayRef(r.batch)),
                          std::pair(ArrayRef(l.contracted), ArrayRef(r.contracted))})
    for (auto [x, y] : llvm::zip_equal(lhs, rhs))
      if (typeOf(l.value).getDimSize(x) != typeOf(r.value).getDimSize(y))
        return op.error() << "expected dimension " << x << " of " << l.value.getType()
                          << " and dimension " << y << " of " << r.value.getType()
                          << " to have one size";
  return success();
}

static LogicalResult emitProduct(HloOp &op, Side &l, Side &r) {
  ImplicitLocOpBuilder &b = op.builder();
  if (failed(readSide(op, l, "lhs dimensions")) || failed(readSide(op, r, "rhs dimensions")) ||
      failed(checkPairs(op, l, r)))
    return failure();
  SmallVector<int64_t> shape, matrix;
  for (int64_t dim : l.batch)
    shape.push_back(typeOf(l.value).getDimSize(dim));
  for (const Side *side : {&l, &r})
    for (int64_t dim : side->free)
      shape.push_back(typeOf(side->value).getDimSize(dim));
  if (op.resultType().getShape() != ArrayRef<int64_t>(shape))
    return op.error() << "expected a result of shape [" << shape << "], got " << op.resultType();
  if (!l.batch.empty())
    matrix.push_back(l.count(l.batch));
  matrix.append({l.count(l.free), r.count(r.free)});
  // A result of a wider type (preferred_element_type) is computed in that type.
  Type element = op.resultType().getElementType();
  l.value = emitCast(b, l.value, element);
  r.value = emitCast(b, r.value, element);
  Value init = emitFill(b, RankedTensorType::get(matrix, computeTypeOf(element)), 0.0);
  SmallVector<Value> operands = {l.arrange(b, l.free, l.contracted),
                                 r.arrange(b, r.contracted, r.free)};
  Value product = l.batch.empty()
                      ? linalg::MatmulOp::create(b, operands, ValueRange{init})->getResult(0)
                      : linalg::BatchMatmulOp::create(b, operands, ValueRange{init})->getResult(0);
  return op.replaceWith(emitCast(b, emitReshape(b, product, shape), element));
}

static LogicalResult convertDot(HloOp &op) {
  if (failed(op.expectCounts(2, 1)))
    return failure();
  Side l{op.operand(0), {}, {}, {}}, r{op.operand(1), {}, {}, {}};
  int64_t lhsRank = op.operandType(0).getRank(), rhsRank = op.operandType(1).getRank();
  if (lhsRank < 1 || lhsRank > 2 || rhsRank < 1 || rhsRank > 2)
    return op.error() << "expected vectors or matrices, got " << l.value.getType() << " and "
                      << r.value.getType();
  l.contracted = {lhsRank - 1};
  r.contracted = {0};
  return emitProduct(op, l, r);
}

static LogicalResult convertDotGeneral(HloOp &op) {
  if (failed(op.expectCounts(2, 1)))
    return failure();
  DimensionLists lists(op, "dot_dimension_numbers");
  Side l{op.operand(0),
         lists.get("lhs_batching_dimensions"),
         lists.get("lhs_contracting_dimensions"),
         {}};
  Side r{op.operand(1),
         lists.get("rhs_batching_dimensions"),
         lists.get("rhs_contracting_dimensions"),
         {}};
  return emitProduct(op, l, r);
}

void mlir::abn::hlo::addDots(Registry &r) {
  r.add("stablehlo.dot", convertDot);
  r.add("stablehlo.dot_general", convertDotGeneral);
}
