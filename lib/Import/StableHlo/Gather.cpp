// Gathers: one linalg.generic that computes each position's source and reads it.
#include "DimensionNumbers.h"
#include "IndexVectors.h"
#include "Registry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::hlo;

SmallVector<int64_t> mlir::abn::hlo::otherDims(int64_t rank, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> others;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim))
      others.push_back(dim);
  return others;
}

/// The `i`-th component of all index vectors.
static Value emitComponent(HloOp &op, Value indices, int64_t vectorDim, int64_t i) {
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<int64_t> shape(typeOf(indices).getShape());
  SmallVector<int64_t> offsets(shape.size(), 0), strides(shape.size(), 1);
  if (vectorDim == static_cast<int64_t>(shape.size()))
    return indices;
  offsets[vectorDim] = i;
  shape[vectorDim] = 1;
  Value component = emitSlice(b, indices, offsets, shape, strides);
  shape.erase(shape.begin() + vectorDim);
  return emitReshape(b, component, shape);
}

FailureOr<IndexVectors> IndexVectors::read(HloOp &op, Value indices, int64_t vectorDim,
                                           ArrayRef<int64_t> indexed,
                                           ArrayRef<int64_t> operandBatching,
                                           ArrayRef<int64_t> indexBatching,
                                           RankedTensorType operand) {
  RankedTensorType type = typeOf(indices);
  int64_t rank = type.getRank();
  if (!isa<IntegerType>(type.getElementType()) || type.getElementType().isInteger(1))
    return op.error() << "expected integer indices, got " << type;
  if (vectorDim < 0 || vectorDim > rank)
    return op.error() << "expected `index_vector_dim` from 0 to " << rank << ", got " << vectorDim;
  int64_t size = vectorDim == rank ? 1 : type.getDimSize(vectorDim);
  if (size != static_cast<int64_t>(indexed.size()) ||
      operandBatching.size() != indexBatching.size())
    return op.error() << "expected index vectors of " << indexed.size() << " entries, got " << size;
  SmallVector<int64_t> all(indexed);
  llvm::append_range(all, operandBatching);
  if (failed(op.checkDims("dimension_numbers", all, operand.getRank())) ||
      failed(op.checkDims("dimension_numbers", indexBatching, rank)))
    return failure();
  IndexVectors vectors;
  vectors.indexed.assign(indexed.begin(), indexed.end());
  for (int64_t dim : otherDims(rank, {vectorDim}))
    vectors.batchShape.push_back(type.getDimSize(dim));
  for (auto [dim, indexDim] : llvm::zip_equal(operandBatching, indexBatching)) {
    if (indexDim == vectorDim || type.getDimSize(indexDim) != operand.getDimSize(dim))
      return op.error() << "expected batching dimension " << indexDim << " of the indices to have "
                        << "the size of dimension " << dim << " of the operand";
    vectors.along.push_back({dim, indexDim > vectorDim ? indexDim - 1 : indexDim});
  }
  for (int64_t i = 0; i < size; ++i)
    vectors.starts.push_back(emitComponent(op, indices, vectorDim, i));
  return vectors;
}

namespace {
struct GatherDims {
  /// Dimensions of the result: positions within the slice, and the batch.
  SmallVector<int64_t> offsets, batch;
  /// The operand dimension of each of `offsets`.
  SmallVector<int64_t> sliced;
  SmallVector<int64_t> sliceSizes;
};
} // namespace

static FailureOr<GatherDims> readGatherDims(HloOp &op, const DimensionLists &lists,
                                            const IndexVectors &vectors) {
  RankedTensorType operand = op.operandType(0), result = op.resultType();
  GatherDims dims;
  auto sizes = op.integers("slice_sizes", operand.getRank());
  if (failed(sizes))
    return failure();
  dims.sliceSizes = *sizes;
  dims.offsets = lists.get("offset_dims");
  SmallVector<int64_t> dropped = lists.get("collapsed_slice_dims");
  llvm::append_range(dropped, lists.get("operand_batching_dims"));
  if (failed(op.checkDims("dimension_numbers", dropped, operand.getRank())) ||
      failed(op.checkDims("offset_dims", dims.offsets, result.getRank())))
    return failure();
  dims.sliced = otherDims(operand.getRank(), dropped);
  dims.batch = otherDims(result.getRank(), dims.offsets);
  for (auto [dim, size] : llvm::enumerate(*sizes))
    if (size < 1 || size > operand.getDimSize(dim) ||
        (size != 1 && llvm::is_contained(dropped, static_cast<int64_t>(dim))))
      return op.error() << "expected slice sizes within " << operand << ", got " << size
                        << " in dimension " << dim;
  bool fits =
      dims.offsets.size() == dims.sliced.size() && dims.batch.size() == vectors.batchShape.size();
  for (size_t i = 0; fits && i < dims.offsets.size(); ++i)
    fits = result.getDimSize(dims.offsets[i]) == (*sizes)[dims.sliced[i]];
  for (size_t i = 0; fits && i < dims.batch.size(); ++i)
    fits = result.getDimSize(dims.batch[i]) == vectors.batchShape[i];
  if (!fits || result.getElementType() != operand.getElementType())
    return op.error() << "expected a result of the batch's and the slice's sizes, got " << result;
  return dims;
}

/// Starts are clamped so that the slice lies within the operand, as StableHLO says.
static SmallVector<Value> sourcePosition(Body &body, const GatherDims &dims,
                                         const IndexVectors &vectors, RankedTensorType operand,
                                         ValueRange starts) {
  SmallVector<Value> position(operand.getRank(), body.indexConstant(0));
  for (auto [offset, dim] : llvm::zip_equal(dims.offsets, dims.sliced))
    position[dim] = body.index(offset);
  for (auto [dim, batch] : vectors.along)
    position[dim] = body.index(dims.batch[batch]);
  for (auto [dim, start] : llvm::zip_equal(vectors.indexed, starts)) {
    Value index = body.cast(start, body.b.getIndexType());
    int64_t last = operand.getDimSize(dim) - dims.sliceSizes[dim];
    index = body.call<arith::MaxSIOp>(index, body.indexConstant(0));
    index = body.call<arith::MinSIOp>(index, body.indexConstant(last));
    bool whole = !llvm::is_contained(dims.sliced, dim) || dims.sliceSizes[dim] == 1;
    position[dim] = whole ? index : body.call<arith::AddIOp>(position[dim], index);
  }
  return position;
}

static LogicalResult convertGather(HloOp &op) {
  if (failed(op.expectCounts(2, 1)))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  Value operand = op.operand(0);
  DimensionLists lists(op, "dimension_numbers");
  auto vectors =
      IndexVectors::read(op, op.operand(1), lists.number("index_vector_dim").value_or(0),
                         lists.get("start_index_map"), lists.get("operand_batching_dims"),
                         lists.get("start_indices_batching_dims"), typeOf(operand));
  if (failed(vectors))
    return failure();
  auto dims = readGatherDims(op, lists, *vectors);
  if (failed(dims))
    return failure();
  RankedTensorType type = op.resultType();
  SmallVector<AffineExpr> batch;
  for (int64_t dim : dims->batch)
    batch.push_back(b.getAffineDimExpr(dim));
  SmallVector<AffineMap> maps(vectors->starts.size(),
                              AffineMap::get(type.getRank(), 0, batch, b.getContext()));
  maps.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  SmallVector<Value> outs = {emitEmpty(b, type.getShape(), type.getElementType())};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), vectors->starts, outs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value read = body.extract(
            operand, sourcePosition(body, *dims, *vectors, typeOf(operand), args.drop_back()));
        linalg::YieldOp::create(nested, loc, read);
      });
  return op.replaceWith(generic.getResult(0));
}

void mlir::abn::hlo::addGather(Registry &r) { r.add("stablehlo.gather", convertGather); }
