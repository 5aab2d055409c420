// Convolutions as dnn's three. The derivative of a convolution for its input is one of the output
// gradient, spread by the strides, with the flipped filter; for its filter, one of the input whose
// window is the output gradient, batch and features exchanged. With forward strides S, dilations D,
// filter sizes K, input sizes N, output sizes O:
//   input gradient:   lhs_dilation S, rhs_dilation D, low = D(K-1) - padding_low
//   weight gradient:  rhs_dilation S, window_strides D, low = padding_low
// The forward's high padding is what makes O windows fit; where the last positions of the input are
// never read it is 0.
#include "Convolution.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::abn::hlo;
using dnn::Layout;

static bool allOnes(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t v) { return v == 1; });
}

/// Whether dnn has the element type and the number of dimensions.
static bool fitsDnn(HloOp &op, const Convolution &conv) {
  return isa<FloatType>(op.resultType().getElementType()) && conv.numSpatial() >= 1 &&
         conv.numSpatial() <= 3;
}

/// The order of dimensions that dnn wants: `lead` is the batch or the filters.
static SmallVector<int64_t> orderOf(Layout layout, int64_t lead, int64_t channels,
                                    ArrayRef<int64_t> spatial) {
  SmallVector<int64_t> order = {lead};
  if (layout == Layout::ChannelsFirst)
    order.push_back(channels);
  llvm::append_range(order, spatial);
  if (layout == Layout::ChannelsLast)
    order.push_back(channels);
  return order;
}

/// The layout that needs no transpose of the large operand, if there is one.
static Layout layoutOf(int64_t lead, int64_t channels, ArrayRef<int64_t> spatial) {
  bool first = llvm::is_sorted(orderOf(Layout::ChannelsFirst, lead, channels, spatial));
  return first ? Layout::ChannelsFirst : Layout::ChannelsLast;
}

/// dnn's result in the order of the op's.
static Value arrangeResult(HloOp &op, Value result, ArrayRef<int64_t> order) {
  return emitTranspose(op.builder(), result, invertPermutationVector(order));
}

static SmallVector<OpFoldResult> resultSizes(HloOp &op, ArrayRef<int64_t> order) {
  return llvm::map_to_vector(order, [&](int64_t dim) -> OpFoldResult {
    return op.builder().getIndexAttr(op.resultType().getDimSize(dim));
  });
}

/// Negative padding crops; a convolution of dnn pads only.
static Value cropInput(HloOp &op, Value input, const Convolution &conv, dnn::ConvolutionParams &p) {
  SmallVector<int64_t> offsets(typeOf(input).getRank(), 0), sizes(typeOf(input).getShape());
  for (auto [i, dim] : llvm::enumerate(conv.dims.input.spatial)) {
    offsets[dim] = std::max<int64_t>(-p.paddingLow[i], 0);
    sizes[dim] -= offsets[dim] + std::max<int64_t>(-p.paddingHigh[i], 0);
    if (sizes[dim] < 1)
      return {};
    p.paddingLow[i] = std::max<int64_t>(p.paddingLow[i], 0);
    p.paddingHigh[i] = std::max<int64_t>(p.paddingHigh[i], 0);
  }
  return emitSlice(op.builder(), input, offsets, sizes, SmallVector<int64_t>(sizes.size(), 1));
}

Value mlir::abn::hlo::raiseForward(HloOp &op, const Convolution &conv) {
  if (!fitsDnn(op, conv) || conv.batchGroups != 1 || !allOnes(conv.inputDilations))
    return {};
  ImplicitLocOpBuilder &b = op.builder();
  const ConvolutionDims &d = conv.dims;
  dnn::ConvolutionParams p;
  p.layout = layoutOf(d.input.first, d.input.second, d.input.spatial);
  p.strides = conv.strides;
  p.paddingLow = conv.low;
  p.paddingHigh = conv.high;
  p.dilations = conv.filterDilations;
  p.groups = conv.featureGroups;
  Value input = cropInput(op, conv.input, conv, p);
  if (!input)
    return {};
  input =
      emitTranspose(b, input, orderOf(p.layout, d.input.first, d.input.second, d.input.spatial));
  Value filter = conv.flipped ? emitFlip(op, conv.filter, d.filter) : conv.filter;
  filter = emitTranspose(b, filter,
                         orderOf(p.layout, d.filter.second, d.filter.first, d.filter.spatial));
  auto result = dnn::createConvolution(b, b.getLoc(), input, filter, Value(), p);
  if (failed(result))
    return {};
  return arrangeResult(op, *result,
                       orderOf(p.layout, d.output.first, d.output.second, d.output.spatial));
}

/// The high padding with which `input` positions give exactly `output` windows; none if there is no
/// such padding.
static std::optional<int64_t> highPadding(int64_t input, int64_t output, int64_t stride,
                                          int64_t extent, int64_t low) {
  int64_t high = std::max<int64_t>((output - 1) * stride + extent - input - low, 0);
  int64_t padded = input + low + high;
  bool fits = low >= 0 && padded >= extent && (padded - extent) / stride + 1 == output;
  return fits ? std::optional(high) : std::nullopt;
}

/// The forward's filter in the layout's order, from that of its transposed convolution, which has
/// the features of one group in front and the channels of all groups behind.
static Value forwardFilter(HloOp &op, const Convolution &conv, Layout layout) {
  ImplicitLocOpBuilder &b = op.builder();
  Value filter = conv.flipped ? conv.filter : emitFlip(op, conv.filter, conv.dims.filter);
  const ConvolutionLayout &l = conv.dims.filter;
  int64_t groups = conv.featureGroups;
  if (groups == 1)
    return emitTranspose(b, filter, orderOf(layout, l.first, l.second, l.spatial));
  filter = emitTranspose(b, filter, orderOf(Layout::ChannelsFirst, l.first, l.second, l.spatial));
  SmallVector<int64_t> merged(typeOf(filter).getShape()), split(merged);
  split[1] /= groups;
  split.insert(split.begin() + 1, groups);
  filter = emitReshape(b, filter, split);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, split.size()));
  std::swap(order[0], order[1]);
  filter = emitTranspose(b, filter, order);
  merged[0] *= groups;
  merged[1] /= groups;
  filter = emitReshape(b, filter, merged);
  SmallVector<int64_t> spatial = llvm::to_vector(llvm::seq<int64_t>(2, merged.size()));
  return emitTranspose(b, filter, orderOf(layout, 0, 1, spatial));
}

Value mlir::abn::hlo::raiseInputGrad(HloOp &op, const Convolution &conv) {
  if (!fitsDnn(op, conv) || conv.batchGroups != 1 || !allOnes(conv.strides) ||
      !(conv.flipped || !allOnes(conv.inputDilations)))
    return {};
  ImplicitLocOpBuilder &b = op.builder();
  const ConvolutionDims &d = conv.dims;
  dnn::ConvolutionParams p;
  p.layout = layoutOf(d.input.first, d.input.second, d.input.spatial);
  p.strides = conv.inputDilations;
  p.dilations = conv.filterDilations;
  p.groups = conv.featureGroups;
  for (size_t i = 0; i < conv.numSpatial(); ++i) {
    int64_t reach = p.dilations[i] * (typeOf(conv.filter).getDimSize(d.filter.spatial[i]) - 1);
    int64_t low = reach - conv.low[i];
    auto high = highPadding(op.resultType().getDimSize(d.output.spatial[i]),
                            typeOf(conv.input).getDimSize(d.input.spatial[i]), p.strides[i],
                            reach + 1, low);
    if (!high)
      return {};
    p.paddingLow.push_back(low);
    p.paddingHigh.push_back(*high);
  }
  SmallVector<int64_t> inOrder = orderOf(p.layout, d.input.first, d.input.second, d.input.spatial);
  SmallVector<int64_t> outOrder =
      orderOf(p.layout, d.output.first, d.output.second, d.output.spatial);
  Value grad = emitTranspose(b, conv.input, inOrder);
  Value filter = forwardFilter(op, conv, p.layout);
  Value result =
      dnn::createConvolutionInputGrad(b, b.getLoc(), grad, filter, resultSizes(op, outOrder), p);
  return arrangeResult(op, result, outOrder);
}

Value mlir::abn::hlo::raiseWeightGrad(HloOp &op, const Convolution &conv) {
  const ConvolutionDims &d = conv.dims;
  // Batch in front is how networks are written; there it is what the gradient sums over.
  if (!fitsDnn(op, conv) || conv.featureGroups != 1 || !allOnes(conv.inputDilations) ||
      conv.flipped || d.input.second != 0 || d.filter.first != 0)
    return {};
  ImplicitLocOpBuilder &b = op.builder();
  dnn::ConvolutionParams p;
  p.layout = layoutOf(d.input.second, d.input.first, d.input.spatial);
  p.strides = conv.filterDilations;
  p.dilations = conv.strides;
  p.groups = conv.batchGroups;
  p.paddingLow = conv.low;
  p.paddingHigh.assign(conv.numSpatial(), 0);
  Value input = cropInput(op, conv.input, conv, p);
  if (!input)
    return {};
  for (size_t i = 0; i < conv.numSpatial(); ++i) {
    int64_t reach = p.dilations[i] * (op.resultType().getDimSize(d.output.spatial[i]) - 1);
    auto high = highPadding(typeOf(input).getDimSize(d.input.spatial[i]),
                            typeOf(conv.filter).getDimSize(d.filter.spatial[i]), p.strides[i],
                            reach + 1, p.paddingLow[i]);
    if (!high)
      return {};
    p.paddingHigh[i] = *high;
  }
  input =
      emitTranspose(b, input, orderOf(p.layout, d.input.second, d.input.first, d.input.spatial));
  Value grad = emitTranspose(b, conv.filter,
                             orderOf(p.layout, d.filter.first, d.filter.second, d.filter.spatial));
  SmallVector<int64_t> order = orderOf(p.layout, d.output.second, d.output.first, d.output.spatial);
  Value result =
      dnn::createConvolutionWeightGrad(b, b.getLoc(), grad, input, resultSizes(op, order), p);
  return arrangeResult(op, result, order);
}
