// Views, and the ops that only copy: in a graph of values both forward, reshape, permute, broadcast
// or slice.
#include "Promotion.h"
#include "Registry.h"
#include "Slice.h"
#include "abn/Import/AtenOps.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::abn::aten;

static LogicalResult forwardSelf(AtenOp &op) { return op.replaceWith(op.tensor("self")); }

/// Resolves one -1 in a size list and checks the element count.
static FailureOr<SmallVector<int64_t>> resolveSizes(AtenOp &op, StringRef name, int64_t count) {
  SmallVector<int64_t> sizes = op.integers(name);
  int64_t known = 1;
  int64_t *inferred = nullptr;
  for (int64_t &size : sizes) {
    if (size == -1 && !inferred) {
      inferred = &size;
      continue;
    }
    if (size <= 0)
      return op.error() << "expected positive sizes and at most one -1 in `" << name << "`";
    if (llvm::MulOverflow(known, size, known))
      return op.error() << "`" << name << "` has too many elements";
  }
  if (inferred && count % known == 0)
    *inferred = count / known;
  else if (inferred || known != count)
    return op.error() << "cannot view " << count << " elements as `" << name << "`";
  return sizes;
}

static LogicalResult convertView(AtenOp &op, StringRef sizeName) {
  Value self = op.tensor("self");
  FailureOr<SmallVector<int64_t>> sizes = resolveSizes(op, sizeName, typeOf(self).getNumElements());
  if (failed(sizes))
    return failure();
  return op.replaceWith(emitReshape(op.builder(), self, *sizes));
}

static LogicalResult convertFlatten(AtenOp &op) {
  Value self = op.tensor("self");
  int64_t rank = typeOf(self).getRank();
  FailureOr<int64_t> start = op.dim("start_dim", rank), end = op.dim("end_dim", rank);
  if (failed(start) || failed(end))
    return failure();
  if (*start > *end)
    return op.error() << "expected `start_dim` not behind `end_dim`";
  ArrayRef<int64_t> shape = typeOf(self).getShape();
  if (rank == 0)
    return op.replaceWith(emitReshape(op.builder(), self, {1}));
  SmallVector<int64_t> sizes(shape.take_front(*start));
  sizes.push_back(countOf(shape.slice(*start, *end - *start + 1)));
  llvm::append_range(sizes, shape.drop_front(*end + 1));
  return op.replaceWith(emitReshape(op.builder(), self, sizes));
}

static LogicalResult convertUnsqueeze(AtenOp &op) {
  Value self = op.tensor("self");
  SmallVector<int64_t> shape(typeOf(self).getShape());
  FailureOr<int64_t> dim = op.dim("dim", shape.size() + 1);
  if (failed(dim))
    return failure();
  shape.insert(shape.begin() + *dim, 1);
  return op.replaceWith(emitReshape(op.builder(), self, shape));
}

/// Drops those of `dims` that are of size 1.
static LogicalResult squeezeDims(AtenOp &op, ArrayRef<int64_t> dims) {
  Value self = op.tensor("self");
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(typeOf(self).getShape()))
    if (size != 1 || !llvm::is_contained(dims, static_cast<int64_t>(i)))
      shape.push_back(size);
  return op.replaceWith(emitReshape(op.builder(), self, shape));
}

static LogicalResult convertSqueeze(AtenOp &op) {
  int64_t rank = typeOf(op.tensor("self")).getRank();
  return squeezeDims(op, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
}

static LogicalResult convertSqueezeDims(AtenOp &op) {
  int64_t rank = typeOf(op.tensor("self")).getRank();
  // An empty list means none here, unlike in reductions.
  if (op.integers("dim").empty())
    return forwardSelf(op);
  FailureOr<SmallVector<int64_t>> dims = op.dims("dim", rank);
  return failed(dims) ? failure() : squeezeDims(op, *dims);
}

static LogicalResult convertTranspose(AtenOp &op) {
  Value self = op.tensor("self");
  int64_t rank = typeOf(self).getRank();
  FailureOr<int64_t> dim0 = op.dim("dim0", rank), dim1 = op.dim("dim1", rank);
  if (failed(dim0) || failed(dim1))
    return failure();
  if (rank == 0)
    return forwardSelf(op);
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(permutation[*dim0], permutation[*dim1]);
  return op.replaceWith(emitTranspose(op.builder(), self, permutation));
}

static LogicalResult convertT(AtenOp &op) {
  Value self = op.tensor("self");
  int64_t rank = typeOf(self).getRank();
  if (rank > 2)
    return op.error() << "expected `self` of rank 2 at most, got " << self.getType();
  if (rank < 2)
    return forwardSelf(op);
  return op.replaceWith(emitTranspose(op.builder(), self, {1, 0}));
}

static LogicalResult convertPermute(AtenOp &op) {
  Value self = op.tensor("self");
  int64_t rank = typeOf(self).getRank();
  SmallVector<int64_t> permutation = op.integers("dims");
  if (static_cast<int64_t>(permutation.size()) != rank)
    return op.error() << "expected " << rank << " entries for `dims`, got " << permutation.size();
  SmallVector<bool> seen(rank, false);
  for (int64_t &entry : permutation) {
    FailureOr<int64_t> dim = op.normalizedDim(entry, rank, "dims");
    if (failed(dim))
      return failure();
    if (std::exchange(seen[*dim], true))
      return op.error() << "expected a permutation for `dims`";
    entry = *dim;
  }
  return op.replaceWith(emitTranspose(op.builder(), self, permutation));
}

static LogicalResult convertExpand(AtenOp &op) {
  Value self = op.tensor("self");
  ArrayRef<int64_t> from = typeOf(self).getShape();
  SmallVector<int64_t> sizes = op.integers("size");
  if (sizes.size() < from.size())
    return op.error() << "expected at least " << from.size() << " entries for `size`";
  for (auto [i, size] : llvm::enumerate(sizes)) {
    int64_t at = static_cast<int64_t>(i) - static_cast<int64_t>(sizes.size() - from.size());
    if (size == -1 && at >= 0)
      size = from[at];
    if (size <= 0)
      return op.error() << "expected positive sizes in `size`, got " << size;
  }
  if (!isBroadcastableTo(from, sizes))
    return op.error() << "cannot expand " << self.getType() << " to `size`";
  FailureOr<SmallVector<int64_t>> checked = broadcastShapes(op, {ArrayRef<int64_t>(sizes)});
  if (failed(checked))
    return failure();
  return op.replaceWith(emitBroadcast(op.builder(), self, sizes));
}

static LogicalResult convertExpandAs(AtenOp &op) {
  ArrayRef<int64_t> to = typeOf(op.tensor("other")).getShape();
  if (!isBroadcastableTo(typeOf(op.tensor("self")).getShape(), to))
    return op.error() << "cannot expand " << op.tensor("self").getType() << " to "
                      << op.tensor("other").getType();
  return op.replaceWith(emitBroadcast(op.builder(), op.tensor("self"), to));
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// Positions [start, start + length*step) of one dimension.
static Value sliceDim(AtenOp &op, Value value, int64_t dim, int64_t start, int64_t length,
                      int64_t step) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  SmallVector<int64_t> sizes(type.getShape());
  offsets[dim] = start;
  sizes[dim] = length;
  strides[dim] = step;
  return emitSlice(op.builder(), value, offsets, sizes, strides);
}

FailureOr<SliceRange> mlir::abn::aten::readSlice(AtenOp &op, ArrayRef<int64_t> shape) {
  FailureOr<int64_t> dim = op.dim("dim", shape.size());
  if (failed(dim))
    return failure();
  if (shape.empty())
    return op.error() << "expected a rank of at least 1";
  int64_t size = shape[*dim], step = op.integer("step");
  if (step <= 0)
    return op.error() << "expected a positive `step`, got " << step;
  auto clamp = [&](int64_t position) {
    if (position < 0)
      position = position < -size ? 0 : position + size;
    return std::min(position, size);
  };
  int64_t start = clamp(op.optionalInteger("start").value_or(0));
  int64_t end = clamp(op.optionalInteger("end").value_or(size));
  if (start >= end)
    return op.error() << "the slice is empty";
  return SliceRange{*dim, start, (end - start - 1) / step + 1, step};
}

static LogicalResult convertSlice(AtenOp &op) {
  Value self = op.tensor("self");
  FailureOr<SliceRange> range = readSlice(op, typeOf(self).getShape());
  if (failed(range))
    return failure();
  return op.replaceWith(sliceDim(op, self, range->dim, range->start, range->length, range->step));
}

static LogicalResult convertNarrow(AtenOp &op) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  int64_t size = type.getRank() ? type.getDimSize(*dim) : 0;
  int64_t start = op.integer("start"), length = op.integer("length");
  if (start < 0 && start >= -size)
    start += size;
  if (start < 0 || length <= 0 || start > size || length > size - start)
    return op.error() << "[" << start << ", +" << length << ") is not within dimension " << *dim
                      << " of " << type;
  return op.replaceWith(sliceDim(op, self, *dim, start, length, 1));
}

static Value selectDim(AtenOp &op, Value value, int64_t dim, int64_t position) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  shape.erase(shape.begin() + dim);
  return emitReshape(op.builder(), sliceDim(op, value, dim, position, 1, 1), shape);
}

static LogicalResult convertSelect(AtenOp &op) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  if (type.getRank() == 0)
    return op.error() << "expected a rank of at least 1";
  FailureOr<int64_t> index = op.normalizedDim(op.integer("index"), type.getDimSize(*dim), "index");
  if (failed(index))
    return failure();
  return op.replaceWith(selectDim(op, self, *dim, *index));
}

/// Cuts dimension `dim` into parts of the given sizes.
static LogicalResult splitInto(AtenOp &op, int64_t dim, ArrayRef<int64_t> parts) {
  Value self = op.tensor("self");
  SmallVector<Value> results;
  int64_t start = 0, size = typeOf(self).getDimSize(dim);
  for (int64_t part : parts) {
    if (part <= 0 || part > size - start)
      return op.error() << "part sizes do not add up to " << size;
    results.push_back(sliceDim(op, self, dim, start, part, 1));
    start += part;
  }
  if (start != size)
    return op.error() << "part sizes add up to " << start << ", expected " << size;
  return op.replaceWith(results);
}

/// Sizes of equal parts, the last one smaller if it does not divide.
static FailureOr<SmallVector<int64_t>> equalParts(AtenOp &op, int64_t size, int64_t part) {
  if (part <= 0)
    return op.error() << "expected a positive part size, got " << part;
  int64_t count = (size - 1) / part + 1;
  if (count != op.getNumResults())
    return op.error() << "expected " << count << " results, got " << op.getNumResults();
  SmallVector<int64_t> parts(count, part);
  parts.back() = size - (count - 1) * part;
  return parts;
}

static LogicalResult convertSplit(AtenOp &op, StringRef partsName) {
  RankedTensorType type = typeOf(op.tensor("self"));
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  if (type.getRank() == 0)
    return op.error() << "expected a rank of at least 1";
  if (partsName == "split_sizes")
    return splitInto(op, *dim, op.integers(partsName));
  int64_t size = type.getDimSize(*dim), part = op.integer(partsName);
  if (partsName == "chunks") {
    if (part <= 0)
      return op.error() << "expected positive `chunks`, got " << part;
    part = (size - 1) / part + 1;
  }
  FailureOr<SmallVector<int64_t>> parts = equalParts(op, size, part);
  return failed(parts) ? failure() : splitInto(op, *dim, *parts);
}

static LogicalResult convertUnbind(AtenOp &op) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  if (type.getRank() == 0 || type.getDimSize(*dim) != op.getNumResults())
    return op.error() << "expected one result per position of dimension " << *dim << " of " << type;
  SmallVector<Value> results;
  for (int64_t i = 0; i < type.getDimSize(*dim); ++i)
    results.push_back(selectDim(op, self, *dim, i));
  return op.replaceWith(results);
}

void mlir::abn::aten::addViews(Registry &r) {
  for (StringRef name : {"alias", "detach", "lift_fresh", "lift_fresh_copy", "clone", "contiguous"})
    r.add((name + "(Tensor self) -> Tensor").str(), forwardSelf);
  for (StringRef name : {"view", "_unsafe_view", "view_copy"})
    r.add((name + "(Tensor self, int[] size) -> Tensor").str(),
          [](AtenOp &op) { return convertView(op, "size"); });
  r.add("reshape(Tensor self, int[] shape) -> Tensor",
        [](AtenOp &op) { return convertView(op, "shape"); });
  r.add("flatten.using_ints(Tensor self, int start_dim, int end_dim) -> Tensor", convertFlatten);
  r.add("unsqueeze(Tensor self, int dim) -> Tensor", convertUnsqueeze);
  r.add("squeeze(Tensor self) -> Tensor", convertSqueeze);
  r.add("squeeze.dim(Tensor self, int dim) -> Tensor", convertSqueezeDims);
  r.add("squeeze.dims(Tensor self, int[] dim) -> Tensor", convertSqueezeDims);
  r.add("t(Tensor self) -> Tensor", convertT);
  r.add("transpose.int(Tensor self, int dim0, int dim1) -> Tensor", convertTranspose);
  r.add("permute(Tensor self, int[] dims) -> Tensor", convertPermute);
  r.add("expand(Tensor self, int[] size) -> Tensor", convertExpand);
  r.add("expand_as(Tensor self, Tensor other) -> Tensor", convertExpandAs);
  r.add("slice.Tensor(Tensor self, int dim, int? start, int? end, int step) -> Tensor",
        convertSlice);
  r.add("narrow(Tensor self, int dim, int start, int length) -> Tensor", convertNarrow);
  r.add("select.int(Tensor self, int dim, int index) -> Tensor", convertSelect);
  r.add("split.Tensor(Tensor self, int split_size, int dim) -> Tensor[]",
        [](AtenOp &op) { return convertSplit(op, "split_size"); });
  r.add("split_with_sizes(Tensor self, int[] split_sizes, int dim) -> Tensor[]",
        [](AtenOp &op) { return convertSplit(op, "split_sizes"); });
  r.add("chunk(Tensor self, int chunks, int dim) -> Tensor[]",
        [](AtenOp &op) { return convertSplit(op, "chunks"); });
  r.add("unbind.int(Tensor self, int dim) -> Tensor[]", convertUnbind);
}

bool mlir::abn::isAtenView(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (!name.consume_front("aten."))
    return false;
  static const llvm::StringSet<> views = {
      "alias",  "detach",    "lift_fresh", "lift_fresh_copy", "clone",   "contiguous",
      "view",   "reshape",   "view_copy",  "_unsafe_view",    "flatten", "unsqueeze",
      "t",      "transpose", "squeeze",    "_reshape_alias",  "permute", "expand",
      "slice",  "expand_as", "narrow",     "select",          "split",   "split_with_sizes",
      "unbind", "chunk",     "as_strided", "unfold",          "diagonal"};
  return views.contains(name.take_until([](char c) { return c == '.'; }));
}
