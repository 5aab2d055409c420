// Verifiers of the dnn ops. The numbers c1... are the dialect's constraints.
#include "dnn/DnnDialect.h"
#include <cmath>

using namespace mlir;
using namespace mlir::dnn;

/// c1, c2: tensors with results or memrefs without, and the number of destinations.
static LogicalResult verifyDestinations(DestinationStyleOpInterface op, int64_t expected) {
  bool tensors = isa<TensorType>(op->getOperand(0).getType());
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (isa<TensorType>(operand.getType()) != tensors)
      return op->emitOpError("expected all operands to be ")
             << (tensors ? "tensors" : "memrefs") << ", got " << operand.getType()
             << " for operand " << i << " (c1)";
  MutableOperandRange inits = op.getDpsInitsMutable();
  if (static_cast<int64_t>(inits.size()) != expected)
    return op->emitOpError("expected ")
           << expected << " destination(s), got " << inits.size() << " (c2)";
  unsigned results = tensors ? inits.size() : 0;
  if (op->getNumResults() != results)
    return op->emitOpError("expected ")
           << results << " result(s), got " << op->getNumResults() << " (c1)";
  for (auto [result, init] : llvm::zip(op->getResults(), inits.getAsOperandRange()))
    if (result.getType() != init.getType())
      return op->emitOpError("expected a result of the destination's type ")
             << init.getType() << ", got " << result.getType() << " (c1)";
  return success();
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

static bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

/// c6: one floating-point element type, i64 for indices.
static LogicalResult verifyElement(Operation *op, StringRef name, Value value, Type expected) {
  Type element = cast<ShapedType>(value.getType()).getElementType();
  if (element == expected)
    return success();
  return op->emitOpError("expected element type ")
         << expected << " for the " << name << ", got " << element << " (c6)";
}

/// c3: ranks are equal and within 3 to 5 (the destinations' types say nothing about it).
static LogicalResult verifySameRank(Operation *op, StringRef name, Value value, Value like) {
  int64_t rank = shapeOf(like).size(), got = shapeOf(value).size();
  if (rank == got)
    return success();
  return op->emitOpError("expected rank ")
         << rank << " for the " << name << ", got " << got << " (c3)";
}

/// c5, c7, c8: `got` is `expected` wherever both are static. Dimension 0 is the batch.
static LogicalResult verifyShape(Operation *op, StringRef name, ArrayRef<int64_t> got,
                                 ArrayRef<int64_t> expected, Layout layout) {
  int64_t channelDim = getChannelDim(layout, expected.size());
  for (int64_t i = 0, e = expected.size(); i < e; ++i)
    if (differ(got[i], expected[i]))
      return op->emitOpError("expected size ")
             << expected[i] << " in dimension " << i << " of the " << name << ", got " << got[i]
             << (i == 0            ? " (c5)"
                 : i == channelDim ? " (c7)"
                                   : " (c8)");
  return success();
}

/// c5: static sizes are positive and bounded; for shapes that no inference reads.
static LogicalResult verifySizes(Operation *op, StringRef name, ArrayRef<int64_t> shape) {
  for (auto [i, size] : llvm::enumerate(shape))
    if (!ShapedType::isDynamic(size) && (size < 1 || size > std::numeric_limits<int32_t>::max()))
      return op->emitOpError("expected sizes from 1 to 2^31 - 1 for the ")
             << name << ", got " << size << " in dimension " << i << " (c5)";
  return success();
}

static Type elementOf(Value value) { return cast<ShapedType>(value.getType()).getElementType(); }

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// The checks that a convolution and its gradients share, on the forward's three operands. `op`'s
/// first operand gives the element type.
static LogicalResult verifyConvolution(DestinationStyleOpInterface op, Value input, Value filter,
                                       Value output, const ConvolutionParams &params) {
  Type element = elementOf(op->getOperand(0));
  if (failed(verifyElement(op, "input", input, element)) ||
      failed(verifyElement(op, "filter", filter, element)) ||
      failed(verifyElement(op, "output", output, element)) ||
      failed(verifySameRank(op, "filter", filter, input)) ||
      failed(verifySameRank(op, "output", output, input)))
    return failure();
  auto inferred = inferConvolutionShape(shapeOf(input), shapeOf(filter), params,
                                        [&] { return op->emitOpError(); });
  if (failed(inferred) || failed(verifySizes(op, "output", shapeOf(output))))
    return failure();
  return verifyShape(op, "output", shapeOf(output), *inferred, params.layout);
}

LogicalResult ConvolutionOp::verify() {
  if (failed(verifyDestinations(*this, 1)))
    return failure();
  // The generic form can give any operand any segment.
  if (getODSOperands(0).size() != 1 || getODSOperands(1).size() != 1)
    return emitOpError("expected one input and one filter, got ")
           << getODSOperands(0).size() << " and " << getODSOperands(1).size() << " (c2)";
  if (failed(verifyConvolution(*this, getInput(), getFilter(), getInits()[0], getParams())))
    return failure();
  if (!getBias())
    return success();
  if (failed(verifyElement(*this, "bias", getBias(), elementOf(getInput()))))
    return failure();
  int64_t filters = shapeOf(getFilter())[0], got = shapeOf(getBias())[0];
  if (differ(filters, got))
    return emitOpError("expected ") << filters << " entries in the bias, got " << got << " (c7)";
  return success();
}

LogicalResult ConvolutionInputGradOp::verify() {
  if (failed(verifyDestinations(*this, 1)))
    return failure();
  return verifyConvolution(*this, getInits()[0], getFilter(), getOutputGrad(), getParams());
}

LogicalResult ConvolutionWeightGradOp::verify() {
  if (failed(verifyDestinations(*this, 1)))
    return failure();
  return verifyConvolution(*this, getInput(), getInits()[0], getOutputGrad(), getParams());
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

/// c8 for a pool: a spatial size is that of floor or of ceil_mode.
static LogicalResult verifyPool(Operation *op, Value input, Value output,
                                const PoolParams &params) {
  if (failed(verifySameRank(op, "output", output, input)) ||
      failed(verifySizes(op, "output", shapeOf(output))))
    return failure();
  auto error = [&] { return op->emitOpError(); };
  auto ceiled = inferPoolShape(shapeOf(input), params, /*ceilMode=*/true, error);
  if (failed(ceiled))
    return failure();
  ArrayRef<int64_t> got = shapeOf(output), in = shapeOf(input);
  SmallVector<int64_t> expected(*ceiled);
  for (int64_t i = 0, e = params.kernelSize.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(params.layout, i);
    if (ShapedType::isDynamic(in[dim]))
      continue;
    int64_t extent = params.dilations[i] * (params.kernelSize[i] - 1) + 1;
    int64_t steps = in[dim] + params.paddingLow[i] + params.paddingHigh[i] - extent;
    int64_t floored = steps < 0 ? 0 : steps / params.strides[i] + 1;
    if (got[dim] == floored)
      expected[dim] = floored;
  }
  return verifyShape(op, "output", got, expected, params.layout);
}

LogicalResult MaxPoolOp::verify() {
  if (failed(verifyDestinations(*this, 2)))
    return failure();
  Value values = getInits()[0], indices = getInits()[1];
  if (failed(verifyElement(*this, "values", values, elementOf(getInput()))) ||
      failed(verifyElement(*this, "indices", indices, IntegerType::get(getContext(), 64))) ||
      failed(verifyPool(*this, getInput(), values, getParams())) ||
      failed(verifySameRank(*this, "indices", indices, values)))
    return failure();
  return verifyShape(*this, "indices", shapeOf(indices), shapeOf(values), getLayout());
}

LogicalResult MaxPoolGradOp::verify() {
  if (failed(verifyDestinations(*this, 1)) ||
      failed(verifyElement(*this, "input gradient", getInits()[0], elementOf(getOutputGrad()))) ||
      failed(verifyPool(*this, getInits()[0], getOutputGrad(), getParams())) ||
      failed(verifySameRank(*this, "indices", getIndices(), getOutputGrad())))
    return failure();
  return verifyShape(*this, "indices", shapeOf(getIndices()), shapeOf(getOutputGrad()),
                     getLayout());
}

template <typename Op> static LogicalResult verifyAvgPool(Op op, Value input, Value output) {
  if (failed(verifyDestinations(op, 1)) ||
      failed(verifyElement(op, "destination", op.getInits()[0], elementOf(op->getOperand(0)))))
    return failure();
  if (op.getDivisorOverride() && *op.getDivisorOverride() == 0)
    return op.emitOpError("expected a `divisor_override` other than 0 (avg_pool_c9)");
  return verifyPool(op, input, output, op.getParams());
}

LogicalResult AvgPoolOp::verify() {
  if (getInits().empty())
    return verifyDestinations(*this, 1);
  return verifyAvgPool(*this, getInput(), getInits()[0]);
}

LogicalResult AvgPoolGradOp::verify() {
  if (getInits().empty())
    return verifyDestinations(*this, 1);
  return verifyAvgPool(*this, getInits()[0], getOutputGrad());
}

//===----------------------------------------------------------------------===//
// Resizing
//===----------------------------------------------------------------------===//

template <typename Op> static LogicalResult verifyResize(Op op) {
  if (failed(verifyDestinations(op, 1)))
    return failure();
  Value source = op->getOperand(0), destination = op.getInits()[0];
  if (failed(verifyElement(op, "destination", destination, elementOf(source))) ||
      failed(verifySameRank(op, "destination", destination, source)) ||
      failed(verifySizes(op, "input", shapeOf(source))) ||
      failed(verifySizes(op, "output", shapeOf(destination))))
    return failure();
  ResizeParams params = op.getParams();
  int64_t rank = shapeOf(source).size();
  // Only the batch and the channels have to agree.
  SmallVector<int64_t> expected(rank, ShapedType::kDynamic);
  int64_t channelDim = getChannelDim(params.layout, rank);
  expected[0] = shapeOf(source)[0];
  expected[channelDim] = shapeOf(source)[channelDim];
  if (failed(verifyShape(op, "destination", shapeOf(destination), expected, params.layout)))
    return failure();

  if (op.getScales() && static_cast<int64_t>(params.scales.size()) != rank - 2)
    return op.emitOpError("expected ")
           << rank - 2 << " entries in `scales`, got " << params.scales.size() << " (c3)";
  for (double scale : params.scales)
    if (!(scale > 0) || !std::isfinite(scale))
      return op.emitOpError("expected entries of `scales` to be finite and positive, got ")
             << scale << " (resize_c9)";
  if (params.coordinates != Coordinates::AlignCorners)
    return success();
  if (params.mode != ResizeMode::Linear)
    return op.emitOpError("expected mode `linear` with `align_corners`, got `")
           << stringifyResizeMode(params.mode) << "` (resize_c10)";
  if (op.getScales())
    return op.emitOpError("expected no `scales` with `align_corners` (resize_c10)");
  return success();
}

LogicalResult ResizeOp::verify() { return verifyResize(*this); }
LogicalResult ResizeGradOp::verify() { return verifyResize(*this); }
