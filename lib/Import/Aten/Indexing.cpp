// Reads at positions that a tensor holds: index, gather, embedding. An index counts from the end if
// it is negative; one that is out of range, where PyTorch stops, is clamped.
#include "Indexing.h"
#include "Promotion.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

FailureOr<IndexSpace> mlir::abn::aten::readIndexSpace(AtenOp &op, ArrayRef<int64_t> shape) {
  IndexSpace space;
  SmallVector<Value> given = op.tensors("indices"), present;
  if (given.size() > shape.size())
    return op.error() << "expected at most " << shape.size() << " `indices`, got " << given.size();
  bool adjacent = true;
  for (auto [dim, index] : llvm::enumerate(given)) {
    if (!index)
      continue;
    RankedTensorType type = typeOf(index);
    if (!type.getElementType().isInteger() || type.getElementType().isInteger(1))
      return op.error() << "expected integer `indices`, got " << type;
    adjacent &= present.empty() || space.dims.back() + 1 == static_cast<int64_t>(dim);
    present.push_back(index);
    space.dims.push_back(dim);
  }
  if (present.empty())
    return op.error() << "expected at least one index tensor";
  FailureOr<SmallVector<int64_t>> sizes = broadcastShape(op, present);
  if (failed(sizes))
    return failure();
  space.indices = present;
  space.sizes = *sizes;
  // Indices that are not next to each other put their axes in front.
  space.position = adjacent ? space.dims.front() : 0;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!llvm::is_contained(space.dims, static_cast<int64_t>(dim)))
      space.keptDims.push_back(dim);
  for (int64_t dim : ArrayRef<int64_t>(space.keptDims).take_front(space.position))
    space.resultShape.push_back(shape[dim]);
  llvm::append_range(space.resultShape, space.sizes);
  for (int64_t dim : ArrayRef<int64_t>(space.keptDims).drop_front(space.position))
    space.resultShape.push_back(shape[dim]);
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(space.resultShape)})))
    return failure();
  return space;
}

/// The place of the kept dimension number `i` among the result's dimensions.
static int64_t placeOfKept(const IndexSpace &space, int64_t i) {
  return i < space.position ? i : i + static_cast<int64_t>(space.sizes.size());
}

static LogicalResult convertIndex(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<IndexSpace> space = readIndexSpace(op, type.getShape());
  if (failed(space))
    return failure();
  // Trailing dimensions of size 1 put the indices' axes where they are in the result.
  int64_t behind = space->keptDims.size() - space->position;
  SmallVector<Value> inputs;
  for (Value index : space->indices) {
    SmallVector<int64_t> shape(typeOf(index).getShape());
    shape.append(behind, 1);
    inputs.push_back(emitReshape(b, index, shape));
  }
  return op.replaceWith(emitElementwise(
      b, withShape(type, space->resultShape), inputs, nullptr, [&](Body &body, ValueRange a) {
        SmallVector<Value> position(type.getRank());
        for (auto [i, dim] : llvm::enumerate(space->keptDims))
          position[dim] = body.index(placeOfKept(*space, i));
        for (auto [dim, value] : llvm::zip_equal(space->dims, a))
          position[dim] = body.wrapIndex(value, type.getDimSize(dim));
        return body.extract(self, position);
      }));
}

static LogicalResult checkIndex(AtenOp &op, StringRef name) {
  Type element = typeOf(op.tensor(name)).getElementType();
  if (element.isInteger() && !element.isInteger(1))
    return success();
  return op.error() << "expected an integer `" << name << "`, got " << op.tensor(name).getType();
}

/// self[.., index[i], ..] for a vector of indices.
static LogicalResult convertIndexSelect(AtenOp &op) {
  Value self = op.tensor("self"), index = op.tensor("index");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(checkIndex(op, "index")) || failed(op.expectRank("index", 1)))
    return failure();
  if (type.getRank() == 0)
    return op.error() << "expected a rank of at least 1";
  SmallVector<int64_t> shape(type.getShape()), aligned(type.getRank() - *dim, 1);
  shape[*dim] = aligned.front() = typeOf(index).getDimSize(0);
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  return op.replaceWith(emitElementwise(
      b, withShape(type, shape), emitReshape(b, index, aligned), nullptr,
      [&](Body &body, ValueRange a) {
        SmallVector<Value> position;
        for (int64_t i = 0; i < type.getRank(); ++i)
          position.push_back(i == *dim ? body.wrapIndex(a[0], type.getDimSize(i)) : body.index(i));
        return body.extract(self, position);
      }));
}

LogicalResult mlir::abn::aten::checkGatherIndex(AtenOp &op, RankedTensorType type, int64_t dim) {
  RankedTensorType index = typeOf(op.tensor("index"));
  if (failed(checkIndex(op, "index")))
    return failure();
  bool fits = index.getRank() == type.getRank();
  for (int64_t i = 0; fits && i < type.getRank(); ++i)
    fits = i == dim || index.getDimSize(i) <= type.getDimSize(i);
  if (!fits)
    return op.error() << "expected an `index` that fits into " << type << " but for dimension "
                      << dim << ", got " << index;
  return success();
}

static LogicalResult convertGather(AtenOp &op) {
  Value self = op.tensor("self"), index = op.tensor("index");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(checkGatherIndex(op, type, *dim)))
    return failure();
  ArrayRef<int64_t> shape = typeOf(index).getShape();
  return op.replaceWith(emitElementwise(
      op.builder(), withShape(type, shape), index, nullptr, [&](Body &body, ValueRange a) {
        SmallVector<Value> position;
        for (int64_t i = 0; i < type.getRank(); ++i)
          position.push_back(i == *dim ? body.wrapIndex(a[0], type.getDimSize(i)) : body.index(i));
        return body.extract(self, position);
      }));
}

static LogicalResult convertEmbedding(AtenOp &op) {
  Value weight = op.tensor("weight"), indices = op.tensor("indices");
  if (failed(op.expectRank("weight", 2)) || failed(checkIndex(op, "indices")))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  int64_t rows = typeOf(weight).getDimSize(0), rank = typeOf(indices).getRank();
  SmallVector<int64_t> shape(typeOf(indices).getShape()), aligned(shape);
  shape.push_back(typeOf(weight).getDimSize(1));
  aligned.push_back(1);
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
    return failure();
  return op.replaceWith(emitElementwise(b, withShape(typeOf(weight), shape),
                                        emitReshape(b, indices, aligned), nullptr,
                                        [&](Body &body, ValueRange a) {
                                          Value row = body.wrapIndex(a[0], rows);
                                          return body.extract(weight, {row, body.index(rank)});
                                        }));
}

/// 1 where the last dimension's position is the label.
static LogicalResult convertOneHot(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  int64_t classes = op.integer("num_classes"), rank = typeOf(self).getRank();
  if (failed(checkIndex(op, "self")))
    return failure();
  if (classes <= 0)
    return op.error() << "expected positive `num_classes`, got " << classes;
  SmallVector<int64_t> shape(typeOf(self).getShape()), aligned(shape);
  shape.push_back(classes);
  aligned.push_back(1);
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
    return failure();
  return op.replaceWith(emitElementwise(
      b, RankedTensorType::get(shape, b.getI64Type()), emitReshape(b, self, aligned), nullptr,
      [&](Body &body, ValueRange a) {
        Value label = body.cast(a[0], body.b.getIndexType());
        return Value(body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, label, body.index(rank)));
      }));
}

void mlir::abn::aten::addIndexing(Registry &r) {
  r.add("index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", convertIndex);
  r.add("_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", convertIndex);
  r.add("index_select(Tensor self, int dim, Tensor index) -> Tensor", convertIndexSelect);
  r.add("gather(Tensor self, int dim, Tensor index) -> Tensor", convertGather);
  r.add("embedding(Tensor weight, Tensor indices, int padding_idx, bool scale_grad_by_freq, "
        "bool sparse) -> Tensor",
        convertEmbedding);
  r.add("one_hot(Tensor self, int num_classes) -> Tensor", convertOneHot);
  addScatters(r);
}
