// as_strided and its scatter. The strides address the tensor's storage; in a graph of values that
// is taken to be its elements in row-major order, as it is for the fresh tensors on which
// frameworks use it.
#include "Promotion.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
struct StridedView {
  SmallVector<int64_t> sizes, strides;
  int64_t offset = 0;
};
} // namespace

/// Reads the view of a storage of `count` elements; every position must lie within it.
static FailureOr<StridedView> readStrided(AtenOp &op, int64_t count) {
  StridedView view;
  view.sizes = op.integers("size");
  view.strides = op.integers("stride");
  view.offset = op.optionalInteger("storage_offset").value_or(0);
  if (view.sizes.size() != view.strides.size())
    return op.error() << "expected as many entries in `stride` as in `size`";
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(view.sizes)})))
    return failure();
  int64_t last = view.offset;
  for (auto [size, stride] : llvm::zip_equal(view.sizes, view.strides)) {
    int64_t reach;
    if (size <= 0 || stride < 0 || llvm::MulOverflow(size - 1, stride, reach) ||
        llvm::AddOverflow(last, reach, last))
      return op.error() << "expected positive sizes and strides that are not negative";
  }
  if (view.offset < 0 || last >= count)
    return op.error() << "the view reaches beyond the " << count << " elements of `self`";
  return view;
}

/// If the view names each of `count` elements once, the view's dimensions in the order of their
/// strides, largest first; dimensions of size 1 come last.
static std::optional<SmallVector<int64_t>> denseOrder(const StridedView &view, int64_t count) {
  SmallVector<int64_t> order;
  for (auto [i, size] : llvm::enumerate(view.sizes))
    if (size != 1)
      order.push_back(i);
  llvm::sort(order, [&](int64_t x, int64_t y) {
    return std::make_pair(-view.strides[x], x) < std::make_pair(-view.strides[y], y);
  });
  int64_t expected = count;
  for (int64_t dim : order) {
    if (expected % view.sizes[dim] || view.strides[dim] != expected / view.sizes[dim])
      return std::nullopt;
    expected /= view.sizes[dim];
  }
  if (expected != 1 || view.offset != 0)
    return std::nullopt;
  for (auto [i, size] : llvm::enumerate(view.sizes))
    if (size == 1)
      order.push_back(i);
  return order;
}

static SmallVector<int64_t> permuted(ArrayRef<int64_t> values, ArrayRef<int64_t> order) {
  return llvm::map_to_vector(order, [&](int64_t i) { return values[i]; });
}

static SmallVector<int64_t> inverse(ArrayRef<int64_t> order) {
  SmallVector<int64_t> result(order.size());
  for (auto [i, dim] : llvm::enumerate(order))
    result[dim] = i;
  return result;
}

static LogicalResult convertAsStrided(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  int64_t count = type.getNumElements();
  FailureOr<StridedView> view = readStrided(op, count);
  if (failed(view))
    return failure();
  if (std::optional<SmallVector<int64_t>> order = denseOrder(*view, count)) {
    Value ordered = emitReshape(b, self, permuted(view->sizes, *order));
    return op.replaceWith(emitTranspose(b, ordered, inverse(*order)));
  }
  Value flat = emitReshape(b, self, {count});
  return op.replaceWith(
      emitElementwise(b, withShape(type, view->sizes), {}, nullptr, [&](Body &body, ValueRange) {
        Value position = body.indexConstant(view->offset);
        for (auto [i, stride] : llvm::enumerate(view->strides))
          position = body.call<arith::AddIOp>(
              position, Value(body.call<arith::MulIOp>(body.index(i), body.indexConstant(stride))));
        return body.extract(flat, position);
      }));
}

static LogicalResult convertAsStridedScatter(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(op.tensor("self"));
  Value src = op.tensor("src");
  FailureOr<StridedView> view = readStrided(op, type.getNumElements());
  if (failed(view))
    return failure();
  if (src.getType() != withShape(type, view->sizes))
    return op.error() << "expected `src` of type " << withShape(type, view->sizes) << ", got "
                      << src.getType();
  std::optional<SmallVector<int64_t>> order = denseOrder(*view, type.getNumElements());
  if (!order)
    return op.error() << "is supported only where the view names each element of `self` once";
  return op.replaceWith(emitReshape(b, emitTranspose(b, src, *order), type.getShape()));
}

void mlir::abn::aten::addStrided(Registry &r) {
  r.add("as_strided(Tensor self, int[] size, int[] stride, int? storage_offset) -> Tensor",
        convertAsStrided);
  r.add("as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, "
        "int? storage_offset) -> Tensor",
        convertAsStridedScatter);
}
