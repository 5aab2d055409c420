// Convolutions and their gradients as dnn ops. A transposed convolution is the input gradient of
// the convolution with the same filter, so that its own gradients are a convolution and a weight
// gradient with the roles of input and output exchanged.
#include "Promotion.h"
#include "Registry.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
struct ConvolutionArguments {
  dnn::ConvolutionParams params;
  SmallVector<int64_t> outputPadding;
  bool transposed = false;
  /// The result's shape.
  SmallVector<int64_t> outputShape;
};
} // namespace

/// Reads what both directions share and computes the output's shape.
static FailureOr<ConvolutionArguments> readConvolution(AtenOp &op) {
  RankedTensorType input = typeOf(op.tensor("input")), weight = typeOf(op.tensor("weight"));
  if (failed(op.expectFloat("input")))
    return failure();
  if (input.getRank() < 3 || input.getRank() > 5 || weight.getRank() != input.getRank() ||
      weight.getElementType() != input.getElementType())
    return op.error() << "expected an input of rank 3 to 5 and a weight of the same rank and "
                         "element type, got "
                      << input << " and " << weight;
  unsigned spatial = input.getRank() - 2;
  ConvolutionArguments conv;
  auto read = [&](StringRef name, SmallVector<int64_t> &into) -> LogicalResult {
    FailureOr<SmallVector<int64_t>> values = op.expanded(name, spatial);
    if (failed(values))
      return failure();
    into = *values;
    return success();
  };
  if (failed(read("stride", conv.params.strides)) ||
      failed(read("padding", conv.params.paddingLow)) ||
      failed(read("dilation", conv.params.dilations)) ||
      failed(read("output_padding", conv.outputPadding)))
    return failure();
  conv.params.paddingHigh = conv.params.paddingLow;
  conv.params.groups = op.integer("groups");
  conv.transposed = op.flag("transposed");
  auto emitError = [&] { return op.error(); };
  FailureOr<SmallVector<int64_t>> shape =
      conv.transposed
          ? dnn::inferTransposedConvolutionShape(input.getShape(), weight.getShape(),
                                                 conv.outputPadding, conv.params, emitError)
          : dnn::inferConvolutionShape(input.getShape(), weight.getShape(), conv.params, emitError);
  if (failed(shape) || failed(broadcastShapes(op, {ArrayRef<int64_t>(*shape)})))
    return failure();
  conv.outputShape = *shape;
  return conv;
}

static SmallVector<OpFoldResult> sizesOf(OpBuilder &b, ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [&](int64_t s) -> OpFoldResult { return b.getIndexAttr(s); });
}

/// A per-channel vector added along dimension 1.
static Value addBias(ImplicitLocOpBuilder &b, Value value, Value bias) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> aligned(type.getRank() - 1, 1);
  aligned.front() = type.getDimSize(1);
  return emitElementwise(b, type, {value, emitReshape(b, bias, aligned)},
                         computeTypeOf(type.getElementType()),
                         [](Body &body, ValueRange a) { return body.add(a[0], a[1]); });
}

static LogicalResult convertConvolution(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value input = op.tensor("input"), weight = op.tensor("weight"), bias = op.tensor("bias");
  FailureOr<ConvolutionArguments> conv = readConvolution(op);
  if (failed(conv))
    return failure();
  if (bias && bias.getType() !=
                  RankedTensorType::get({conv->outputShape[1]}, typeOf(input).getElementType()))
    return op.error() << "expected a `bias` of " << conv->outputShape[1]
                      << " elements of the input's type, got " << bias.getType();
  if (!conv->transposed) {
    FailureOr<Value> result =
        dnn::createConvolution(b, b.getLoc(), input, weight, bias, conv->params);
    return failed(result) ? failure() : op.replaceWith(*result);
  }
  Value result = dnn::createConvolutionInputGrad(b, b.getLoc(), input, weight,
                                                 sizesOf(b, conv->outputShape), conv->params);
  return op.replaceWith(bias ? addBias(b, result, bias) : result);
}

/// The sum over everything but dimension 1.
static Value emitBiasGrad(ImplicitLocOpBuilder &b, Value grad) {
  RankedTensorType type = typeOf(grad);
  SmallVector<int64_t> dims = {0};
  for (int64_t i = 2; i < type.getRank(); ++i)
    dims.push_back(i);
  ReductionSpec spec{type.getShape(), dims, false, computeTypeOf(type.getElementType())};
  return emitCast(b, emitSum(b, spec, grad, nullptr), type.getElementType());
}

static LogicalResult convertConvolutionBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value grad = op.tensor("grad_output"), input = op.tensor("input"), weight = op.tensor("weight");
  FailureOr<ConvolutionArguments> conv = readConvolution(op);
  if (failed(conv) || failed(op.expectShape("grad_output", conv->outputShape)))
    return failure();
  if (typeOf(grad).getElementType() != typeOf(input).getElementType())
    return op.error() << "expected `grad_output` of the input's element type, got "
                      << grad.getType();
  SmallVector<bool> mask = op.flags("output_mask");
  SmallVector<Value> results(3);
  SmallVector<OpFoldResult> weightSizes = sizesOf(b, typeOf(weight).getShape());
  if (mask[0] && op.wantsResult(0)) {
    if (conv->transposed) {
      FailureOr<Value> result =
          dnn::createConvolution(b, b.getLoc(), grad, weight, Value(), conv->params);
      if (failed(result))
        return failure();
      results[0] = *result;
    } else {
      results[0] = dnn::createConvolutionInputGrad(
          b, b.getLoc(), grad, weight, sizesOf(b, typeOf(input).getShape()), conv->params);
    }
  }
  if (mask[1] && op.wantsResult(1))
    results[1] = conv->transposed ? dnn::createConvolutionWeightGrad(b, b.getLoc(), input, grad,
                                                                     weightSizes, conv->params)
                                  : dnn::createConvolutionWeightGrad(b, b.getLoc(), grad, input,
                                                                     weightSizes, conv->params);
  if (mask[2] && op.wantsResult(2))
    results[2] = emitBiasGrad(b, grad);
  return op.replaceWith(results);
}

void mlir::abn::aten::addConvolutions(Registry &r) {
  r.add("convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, "
        "int[] dilation, bool transposed, int[] output_padding, int groups) -> Tensor",
        convertConvolution);
  r.add("convolution_backward(Tensor grad_output, Tensor input, Tensor weight, int[]? bias_sizes, "
        "int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, "
        "int groups, bool[3] output_mask) -> (Tensor, Tensor, Tensor)",
        convertConvolutionBackward);
}
