// Ops that assemble a tensor from parts of others: cat, scatter of slices, flips, shuffles.
#include "Promotion.h"
#include "Registry.h"
#include "Slice.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// Inserts `part` at `position` of dimension `dim`.
static Value insertAt(ImplicitLocOpBuilder &b, Value part, Value into, int64_t dim,
                      int64_t position, int64_t step = 1) {
  int64_t rank = typeOf(into).getRank();
  SmallVector<int64_t> offsets(rank, 0), strides(rank, 1);
  offsets[dim] = position;
  strides[dim] = step;
  return emitInsert(b, part, into, offsets, strides);
}

/// Concatenates tensors that differ along `dim` only.
static LogicalResult concatenate(AtenOp &op, ArrayRef<Value> parts, int64_t dim) {
  ImplicitLocOpBuilder &b = op.builder();
  Type element = promote(parts, {}, b.getContext());
  SmallVector<int64_t> shape(typeOf(parts.front()).getShape());
  shape[dim] = 0;
  for (Value part : parts) {
    SmallVector<int64_t> partShape(typeOf(part).getShape());
    if (partShape.size() != shape.size())
      return op.error() << "expected tensors of equal rank, got " << part.getType();
    int64_t size = std::exchange(partShape[dim], 0);
    SmallVector<int64_t> frame(shape);
    frame[dim] = 0;
    if (partShape != frame)
      return op.error() << "expected tensors that differ along dimension " << dim << " only, got "
                        << part.getType();
    shape[dim] += size;
  }
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
    return failure();
  if (parts.size() == 1)
    return op.replaceWith(parts.front());
  Value result = emitEmpty(b, shape, element);
  int64_t position = 0;
  for (Value part : parts) {
    result = insertAt(b, emitCast(b, part, element), result, dim, position);
    position += typeOf(part).getDimSize(dim);
  }
  return op.replaceWith(result);
}

static LogicalResult convertCat(AtenOp &op) {
  SmallVector<Value> parts = op.tensors("tensors");
  // PyTorch skips vectors of no elements, whatever the others' rank is.
  llvm::erase_if(parts, [](Value part) { return typeOf(part).getShape() == ArrayRef<int64_t>{0}; });
  if (llvm::any_of(parts, [](Value part) { return typeOf(part).getNumElements() == 0; }))
    return op.error() << "zero-size dimensions are not supported";
  if (parts.empty() || typeOf(parts.front()).getRank() == 0)
    return op.error() << "expected at least one tensor of rank 1 or more";
  FailureOr<int64_t> dim = op.dim("dim", typeOf(parts.front()).getRank());
  return failed(dim) ? failure() : concatenate(op, parts, *dim);
}

static LogicalResult convertStack(AtenOp &op) {
  SmallVector<Value> parts = op.tensors("tensors");
  if (parts.empty())
    return op.error() << "expected at least one tensor";
  FailureOr<int64_t> dim = op.dim("dim", typeOf(parts.front()).getRank() + 1);
  if (failed(dim))
    return failure();
  for (Value &part : parts) {
    SmallVector<int64_t> shape(typeOf(part).getShape());
    if (static_cast<int64_t>(shape.size()) < *dim)
      return op.error() << "expected tensors of equal rank, got " << part.getType();
    shape.insert(shape.begin() + *dim, 1);
    part = emitReshape(op.builder(), part, shape);
  }
  return concatenate(op, parts, *dim);
}

/// Writes `src` into `into` at a range of one dimension.
static LogicalResult scatterSlice(AtenOp &op, Value src, Value into, const SliceRange &range) {
  RankedTensorType type = typeOf(into);
  SmallVector<int64_t> shape(type.getShape());
  shape[range.dim] = range.length;
  if (typeOf(src).getShape() != ArrayRef<int64_t>(shape) ||
      typeOf(src).getElementType() != type.getElementType())
    return op.error() << "expected a slice of type " << withShape(type, shape) << ", got "
                      << src.getType();
  return op.replaceWith(insertAt(op.builder(), src, into, range.dim, range.start, range.step));
}

static FailureOr<Value> zerosOf(AtenOp &op, StringRef sizeName, Type element) {
  SmallVector<int64_t> sizes = op.integers(sizeName);
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return op.error() << "expected positive sizes in `" << sizeName << "`";
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(sizes)})))
    return failure();
  return emitFill(op.builder(), RankedTensorType::get(sizes, element), 0.0);
}

static LogicalResult convertSliceBackward(AtenOp &op) {
  Value grad = op.tensor("grad_output");
  FailureOr<Value> zeros = zerosOf(op, "input_sizes", typeOf(grad).getElementType());
  if (failed(zeros))
    return failure();
  FailureOr<SliceRange> range = readSlice(op, typeOf(*zeros).getShape());
  return failed(range) ? failure() : scatterSlice(op, grad, *zeros, *range);
}

static LogicalResult convertSliceScatter(AtenOp &op) {
  Value self = op.tensor("self");
  FailureOr<SliceRange> range = readSlice(op, typeOf(self).getShape());
  return failed(range) ? failure() : scatterSlice(op, op.tensor("src"), self, *range);
}

/// Writes `src`, which lacks dimension `dim`, at `index` of it.
static LogicalResult scatterSelect(AtenOp &op, Value src, Value into) {
  RankedTensorType type = typeOf(into);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  if (type.getRank() == 0 || typeOf(src).getRank() + 1 != type.getRank())
    return op.error() << "expected a part of rank one less than " << type << ", got "
                      << src.getType();
  FailureOr<int64_t> index = op.normalizedDim(op.integer("index"), type.getDimSize(*dim), "index");
  if (failed(index))
    return failure();
  SmallVector<int64_t> shape(typeOf(src).getShape());
  shape.insert(shape.begin() + *dim, 1);
  return scatterSlice(op, emitReshape(op.builder(), src, shape), into, {*dim, *index, 1, 1});
}

static LogicalResult convertSelectBackward(AtenOp &op) {
  Value grad = op.tensor("grad_output");
  FailureOr<Value> zeros = zerosOf(op, "input_sizes", typeOf(grad).getElementType());
  return failed(zeros) ? failure() : scatterSelect(op, grad, *zeros);
}

static LogicalResult convertSelectScatter(AtenOp &op) {
  return scatterSelect(op, op.tensor("src"), op.tensor("self"));
}

//===----------------------------------------------------------------------===//
// Permutations of positions
//===----------------------------------------------------------------------===//

static LogicalResult convertFlip(AtenOp &op) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  if (op.integers("dims").empty())
    return op.replaceWith(self);
  FailureOr<SmallVector<int64_t>> dims = op.dims("dims", type.getRank());
  if (failed(dims))
    return failure();
  return op.replaceWith(
      emitGather(op.builder(), self, type.getShape(), [&](Body &b, ValueRange position) {
        SmallVector<Value> source(position.begin(), position.end());
        for (int64_t dim : *dims)
          source[dim] =
              b.call<arith::SubIOp>(b.indexConstant(type.getDimSize(dim) - 1), source[dim]);
        return source;
      }));
}

/// Two slices per rolled dimension, put back in the other order.
static LogicalResult convertRoll(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value value = op.tensor("self");
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shifts = op.integers("shifts"), dims = op.integers("dims");
  bool flat = dims.empty();
  if (flat) {
    value = emitReshape(b, value, {type.getNumElements()});
    dims.push_back(0);
  }
  if (shifts.size() != dims.size())
    return op.error() << "expected as many `shifts` as `dims`";
  for (auto [shift, entry] : llvm::zip_equal(shifts, dims)) {
    RankedTensorType rolled = typeOf(value);
    FailureOr<int64_t> dim = op.normalizedDim(entry, rolled.getRank(), "dims");
    if (failed(dim))
      return failure();
    if (rolled.getRank() == 0)
      continue;
    int64_t size = rolled.getDimSize(*dim);
    int64_t start = ((shift % size) + size) % size;
    if (start == 0)
      continue;
    SmallVector<int64_t> offsets(rolled.getRank(), 0), strides(rolled.getRank(), 1);
    SmallVector<int64_t> sizes(rolled.getShape());
    sizes[*dim] = size - start;
    Value head = emitSlice(b, value, offsets, sizes, strides);
    offsets[*dim] = size - start;
    sizes[*dim] = start;
    Value tail = emitSlice(b, value, offsets, sizes, strides);
    Value result = emitEmpty(b, rolled.getShape(), rolled.getElementType());
    result = insertAt(b, tail, result, *dim, 0);
    value = insertAt(b, head, result, *dim, start);
  }
  return op.replaceWith(emitReshape(b, value, type.getShape()));
}

static LogicalResult convertRepeat(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  SmallVector<int64_t> shape(typeOf(self).getShape()), repeats = op.integers("repeats");
  if (repeats.size() < shape.size() || llvm::any_of(repeats, [](int64_t r) { return r <= 0; }))
    return op.error() << "expected at least " << shape.size() << " positive `repeats`";
  shape.insert(shape.begin(), repeats.size() - shape.size(), 1);
  // Each dimension becomes (repeats, size), of which the first is broadcast.
  SmallVector<int64_t> paired, expanded, result;
  for (auto [count, size] : llvm::zip_equal(repeats, shape)) {
    llvm::append_values(paired, 1, size);
    llvm::append_values(expanded, count, size);
  }
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(expanded)})))
    return failure();
  for (auto [count, size] : llvm::zip_equal(repeats, shape))
    result.push_back(count * size);
  Value value = emitBroadcast(b, emitReshape(b, self, paired), expanded);
  return op.replaceWith(emitReshape(b, value, result));
}

/// [.., C*r*r, H, W] to [.., C, H*r, W*r], or back.
static LogicalResult convertPixelShuffle(AtenOp &op, bool forward) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  int64_t r = op.integer(forward ? "upscale_factor" : "downscale_factor"), rank = type.getRank();
  if (rank < 3 || r <= 0 || r > (1 << 20))
    return op.error() << "expected `self` of rank 3 at least and a positive factor";
  ArrayRef<int64_t> shape = type.getShape();
  int64_t c = shape[rank - 3], h = shape[rank - 2], w = shape[rank - 1];
  if (forward ? c % (r * r) != 0 : (h % r != 0 || w % r != 0))
    return op.error() << "the factor " << r << " does not divide " << type;
  int64_t outer = countOf(shape.drop_back(3));
  SmallVector<int64_t> result(shape.drop_back(3));
  if (forward) {
    llvm::append_values(result, c / (r * r), h * r, w * r);
    self = emitReshape(b, self, {outer, c / (r * r), r, r, h, w});
    self = emitTranspose(b, self, {0, 1, 4, 2, 5, 3});
  } else {
    llvm::append_values(result, c * r * r, h / r, w / r);
    self = emitReshape(b, self, {outer, c, h / r, r, w / r, r});
    self = emitTranspose(b, self, {0, 1, 3, 5, 2, 4});
  }
  return op.replaceWith(emitReshape(b, self, result));
}

/// Keeps what is on one side of a diagonal of the last two dimensions.
static LogicalResult convertTriangle(AtenOp &op, bool lower) {
  RankedTensorType type = typeOf(op.tensor("self"));
  int64_t rank = type.getRank(), diagonal = op.integer("diagonal");
  if (rank < 2)
    return op.error() << "expected `self` of rank 2 at least, got " << type;
  diagonal = std::clamp<int64_t>(diagonal, -(int64_t(1) << 50), int64_t(1) << 50);
  return op.replaceWith(
      emitElementwise(op.builder(), type, op.tensor("self"), nullptr, [&](Body &b, ValueRange a) {
        Value limit = b.call<arith::AddIOp>(b.index(rank - 2), b.indexConstant(diagonal));
        Value kept =
            b.call<arith::CmpIOp>(lower ? arith::CmpIPredicate::sle : arith::CmpIPredicate::sge,
                                  b.index(rank - 1), limit);
        return b.select(kept, a[0], b.like(a[0], 0));
      }));
}

void mlir::abn::aten::addReshuffles(Registry &r) {
  r.add("cat(Tensor[] tensors, int dim) -> Tensor", convertCat, /*allowEmptyTensors=*/true);
  r.add("stack(Tensor[] tensors, int dim) -> Tensor", convertStack);
  r.add("slice_backward(Tensor grad_output, int[] input_sizes, int dim, int start, int end, "
        "int step) -> Tensor",
        convertSliceBackward);
  r.add("slice_scatter(Tensor self, Tensor src, int dim, int? start, int? end, int step) -> Tensor",
        convertSliceScatter);
  r.add("select_backward(Tensor grad_output, int[] input_sizes, int dim, int index) -> Tensor",
        convertSelectBackward);
  r.add("select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor",
        convertSelectScatter);
  r.add("flip(Tensor self, int[] dims) -> Tensor", convertFlip);
  r.add("roll(Tensor self, int[] shifts, int[] dims) -> Tensor", convertRoll);
  r.add("repeat(Tensor self, int[] repeats) -> Tensor", convertRepeat);
  r.add("pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
        [](AtenOp &op) { return convertPixelShuffle(op, true); });
  r.add("pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor",
        [](AtenOp &op) { return convertPixelShuffle(op, false); });
  r.add("tril(Tensor self, int diagonal) -> Tensor",
        [](AtenOp &op) { return convertTriangle(op, /*lower=*/true); });
  r.add("triu(Tensor self, int diagonal) -> Tensor",
        [](AtenOp &op) { return convertTriangle(op, /*lower=*/false); });
}
