// Sliding windows as tensors: unfold, im2col and their adjoints.
#include "Promotion.h"
#include "Registry.h"
#include "dnn/DnnDialect.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// Sliding windows along one dimension, their positions in a new last one.
static LogicalResult convertUnfold(AtenOp &op) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dimension", type.getRank());
  if (failed(dim))
    return failure();
  int64_t size = op.integer("size"), step = op.integer("step");
  int64_t extent = type.getRank() ? type.getDimSize(*dim) : 0;
  if (size <= 0 || step <= 0 || size > extent)
    return op.error() << "expected windows within dimension " << *dim << " of " << type;
  SmallVector<int64_t> shape(type.getShape());
  shape[*dim] = (extent - size) / step + 1;
  shape.push_back(size);
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
    return failure();
  return op.replaceWith(emitElementwise(
      op.builder(), withShape(type, shape), {}, nullptr, [&](Body &body, ValueRange) {
        SmallVector<Value> position;
        for (int64_t i = 0; i < type.getRank(); ++i)
          position.push_back(body.index(i));
        Value first = body.call<arith::MulIOp>(position[*dim], body.indexConstant(step));
        position[*dim] = body.call<arith::AddIOp>(first, body.index(type.getRank()));
        return body.extract(self, position);
      }));
}

/// The adjoint: windows and positions within them make one axis, which is summed into the old one.
static LogicalResult convertUnfoldBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value grad = op.tensor("grad_in");
  SmallVector<int64_t> sizes = op.integers("input_sizes"), windows(sizes);
  if (llvm::any_of(sizes, [](int64_t s) { return s <= 0; }) || sizes.empty() ||
      failed(broadcastShapes(op, {ArrayRef<int64_t>(sizes)})))
    return op.error() << "expected positive `input_sizes`";
  FailureOr<int64_t> dim = op.dim("dim", sizes.size());
  if (failed(dim))
    return failure();
  int64_t size = op.integer("size"), step = op.integer("step"), extent = sizes[*dim];
  if (size <= 0 || step <= 0 || size > extent)
    return op.error() << "expected windows within dimension " << *dim;
  windows[*dim] = (extent - size) / step + 1;
  windows.push_back(size);
  if (failed(op.expectShape("grad_in", windows)))
    return failure();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  order.insert(order.begin() + *dim + 1, sizes.size());
  SmallVector<int64_t> merged(sizes);
  merged[*dim] = windows[*dim] * size;
  Value flat = emitReshape(b, emitTranspose(b, grad, order), merged);
  Type element = typeOf(grad).getElementType();
  Value sum =
      emitAxisSum(b, flat, *dim, extent, computeTypeOf(element),
                  [&](Body &body, Value x, Value position, Value entry) {
                    Value width = body.indexConstant(size);
                    Value window = body.call<arith::DivSIOp>(entry, width);
                    Value first = body.call<arith::MulIOp>(window, body.indexConstant(step));
                    Value inside = body.call<arith::RemSIOp>(entry, width);
                    return whereEqual(body, x, position, body.call<arith::AddIOp>(first, inside));
                  });
  return op.replaceWith(emitCast(b, sum, element));
}

//===----------------------------------------------------------------------===//
// im2col
//===----------------------------------------------------------------------===//

namespace {
/// The windows of a 2-D convolution: [N, C, kh, kw, oh, ow].
struct Columns {
  SmallVector<int64_t> kernel, dilation, padding, stride;
  SmallVector<int64_t> shape;
};
} // namespace

/// Reads the windows of an image of `image` = [N, C, H, W].
static FailureOr<Columns> readColumns(AtenOp &op, ArrayRef<int64_t> image) {
  Columns columns;
  dnn::ConvolutionParams params;
  const std::pair<StringRef, SmallVector<int64_t> *> lists[] = {{"kernel_size", &columns.kernel},
                                                                {"dilation", &params.dilations},
                                                                {"padding", &params.paddingLow},
                                                                {"stride", &params.strides}};
  for (auto [name, into] : lists) {
    FailureOr<SmallVector<int64_t>> values = op.expanded(name, 2);
    if (failed(values))
      return failure();
    *into = *values;
  }
  params.paddingHigh = params.paddingLow;
  // A convolution with one filter of that size has the windows' arrangement, and its checks.
  SmallVector<int64_t> filter = {1, image[1], columns.kernel[0], columns.kernel[1]};
  FailureOr<SmallVector<int64_t>> out =
      dnn::inferConvolutionShape(image, filter, params, [&] { return op.error(); });
  if (failed(out))
    return failure();
  columns.dilation = params.dilations;
  columns.padding = params.paddingLow;
  columns.stride = params.strides;
  columns.shape = {image[0], image[1], columns.kernel[0], columns.kernel[1], (*out)[2], (*out)[3]};
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(columns.shape)})))
    return failure();
  return columns;
}

/// The image's position along an axis that window `o` reads at its position `k`.
static Value imagePosition(Body &b, const Columns &columns, int axis, Value o, Value k) {
  Value first = b.call<arith::MulIOp>(o, b.indexConstant(columns.stride[axis]));
  Value within = b.call<arith::MulIOp>(k, b.indexConstant(columns.dilation[axis]));
  Value position = b.call<arith::AddIOp>(first, within);
  return b.call<arith::SubIOp>(position, b.indexConstant(columns.padding[axis]));
}

static SmallVector<int64_t> withBatch(ArrayRef<int64_t> shape, size_t rank) {
  SmallVector<int64_t> result(shape);
  if (result.size() + 1 == rank)
    result.insert(result.begin(), 1);
  return result;
}

static LogicalResult convertIm2col(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(op.tensor("self"));
  SmallVector<int64_t> image = withBatch(type.getShape(), 4);
  if (image.size() != 4)
    return op.error() << "expected `self` of rank 3 or 4, got " << type;
  FailureOr<Columns> columns = readColumns(op, image);
  if (failed(columns))
    return failure();
  Value self = emitReshape(b, op.tensor("self"), image);
  Value windows =
      emitElementwise(b, withShape(type, columns->shape), {}, nullptr, [&](Body &body, ValueRange) {
        SmallVector<Value> position = {body.index(0), body.index(1)};
        Value inside;
        for (int axis : {0, 1}) {
          Value p = imagePosition(body, *columns, axis, body.index(4 + axis), body.index(2 + axis));
          Value zero = body.indexConstant(0), last = body.indexConstant(image[2 + axis] - 1);
          Value clamped =
              body.call<arith::MaxSIOp>(zero, Value(body.call<arith::MinSIOp>(p, last)));
          Value same = body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, p, clamped);
          inside = inside ? body.both(inside, same) : same;
          position.push_back(clamped);
        }
        Value value = body.extract(self, position);
        return body.select(inside, value, body.like(value, 0));
      });
  ArrayRef<int64_t> s = columns->shape;
  SmallVector<int64_t> result = {s[0], s[1] * s[2] * s[3], s[4] * s[5]};
  if (type.getRank() == 3)
    result.erase(result.begin());
  return op.replaceWith(emitReshape(b, windows, result));
}

/// The adjoint, one axis after the other.
static LogicalResult convertCol2im(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(op.tensor("self"));
  FailureOr<SmallVector<int64_t>> plane = op.expanded("output_size", 2);
  FailureOr<SmallVector<int64_t>> kernel = op.expanded("kernel_size", 2);
  SmallVector<int64_t> shape = withBatch(type.getShape(), 3);
  if (failed(plane) || failed(kernel))
    return failure();
  int64_t area;
  if (shape.size() != 3 || (*kernel)[0] <= 0 || (*kernel)[1] <= 0 ||
      llvm::MulOverflow((*kernel)[0], (*kernel)[1], area) || shape[1] % area)
    return op.error() << "expected columns of rank 2 or 3 of `kernel_size` entries, got " << type;
  SmallVector<int64_t> image = {shape[0], shape[1] / area, (*plane)[0], (*plane)[1]};
  FailureOr<Columns> columns = readColumns(op, image);
  if (failed(columns) || failed(broadcastShapes(op, {ArrayRef<int64_t>(image)})))
    return failure();
  ArrayRef<int64_t> s = columns->shape;
  if (s[4] * s[5] != shape[2])
    return op.error() << "expected " << s[4] * s[5] << " columns, got " << type;
  Value value = emitReshape(b, op.tensor("self"), columns->shape);
  value = emitTranspose(b, value, {0, 1, 2, 4, 3, 5});
  value = emitReshape(b, value, {s[0], s[1], s[2] * s[4], s[3] * s[5]});
  for (int axis : {0, 1})
    value = emitAxisSum(b, value, 2 + axis, image[2 + axis], computeTypeOf(type.getElementType()),
                        [&](Body &body, Value x, Value position, Value entry) {
                          Value count = body.indexConstant(s[4 + axis]);
                          Value k = body.call<arith::DivSIOp>(entry, count);
                          Value o = body.call<arith::RemSIOp>(entry, count);
                          return whereEqual(body, x, position,
                                            imagePosition(body, *columns, axis, o, k));
                        });
  if (type.getRank() == 2)
    image.erase(image.begin());
  return op.replaceWith(emitReshape(b, emitCast(b, value, type.getElementType()), image));
}

void mlir::abn::aten::addWindows(Registry &r) {
  r.add("unfold(Tensor self, int dimension, int size, int step) -> Tensor", convertUnfold);
  r.add("unfold_backward(Tensor grad_in, int[] input_sizes, int dim, int size, int step) -> Tensor",
        convertUnfoldBackward);
  std::string windows = "int[] kernel_size, int[] dilation, int[] padding, int[] stride) -> Tensor";
  r.add("im2col(Tensor self, " + windows, convertIm2col);
  r.add("col2im(Tensor self, int[] output_size, " + windows, convertCol2im);
}
