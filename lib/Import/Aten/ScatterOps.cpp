// Writes at positions that a tensor holds: index_put, index_add, scatter, embedding's gradient.
#include "../Emit/Scatter.h"
#include "Indexing.h"
#include "Promotion.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// Axes of the tensor that is written are named by their numbers, others from here on.
static constexpr int64_t kOtherAxes = 1000;

static Value emitSumOf(ImplicitLocOpBuilder &b, Value x, Value y, Type element) {
  return emitElementwise(b, withElement(typeOf(x), element), {x, y}, computeTypeOf(element),
                         [](Body &body, ValueRange a) { return body.add(a[0], a[1]); });
}

/// The index tensors with the axes of size 1 dropped, which say nothing.
static SmallVector<ScatterIndex> scatterIndices(ImplicitLocOpBuilder &b, const IndexSpace &space,
                                                ArrayRef<int64_t> shape) {
  SmallVector<ScatterIndex> result;
  for (auto [dim, index] : llvm::zip_equal(space.dims, space.indices)) {
    ArrayRef<int64_t> sizes = typeOf(index).getShape();
    int64_t offset = space.sizes.size() - sizes.size();
    SmallVector<int64_t> labels, kept;
    for (auto [i, size] : llvm::enumerate(sizes))
      if (size != 1) {
        labels.push_back(kOtherAxes + offset + i);
        kept.push_back(size);
      }
    result.push_back({emitReshape(b, index, kept), labels, dim, shape[dim]});
  }
  return result;
}

/// Values in the result's shape, with the indexed axes of size 1 dropped.
static LabelledValue scatterValues(ImplicitLocOpBuilder &b, const IndexSpace &space, Value values) {
  SmallVector<int64_t> labels, kept;
  for (auto [i, size] : llvm::enumerate(space.resultShape)) {
    int64_t at = static_cast<int64_t>(i) - space.position;
    bool indexed = at >= 0 && at < static_cast<int64_t>(space.sizes.size());
    if (indexed && size == 1)
      continue;
    int64_t keptAt = at < 0 ? i : i - space.sizes.size();
    labels.push_back(indexed ? kOtherAxes + at : space.keptDims[keptAt]);
    kept.push_back(size);
  }
  return {emitReshape(b, emitBroadcast(b, values, space.resultShape), kept), labels};
}

/// self with values added at the indexed positions.
static Value emitIndexAdd(ImplicitLocOpBuilder &b, Value self, const IndexSpace &space,
                          Value values) {
  RankedTensorType type = typeOf(self);
  LabelledValue sum =
      emitScatterSum(b, scatterValues(b, space, values), scatterIndices(b, space, type.getShape()),
                     computeTypeOf(type.getElementType()));
  Value ordered = emitOrdered(b, sum, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  return emitSumOf(b, self, ordered, type.getElementType());
}

/// self with values written at the indexed positions; of several writers the last one wins.
static Value emitIndexWrite(ImplicitLocOpBuilder &b, Value self, const IndexSpace &space,
                            Value values) {
  RankedTensorType type = typeOf(self);
  SmallVector<int64_t> labels, sizes;
  SmallVector<int64_t> axisOf; // of the space's axes, those that are larger than 1
  for (auto [i, size] : llvm::enumerate(space.sizes))
    if (size != 1) {
      labels.push_back(kOtherAxes + i);
      sizes.push_back(size);
      axisOf.push_back(i);
    }
  Value writer = emitScatterWriter(b, labels, sizes, scatterIndices(b, space, type.getShape()));
  // Aligned with self: 1 along the dimensions that are not indexed.
  SmallVector<int64_t> aligned(type.getRank(), 1);
  for (int64_t dim : space.dims)
    aligned[dim] = type.getDimSize(dim);
  writer = emitReshape(b, writer, aligned);
  values = emitBroadcast(b, values, space.resultShape);
  return emitElementwise(b, type, {self, writer}, nullptr, [&](Body &body, ValueRange a) {
    Value written = body.compare(Compare::GE, a[1], 0.0);
    Value number = body.cast(body.select(written, a[1], body.like(a[1], 0)), body.b.getIndexType());
    SmallVector<Value> position(space.resultShape.size(), body.indexConstant(0));
    for (auto [i, dim] : llvm::enumerate(space.keptDims)) {
      int64_t kept = i;
      position[kept < space.position ? kept : kept + space.sizes.size()] = body.index(dim);
    }
    for (int64_t i = static_cast<int64_t>(sizes.size()) - 1; i >= 0; --i) {
      Value size = body.indexConstant(sizes[i]);
      position[space.position + axisOf[i]] = body.call<arith::RemSIOp>(number, size);
      number = body.call<arith::DivSIOp>(number, size);
    }
    return body.select(written, body.extract(values, position), a[0]);
  });
}

static LogicalResult convertIndexPut(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self"), values = op.tensor("values");
  RankedTensorType type = typeOf(self);
  FailureOr<IndexSpace> space = readIndexSpace(op, type.getShape());
  if (failed(space))
    return failure();
  if (typeOf(values).getElementType() != type.getElementType() ||
      !isBroadcastableTo(typeOf(values).getShape(), space->resultShape))
    return op.error() << "expected `values` that broadcast to "
                      << withShape(type, space->resultShape) << ", got " << values.getType();
  return op.replaceWith(op.flag("accumulate") ? emitIndexAdd(b, self, *space, values)
                                              : emitIndexWrite(b, self, *space, values));
}

/// index_add and index_copy: a vector of positions of one dimension.
static FailureOr<IndexSpace> readIndexVector(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("self"));
  Value index = op.tensor("index");
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(op.expectRank("index", 1)))
    return failure();
  Type element = typeOf(index).getElementType();
  if (type.getRank() == 0 || !element.isInteger() || element.isInteger(1))
    return op.error() << "expected a rank of at least 1 and an integer `index`";
  IndexSpace space;
  space.dims = {*dim};
  space.indices = {index};
  space.sizes = {typeOf(index).getDimSize(0)};
  space.position = *dim;
  space.resultShape.assign(type.getShape().begin(), type.getShape().end());
  space.resultShape[*dim] = space.sizes.front();
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (i != *dim)
      space.keptDims.push_back(i);
  RankedTensorType expected = withShape(type, space.resultShape);
  if (op.tensor("source").getType() != expected)
    return op.error() << "expected `source` of type " << expected << ", got "
                      << op.tensor("source").getType();
  return space;
}

static LogicalResult convertIndexAdd(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  FailureOr<IndexSpace> space = readIndexVector(op);
  if (failed(space))
    return failure();
  Value source = op.tensor("source");
  double alpha = op.scalar("alpha")->number;
  if (alpha != 1)
    source = emitElementwise(
        b, typeOf(source), source, computeTypeOf(typeOf(source).getElementType()),
        [&](Body &body, ValueRange a) { return body.mul(a[0], body.like(a[0], alpha)); });
  return op.replaceWith(emitIndexAdd(b, op.tensor("self"), *space, source));
}

static LogicalResult convertIndexCopy(AtenOp &op) {
  FailureOr<IndexSpace> space = readIndexVector(op);
  if (failed(space))
    return failure();
  return op.replaceWith(
      emitIndexWrite(op.builder(), op.tensor("self"), *space, op.tensor("source")));
}

//===----------------------------------------------------------------------===//
// scatter
//===----------------------------------------------------------------------===//

namespace {
struct ScatterArguments {
  RankedTensorType type;
  int64_t dim;
  Value index, source;
  /// The part of self that the index covers, all of `dim` included.
  SmallVector<int64_t> covered;
};
} // namespace

static FailureOr<ScatterArguments> readScatter(AtenOp &op, bool hasSource) {
  ImplicitLocOpBuilder &b = op.builder();
  ScatterArguments s;
  s.type = typeOf(op.tensor("self"));
  FailureOr<int64_t> dim = op.dim("dim", s.type.getRank());
  if (failed(dim))
    return failure();
  if (s.type.getRank() == 0)
    return op.error() << "expected a rank of at least 1";
  if (failed(checkGatherIndex(op, s.type, *dim)))
    return failure();
  s.dim = *dim;
  s.index = op.tensor("index");
  ArrayRef<int64_t> shape = typeOf(s.index).getShape();
  s.covered.assign(shape.begin(), shape.end());
  s.covered[s.dim] = s.type.getDimSize(s.dim);
  if (!hasSource)
    return s;
  s.source = op.tensor("src");
  RankedTensorType source = typeOf(s.source);
  bool fits =
      source.getRank() == s.type.getRank() && source.getElementType() == s.type.getElementType();
  for (int64_t i = 0; fits && i < source.getRank(); ++i)
    fits = shape[i] <= source.getDimSize(i);
  if (!fits)
    return op.error() << "expected a `src` that covers the index " << s.index.getType() << ", got "
                      << source;
  SmallVector<int64_t> zeros(shape.size(), 0), ones(shape.size(), 1);
  s.source = emitSlice(b, s.source, zeros, shape, ones);
  return s;
}

/// Applies `update` to the part of self that the index covers.
static LogicalResult updateCovered(AtenOp &op, const ScatterArguments &s,
                                   llvm::function_ref<Value(Value)> update) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  SmallVector<int64_t> zeros(s.covered.size(), 0), ones(s.covered.size(), 1);
  Value part = update(emitSlice(b, self, zeros, s.covered, ones));
  if (part.getType() == self.getType())
    return op.replaceWith(part);
  return op.replaceWith(emitInsert(b, part, self, zeros, ones));
}

/// Sums or finds, for each position of self, what index positions along `dim` select it.
static Value reduceAlongIndex(ImplicitLocOpBuilder &b, const ScatterArguments &s, Value values,
                              Type accumulator, double init,
                              llvm::function_ref<Value(Body &, Value, Value)> term,
                              CombineFn combine) {
  // Axes: self's, then the index's position along dim.
  int64_t rank = s.type.getRank();
  SmallVector<int64_t> space(s.covered), aligned(s.covered), permutation;
  int64_t length = typeOf(s.index).getDimSize(s.dim);
  space.push_back(length);
  aligned[s.dim] = 1;
  aligned.push_back(length);
  for (int64_t i = 0; i < rank; ++i)
    if (i != s.dim)
      permutation.push_back(i);
  permutation.push_back(s.dim);
  auto align = [&](Value value) {
    return emitReshape(b, emitTranspose(b, value, permutation), aligned);
  };
  SmallVector<Value> inputs = {align(s.index)};
  if (values)
    inputs.push_back(align(values));
  // The index must not be converted to the accumulator's type, so that this is not emitReduction.
  SmallVector<int64_t> dims = {rank};
  ReductionSpec spec{space, dims, false, accumulator, init};
  Value terms = emitElementwise(
      b, RankedTensorType::get(space, accumulator), inputs, nullptr, [&](Body &body, ValueRange a) {
        Value hit = body.call<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                             body.wrapIndex(a[0], s.type.getDimSize(s.dim)),
                                             body.index(s.dim));
        Value value =
            values ? body.cast(a[1], accumulator) : body.cast(body.index(rank), accumulator);
        return term(body, hit, value);
      });
  return emitReduction(b, spec, terms, nullptr, combine);
}

static LogicalResult convertScatterAdd(AtenOp &op) {
  FailureOr<ScatterArguments> s = readScatter(op, true);
  if (failed(s))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  Type element = s->type.getElementType();
  return updateCovered(op, *s, [&](Value part) {
    Value sum = reduceAlongIndex(
        b, *s, s->source, computeTypeOf(element), 0,
        [](Body &body, Value hit, Value x) { return body.select(hit, x, body.like(x, 0)); },
        [](Body &body, Value x, Value y) { return body.add(x, y); });
    return emitSumOf(b, part, sum, element);
  });
}

/// The position along `dim` of the index that writes each element last, or -1.
static Value lastWriter(ImplicitLocOpBuilder &b, const ScatterArguments &s) {
  return reduceAlongIndex(
      b, s, {}, b.getI64Type(), -1,
      [](Body &body, Value hit, Value x) { return body.select(hit, x, body.like(x, -1)); },
      [](Body &body, Value x, Value y) { return body.max(x, y); });
}

static LogicalResult convertScatter(AtenOp &op, bool hasSource) {
  FailureOr<ScatterArguments> s = readScatter(op, hasSource);
  if (failed(s))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  return updateCovered(op, *s, [&](Value part) {
    Value writer = lastWriter(b, *s);
    return emitElementwise(b, typeOf(part), {part, writer}, nullptr, [&](Body &body, ValueRange a) {
      Value written = body.compare(Compare::GE, a[1], 0.0);
      if (!hasSource)
        return body.select(written, body.constant(a[0].getType(), *op.scalar("value")), a[0]);
      Value row = body.select(written, a[1], body.like(a[1], 0));
      SmallVector<Value> position;
      for (int64_t i = 0; i < s->type.getRank(); ++i)
        position.push_back(i == s->dim ? body.cast(row, body.b.getIndexType()) : body.index(i));
      return body.select(written, body.extract(s->source, position), a[0]);
    });
  });
}

/// Rows of the gradient summed into the rows that were read; the padding row gets nothing.
static LogicalResult convertEmbeddingBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value grad = op.tensor("grad_output"), indices = op.tensor("indices");
  RankedTensorType type = typeOf(grad);
  int64_t rows = op.integer("num_weights"), padding = op.integer("padding_idx");
  if (op.flag("scale_grad_by_freq"))
    return op.error() << "`scale_grad_by_freq` is not supported";
  if (failed(op.expectFloat("grad_output")) || rows <= 0 || type.getRank() == 0 ||
      type.getShape().drop_back() != typeOf(indices).getShape() ||
      !typeOf(indices).getElementType().isInteger())
    return op.error() << "expected integer `indices` for the rows of " << type;
  int64_t count = typeOf(indices).getNumElements(), width = type.getShape().back();
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>{rows, width}})))
    return failure();
  Value flat = emitReshape(b, grad, {count, width}), labels = emitReshape(b, indices, {count});
  if (padding >= 0)
    flat = emitElementwise(b, typeOf(flat), {flat, emitReshape(b, labels, {count, 1})}, nullptr,
                           [&](Body &body, ValueRange a) {
                             Value kept =
                                 body.compare(Compare::NE, a[1], static_cast<double>(padding));
                             return body.select(kept, a[0], body.like(a[0], 0));
                           });
  ScatterIndex index{labels, {kOtherAxes}, 0, rows};
  LabelledValue sum =
      emitScatterSum(b, {flat, {kOtherAxes, 1}}, index, computeTypeOf(type.getElementType()));
  return op.replaceWith(emitCast(b, emitOrdered(b, sum, {0, 1}), type.getElementType()));
}

void mlir::abn::aten::addScatters(Registry &r) {
  for (StringRef name : {"index_put", "_unsafe_index_put"})
    r.add(
        (name + "(Tensor self, Tensor?[] indices, Tensor values, bool accumulate) -> Tensor").str(),
        convertIndexPut);
  r.add("index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
        convertIndexAdd);
  r.add("index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
        convertIndexCopy);
  r.add("scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", convertScatterAdd);
  r.add("scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
        [](AtenOp &op) { return convertScatter(op, true); });
  r.add("scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
        [](AtenOp &op) { return convertScatter(op, false); });
  r.add("embedding_dense_backward(Tensor grad_output, Tensor indices, int num_weights, "
        "int padding_idx, bool scale_grad_by_freq) -> Tensor",
        convertEmbeddingBackward);
}
