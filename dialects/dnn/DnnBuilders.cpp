// Builders that create an op together with its empty destination.
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dnn;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

static Value createEmpty(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type element) {
  return tensor::EmptyOp::create(b, loc, sizes, element);
}

/// `value` as an index-typed SSA value.
static Value toValue(OpBuilder &b, Location loc, OpFoldResult value) {
  if (auto v = dyn_cast<Value>(value))
    return v;
  return arith::ConstantIndexOp::create(b, loc, *getConstantIntValue(value));
}

static Value addConstant(OpBuilder &b, Location loc, Value value, int64_t constant) {
  return arith::AddIOp::create(b, loc, value, arith::ConstantIndexOp::create(b, loc, constant));
}

static Value mulConstant(OpBuilder &b, Location loc, Value value, int64_t constant) {
  return arith::MulIOp::create(b, loc, value, arith::ConstantIndexOp::create(b, loc, constant));
}

/// dilation * (kernel - 1) + 1.
static Value createExtent(OpBuilder &b, Location loc, OpFoldResult kernel, int64_t dilation) {
  Value taps = addConstant(b, loc, toValue(b, loc, kernel), -1);
  return addConstant(b, loc, mulConstant(b, loc, taps, dilation), 1);
}

/// The number of window positions, as inferConvolutionShape and inferPoolShape compute it, for
/// sizes that are known at run time only.
static Value createWindowCount(OpBuilder &b, Location loc, Value size, Value extent, int64_t low,
                               int64_t high, int64_t stride, bool ceilMode) {
  Value steps = arith::SubIOp::create(b, loc, addConstant(b, loc, size, low + high), extent);
  Value strideValue = arith::ConstantIndexOp::create(b, loc, stride);
  if (ceilMode)
    steps = addConstant(b, loc, steps, stride - 1);
  Value last = arith::DivSIOp::create(b, loc, steps, strideValue);
  Value count = addConstant(b, loc, last, 1);
  if (!ceilMode)
    return count;
  Value start = arith::MulIOp::create(b, loc, last, strideValue);
  Value outside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, start,
                                        addConstant(b, loc, size, low));
  return arith::SelectOp::create(b, loc, outside, last, count);
}

FailureOr<Value> mlir::dnn::createConvolution(OpBuilder &b, Location loc, Value input, Value filter,
                                              Value bias, const ConvolutionParams &params) {
  auto shape = inferConvolutionShape(shapeOf(input), shapeOf(filter), params,
                                     [&] { return emitError(loc); });
  if (failed(shape))
    return failure();
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), *shape);
  int64_t rank = shape->size();
  int64_t channelDim = getChannelDim(params.layout, rank);
  if (ShapedType::isDynamic((*shape)[0]))
    sizes[0] = tensor::getMixedSize(b, loc, input, 0);
  if (ShapedType::isDynamic((*shape)[channelDim]))
    sizes[channelDim] = tensor::getMixedSize(b, loc, filter, 0);
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (!ShapedType::isDynamic((*shape)[dim]))
      continue;
    Value size = toValue(b, loc, tensor::getMixedSize(b, loc, input, dim));
    Value extent =
        createExtent(b, loc, tensor::getMixedSize(b, loc, filter, dim), params.dilations[i]);
    sizes[dim] = createWindowCount(b, loc, size, extent, params.paddingLow[i],
                                   params.paddingHigh[i], params.strides[i], /*ceilMode=*/false);
  }
  Value init = createEmpty(b, loc, sizes, elementOf(input));
  return ConvolutionOp::create(b, loc, init.getType(), input, filter, bias, init, params.strides,
                               params.paddingLow, params.paddingHigh, params.dilations,
                               params.groups, params.layout)
      .getResult(0);
}

Value mlir::dnn::createConvolutionInputGrad(OpBuilder &b, Location loc, Value outputGrad,
                                            Value filter, ArrayRef<OpFoldResult> inputSizes,
                                            const ConvolutionParams &params) {
  Value init = createEmpty(b, loc, inputSizes, elementOf(outputGrad));
  return ConvolutionInputGradOp::create(b, loc, init.getType(), outputGrad, filter, init,
                                        params.strides, params.paddingLow, params.paddingHigh,
                                        params.dilations, params.groups, params.layout)
      .getResult(0);
}

Value mlir::dnn::createConvolutionWeightGrad(OpBuilder &b, Location loc, Value outputGrad,
                                             Value input, ArrayRef<OpFoldResult> filterSizes,
                                             const ConvolutionParams &params) {
  Value init = createEmpty(b, loc, filterSizes, elementOf(outputGrad));
  return ConvolutionWeightGradOp::create(b, loc, init.getType(), outputGrad, input, init,
                                         params.strides, params.paddingLow, params.paddingHigh,
                                         params.dilations, params.groups, params.layout)
      .getResult(0);
}

FailureOr<Value> mlir::dnn::createTransposedConvolution(OpBuilder &b, Location loc, Value input,
                                                        Value filter,
                                                        ArrayRef<int64_t> outputPadding,
                                                        const ConvolutionParams &params) {
  auto shape = inferTransposedConvolutionShape(shapeOf(input), shapeOf(filter), outputPadding,
                                               params, [&] { return emitError(loc); });
  if (failed(shape))
    return failure();
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), *shape);
  int64_t rank = shape->size();
  int64_t channelDim = getChannelDim(params.layout, rank);
  if (ShapedType::isDynamic((*shape)[0]))
    sizes[0] = tensor::getMixedSize(b, loc, input, 0);
  if (ShapedType::isDynamic((*shape)[channelDim]))
    sizes[channelDim] = mulConstant(
        b, loc, toValue(b, loc, tensor::getMixedSize(b, loc, filter, channelDim)), params.groups);
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (!ShapedType::isDynamic((*shape)[dim]))
      continue;
    Value last = addConstant(b, loc, toValue(b, loc, tensor::getMixedSize(b, loc, input, dim)), -1);
    Value extent =
        createExtent(b, loc, tensor::getMixedSize(b, loc, filter, dim), params.dilations[i]);
    Value size =
        arith::AddIOp::create(b, loc, mulConstant(b, loc, last, params.strides[i]), extent);
    sizes[dim] =
        addConstant(b, loc, size, outputPadding[i] - params.paddingLow[i] - params.paddingHigh[i]);
  }
  return createConvolutionInputGrad(b, loc, input, filter, sizes, params);
}

/// The sizes of a pool's result.
static FailureOr<SmallVector<OpFoldResult>>
createPoolSizes(OpBuilder &b, Location loc, Value input, const PoolParams &params, bool ceilMode) {
  auto shape = inferPoolShape(shapeOf(input), params, ceilMode, [&] { return emitError(loc); });
  if (failed(shape))
    return failure();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  for (int64_t i = 0, e = shape->size() - 2; i < e; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (!ShapedType::isDynamic((*shape)[dim])) {
      sizes[dim] = b.getIndexAttr((*shape)[dim]);
      continue;
    }
    Value extent = arith::ConstantIndexOp::create(
        b, loc, params.dilations[i] * (params.kernelSize[i] - 1) + 1);
    sizes[dim] =
        createWindowCount(b, loc, toValue(b, loc, sizes[dim]), extent, params.paddingLow[i],
                          params.paddingHigh[i], params.strides[i], ceilMode);
  }
  return sizes;
}

FailureOr<std::pair<Value, Value>> mlir::dnn::createMaxPool(OpBuilder &b, Location loc, Value input,
                                                            const PoolParams &params,
                                                            bool ceilMode) {
  auto sizes = createPoolSizes(b, loc, input, params, ceilMode);
  if (failed(sizes))
    return failure();
  Value values = createEmpty(b, loc, *sizes, elementOf(input));
  Value indices = createEmpty(b, loc, *sizes, b.getI64Type());
  auto op =
      MaxPoolOp::create(b, loc, TypeRange{values.getType(), indices.getType()}, input,
                        ValueRange{values, indices}, params.kernelSize, params.strides,
                        params.paddingLow, params.paddingHigh, params.dilations, params.layout);
  return std::make_pair(op.getResult(0), op.getResult(1));
}

Value mlir::dnn::createMaxPoolGrad(OpBuilder &b, Location loc, Value outputGrad, Value indices,
                                   ArrayRef<OpFoldResult> inputSizes, const PoolParams &params) {
  Value init = createEmpty(b, loc, inputSizes, elementOf(outputGrad));
  return MaxPoolGradOp::create(b, loc, init.getType(), outputGrad, indices, init, params.kernelSize,
                               params.strides, params.paddingLow, params.paddingHigh,
                               params.dilations, params.layout)
      .getResult(0);
}

static IntegerAttr getDivisor(OpBuilder &b, const PoolParams &params) {
  return params.divisorOverride ? b.getI64IntegerAttr(*params.divisorOverride) : IntegerAttr();
}

FailureOr<Value> mlir::dnn::createAvgPool(OpBuilder &b, Location loc, Value input,
                                          const PoolParams &params, bool ceilMode) {
  auto sizes = createPoolSizes(b, loc, input, params, ceilMode);
  if (failed(sizes))
    return failure();
  Value init = createEmpty(b, loc, *sizes, elementOf(input));
  return AvgPoolOp::create(b, loc, init.getType(), input, init, params.kernelSize, params.strides,
                           params.paddingLow, params.paddingHigh, params.countIncludePad,
                           getDivisor(b, params), params.layout)
      .getResult(0);
}

Value mlir::dnn::createAvgPoolGrad(OpBuilder &b, Location loc, Value outputGrad,
                                   ArrayRef<OpFoldResult> inputSizes, const PoolParams &params) {
  Value init = createEmpty(b, loc, inputSizes, elementOf(outputGrad));
  return AvgPoolGradOp::create(b, loc, init.getType(), outputGrad, init, params.kernelSize,
                               params.strides, params.paddingLow, params.paddingHigh,
                               params.countIncludePad, getDivisor(b, params), params.layout)
      .getResult(0);
}

static DenseF64ArrayAttr getScales(OpBuilder &b, const ResizeParams &params) {
  return params.scales.empty() ? DenseF64ArrayAttr() : b.getDenseF64ArrayAttr(params.scales);
}

Value mlir::dnn::createResize(OpBuilder &b, Location loc, Value input, ArrayRef<OpFoldResult> sizes,
                              const ResizeParams &params) {
  Value init = createEmpty(b, loc, sizes, elementOf(input));
  return ResizeOp::create(b, loc, init.getType(), input, init, params.mode, params.coordinates,
                          getScales(b, params), params.layout)
      .getResult(0);
}

Value mlir::dnn::createResizeGrad(OpBuilder &b, Location loc, Value outputGrad,
                                  ArrayRef<OpFoldResult> inputSizes, const ResizeParams &params) {
  Value init = createEmpty(b, loc, inputSizes, elementOf(outputGrad));
  return ResizeGradOp::create(b, loc, init.getType(), outputGrad, init, params.mode,
                              params.coordinates, getScales(b, params), params.layout)
      .getResult(0);
}
