// The dnn ops as calls: their attributes and sizes as descriptors.
#include "ConvertDnnToCalls.h"
#include "abn/Runtime/Dnn.h"
#include "dnn/DnnDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::dnn;

using Axes = int64_t[ABN_DNN_MAX_SPATIAL];

static void setAxes(Axes &axes, ArrayRef<int64_t> values, int64_t rest) {
  std::fill(std::begin(axes), std::end(axes), rest);
  llvm::copy(values, axes);
}

static ArrayRef<int64_t> shapeOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getShape();
}

/// The spatial sizes of a full-size operand or of a filter.
static ArrayRef<int64_t> spatialSizes(Value memref, Layout layout) {
  ArrayRef<int64_t> shape = shapeOf(memref);
  return shape.slice(getSpatialDim(layout, 0), shape.size() - 2);
}

static int64_t channelsOf(Value memref, Layout layout) {
  ArrayRef<int64_t> shape = shapeOf(memref);
  return shape[getChannelDim(layout, shape.size())];
}

/// What all spatial descriptors have in common; `input` and `output` are those of the forward op.
template <typename Descriptor>
static void setCommon(Descriptor &d, Value input, Value output, Layout layout) {
  d.version = ABN_DNN_VERSION;
  d.layout = layout == Layout::ChannelsLast ? ABN_DNN_CHANNELS_LAST : ABN_DNN_CHANNELS_FIRST;
  d.spatialRank = shapeOf(input).size() - 2;
  d.batch = shapeOf(input)[0];
  d.channels = channelsOf(input, layout);
  setAxes(d.inputSize, spatialSizes(input, layout), 1);
  setAxes(d.outputSize, spatialSizes(output, layout), 1);
}

template <typename Descriptor, typename Params>
static void setWindows(Descriptor &d, const Params &p) {
  setAxes(d.strides, p.strides, 1);
  setAxes(d.paddingLow, p.paddingLow, 0);
  setAxes(d.paddingHigh, p.paddingHigh, 0);
  setAxes(d.dilations, p.dilations, 1);
}

static SmallVector<int64_t> describe(const ConvolutionParams &p, int64_t element, Value input,
                                     Value filter, Value output) {
  AbnDnnConvolution d{};
  setCommon(d, input, output, p.layout);
  setWindows(d, p);
  d.element = element;
  d.filters = channelsOf(output, p.layout);
  d.groups = p.groups;
  setAxes(d.filterSize, spatialSizes(filter, p.layout), 1);
  return flatten(d);
}

static SmallVector<int64_t> describe(const PoolParams &p, int64_t element, Value input,
                                     Value output) {
  AbnDnnPool d{};
  setCommon(d, input, output, p.layout);
  setWindows(d, p);
  d.element = element;
  d.countIncludePad = p.countIncludePad;
  d.divisorOverride = p.divisorOverride.value_or(0);
  setAxes(d.kernelSize, p.kernelSize, 1);
  return flatten(d);
}

static SmallVector<int64_t> describe(const ResizeParams &p, int64_t element, Value input,
                                     Value output) {
  AbnDnnResize d{};
  setCommon(d, input, output, p.layout);
  d.element = element;
  d.mode = p.mode == ResizeMode::Linear ? ABN_DNN_LINEAR : ABN_DNN_NEAREST;
  d.coordinates = p.coordinates == Coordinates::HalfPixel      ? ABN_DNN_HALF_PIXEL
                  : p.coordinates == Coordinates::AlignCorners ? ABN_DNN_ALIGN_CORNERS
                                                               : ABN_DNN_ASYMMETRIC;
  d.hasScales = !p.scales.empty();
  for (auto [i, scale] : llvm::enumerate(p.scales))
    d.scales[i] = llvm::bit_cast<int64_t>(scale);
  return flatten(d);
}

using MaybeCall = std::optional<RuntimeCall>;

static MaybeCall getConvolutionCall(Operation *op, int64_t e) {
  return TypeSwitch<Operation *, MaybeCall>(op)
      .Case([&](ConvolutionOp op) {
        Value x = op.getInput(), w = op.getFilter(), y = op.getInits()[0];
        return RuntimeCall{
            "abnDnnConvolution", describe(op.getParams(), e, x, w, y), {x, w, op.getBias(), y}};
      })
      .Case([&](ConvolutionInputGradOp op) {
        Value dy = op.getOutputGrad(), w = op.getFilter(), dx = op.getInits()[0];
        return RuntimeCall{
            "abnDnnConvolutionInputGrad", describe(op.getParams(), e, dx, w, dy), {dy, w, dx}};
      })
      .Case([&](ConvolutionWeightGradOp op) {
        Value dy = op.getOutputGrad(), x = op.getInput(), dw = op.getInits()[0];
        return RuntimeCall{
            "abnDnnConvolutionWeightGrad", describe(op.getParams(), e, x, dw, dy), {dy, x, dw}};
      })
      .Default(MaybeCall());
}

static MaybeCall getPoolOrResizeCall(Operation *op, int64_t e) {
  // From an input to an output, or back.
  auto forward = [&](auto op, StringRef function) {
    Value x = op.getInput(), y = op.getInits()[0];
    return RuntimeCall{function, describe(op.getParams(), e, x, y), {x, y}};
  };
  auto backward = [&](auto op, StringRef function) {
    Value dy = op.getOutputGrad(), dx = op.getInits()[0];
    return RuntimeCall{function, describe(op.getParams(), e, dx, dy), {dy, dx}};
  };
  return TypeSwitch<Operation *, MaybeCall>(op)
      .Case([&](MaxPoolOp op) {
        RuntimeCall call = forward(op, "abnDnnMaxPool");
        call.operands.push_back(op.getInits()[1]);
        return call;
      })
      .Case([&](MaxPoolGradOp op) {
        RuntimeCall call = backward(op, "abnDnnMaxPoolGrad");
        call.operands.insert(call.operands.begin() + 1, op.getIndices());
        return call;
      })
      .Case([&](AvgPoolOp op) { return forward(op, "abnDnnAvgPool"); })
      .Case([&](AvgPoolGradOp op) { return backward(op, "abnDnnAvgPoolGrad"); })
      .Case([&](ResizeOp op) { return forward(op, "abnDnnResize"); })
      .Case([&](ResizeGradOp op) { return backward(op, "abnDnnResizeGrad"); })
      .Default(MaybeCall());
}

FailureOr<RuntimeCall> mlir::abn::describeDnnCall(Operation *op, const ElementCodes &elements,
                                                  std::string &reason) {
  Type type = cast<MemRefType>(op->getOperand(0).getType()).getElementType();
  std::optional<int64_t> element = elements.get(type);
  if (!element) {
    llvm::raw_string_ostream(reason) << "the library has no functions for " << type;
    return failure();
  }
  if (MaybeCall call = getConvolutionCall(op, *element))
    return *call;
  if (MaybeCall call = getPoolOrResizeCall(op, *element))
    return *call;
  return refuse(reason, "the library has no function for this op");
}
