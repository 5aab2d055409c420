// Shape inference of convolutions and pools. Sizes and attributes are bounded by 2^31 - 1 first, so
// that no sum or product below can overflow.
#include "dnn/DnnDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dnn;

static constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
static constexpr int64_t kMinRank = 3, kMaxRank = 5;

/// c3: a full-size shape's rank.
static LogicalResult checkRank(StringRef name, int64_t rank, EmitError emitError) {
  if (rank >= kMinRank && rank <= kMaxRank)
    return success();
  return emitError() << "expected rank 3 to 5 for the " << name << ", got " << rank << " (c3)";
}

/// c5: static sizes are positive and not absurd.
static LogicalResult checkSizes(StringRef name, ArrayRef<int64_t> shape, EmitError emitError) {
  for (auto [i, size] : llvm::enumerate(shape))
    if (!ShapedType::isDynamic(size) && (size < 1 || size > kMax))
      return emitError() << "expected sizes from 1 to 2^31 - 1 for the " << name << ", got " << size
                         << " in dimension " << i << " (c5)";
  return success();
}

/// c3, c4: an array attribute's length and its entries' range.
static LogicalResult checkArray(StringRef name, ArrayRef<int64_t> values, int64_t spatialRank,
                                int64_t min, EmitError emitError) {
  if (static_cast<int64_t>(values.size()) != spatialRank)
    return emitError() << "expected " << spatialRank << " entries in `" << name << "`, got "
                       << values.size() << " (c3)";
  for (int64_t value : values)
    if (value < min || value > kMax)
      return emitError() << "expected entries of `" << name << "` from " << min
                         << " to 2^31 - 1, got " << value << " (c4)";
  return success();
}

static LogicalResult checkConvolutionParams(const ConvolutionParams &p, int64_t spatialRank,
                                            EmitError emitError) {
  if (failed(checkArray("strides", p.strides, spatialRank, 1, emitError)) ||
      failed(checkArray("padding_low", p.paddingLow, spatialRank, 0, emitError)) ||
      failed(checkArray("padding_high", p.paddingHigh, spatialRank, 0, emitError)) ||
      failed(checkArray("dilations", p.dilations, spatialRank, 1, emitError)))
    return failure();
  if (p.groups < 1 || p.groups > kMax)
    return emitError() << "expected `groups` from 1 to 2^31 - 1, got " << p.groups << " (c7)";
  return success();
}

/// What convolutions and transposed convolutions check of two operands and the attributes.
static LogicalResult checkConvolution(StringRef name, ArrayRef<int64_t> full,
                                      ArrayRef<int64_t> filter, const ConvolutionParams &p,
                                      EmitError emitError) {
  int64_t rank = full.size();
  if (failed(checkRank(name, rank, emitError)))
    return failure();
  if (filter.size() != full.size())
    return emitError() << "expected rank " << rank << " for the filter, got " << filter.size()
                       << " (c3)";
  if (failed(checkConvolutionParams(p, rank - 2, emitError)) ||
      failed(checkSizes(name, full, emitError)) || failed(checkSizes("filter", filter, emitError)))
    return failure();
  if (!ShapedType::isDynamic(filter[0]) && filter[0] % p.groups != 0)
    return emitError() << "expected `groups` to divide the " << filter[0] << " filters, got "
                       << p.groups << " (c7)";
  return success();
}

FailureOr<SmallVector<int64_t>> mlir::dnn::inferConvolutionShape(ArrayRef<int64_t> input,
                                                                 ArrayRef<int64_t> filter,
                                                                 const ConvolutionParams &params,
                                                                 EmitError emitError) {
  if (failed(checkConvolution("input", input, filter, params, emitError)))
    return failure();
  int64_t rank = input.size();
  int64_t channelDim = getChannelDim(params.layout, rank);
  int64_t channels = input[channelDim], groupChannels = filter[channelDim];
  if (!ShapedType::isDynamic(channels) && channels % params.groups != 0)
    return emitError() << "expected `groups` to divide the " << channels
                       << " channels of the input, got " << params.groups << " (c7)";
  if (!ShapedType::isDynamic(channels) && !ShapedType::isDynamic(groupChannels) &&
      channels / params.groups != groupChannels)
    return emitError() << "expected " << channels / params.groups
                       << " channels per group in the filter, got " << groupChannels << " (c7)";

  SmallVector<int64_t> output(rank, ShapedType::kDynamic);
  output[0] = input[0];
  output[channelDim] = filter[0];
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (ShapedType::isDynamic(input[dim]) || ShapedType::isDynamic(filter[dim]))
      continue;
    int64_t extent = params.dilations[i] * (filter[dim] - 1) + 1;
    int64_t padded = input[dim] + params.paddingLow[i] + params.paddingHigh[i];
    if (padded < extent)
      return emitError() << "expected a padded input of at least the filter's extent " << extent
                         << " in spatial dimension " << i << ", got " << padded << " (c8)";
    output[dim] = (padded - extent) / params.strides[i] + 1;
  }
  return output;
}

FailureOr<SmallVector<int64_t>>
mlir::dnn::inferTransposedConvolutionShape(ArrayRef<int64_t> outputGrad, ArrayRef<int64_t> filter,
                                           ArrayRef<int64_t> outputPadding,
                                           const ConvolutionParams &params, EmitError emitError) {
  if (failed(checkConvolution("output gradient", outputGrad, filter, params, emitError)))
    return failure();
  int64_t rank = outputGrad.size();
  if (failed(checkArray("output_padding", outputPadding, rank - 2, 0, emitError)))
    return failure();
  int64_t channelDim = getChannelDim(params.layout, rank);
  if (!ShapedType::isDynamic(outputGrad[channelDim]) && !ShapedType::isDynamic(filter[0]) &&
      outputGrad[channelDim] != filter[0])
    return emitError() << "expected " << filter[0] << " channels in the output gradient, got "
                       << outputGrad[channelDim] << " (c7)";

  SmallVector<int64_t> input(rank, ShapedType::kDynamic);
  input[0] = outputGrad[0];
  if (!ShapedType::isDynamic(filter[channelDim]))
    input[channelDim] = filter[channelDim] * params.groups;
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (ShapedType::isDynamic(outputGrad[dim]) || ShapedType::isDynamic(filter[dim]))
      continue;
    int64_t extent = params.dilations[i] * (filter[dim] - 1) + 1;
    int64_t size = (outputGrad[dim] - 1) * params.strides[i] + extent + outputPadding[i] -
                   params.paddingLow[i] - params.paddingHigh[i];
    if (size < 1)
      return emitError() << "expected a result of at least 1 in spatial dimension " << i << ", got "
                         << size << " (c8)";
    input[dim] = size;
  }
  return input;
}

FailureOr<SmallVector<int64_t>> mlir::dnn::inferPoolShape(ArrayRef<int64_t> input,
                                                          const PoolParams &params, bool ceilMode,
                                                          EmitError emitError) {
  int64_t rank = input.size();
  if (failed(checkRank("input", rank, emitError)) || failed(checkSizes("input", input, emitError)))
    return failure();
  if (failed(checkArray("kernel_size", params.kernelSize, rank - 2, 1, emitError)) ||
      failed(checkArray("strides", params.strides, rank - 2, 1, emitError)) ||
      failed(checkArray("padding_low", params.paddingLow, rank - 2, 0, emitError)) ||
      failed(checkArray("padding_high", params.paddingHigh, rank - 2, 0, emitError)) ||
      failed(checkArray("dilations", params.dilations, rank - 2, 1, emitError)))
    return failure();

  SmallVector<int64_t> output(input);
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (ShapedType::isDynamic(input[dim]))
      continue;
    int64_t stride = params.strides[i];
    int64_t extent = params.dilations[i] * (params.kernelSize[i] - 1) + 1;
    int64_t padded = input[dim] + params.paddingLow[i] + params.paddingHigh[i];
    int64_t steps = padded - extent;
    // Rounding up admits a window that reaches up to stride - 1 positions beyond the padding.
    if (steps + (ceilMode ? stride - 1 : 0) < 0)
      return emitError() << "expected a padded input of at least the window's extent " << extent
                         << " in spatial dimension " << i << ", got " << padded << " (c8)";
    int64_t size = (steps + (ceilMode ? stride - 1 : 0)) / stride + 1;
    if (ceilMode && (size - 1) * stride >= input[dim] + params.paddingLow[i])
      --size;
    output[dim] = size;
  }
  return output;
}
