// reduce_window: a pool of dnn where it is one, else a linalg.generic over windows of the padded
// input.
#include "Pooling.h"
#include "Registry.h"
#include "Scalar.h"
#include "Slices.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::hlo;

/// Whether the padding that a window reads is the neutral element of its op.
static bool startsAt(Value init, double neutral) {
  std::optional<double> value = splatValue(init);
  return value && *value == neutral;
}

static FailureOr<Value> convertMaxPool(HloOp &op, const dnn::PoolParams &params) {
  auto pool = dnn::createMaxPool(op.builder(), op.builder().getLoc(), op.operand(0), params,
                                 /*ceilMode=*/false);
  if (failed(pool))
    return failure();
  return pool->first;
}

/// A window sum: an average of divisor 1. A division that follows gives the divisor.
static FailureOr<Value> convertSumPool(HloOp &op, dnn::PoolParams params) {
  params.countIncludePad = true;
  params.divisorOverride = 1;
  return dnn::createAvgPool(op.builder(), op.builder().getLoc(), op.operand(0), params,
                            /*ceilMode=*/false);
}

/// What a window sum over dilated or interior-padded values is the gradient of: a window sum with
/// that stride. `spread` is the distance of the values, `low` the padding in front of them.
static std::optional<dnn::PoolParams> asSumGrad(const Window &window, ArrayRef<int64_t> spread,
                                                ArrayRef<int64_t> from, RankedTensorType result) {
  Window forward = window;
  for (size_t i = 0; i < spread.size(); ++i) {
    if (window.strides[i] != 1 || window.dilations[i] != 1)
      return std::nullopt;
    int64_t size = window.sizes[i], reach = (from[i] - 1) * spread[i] + size;
    forward.baseDilations[i] = 1;
    forward.strides[i] = spread[i];
    forward.low[i] = size - 1 - window.low[i];
    forward.high[i] = std::max<int64_t>(reach - result.getDimSize(i) - forward.low[i], 0);
  }
  if (forward.outputShape(result.getShape()) != from)
    return std::nullopt;
  return asPool(forward, result);
}

/// The gradient of an average pool in JAX: the values spread by the forward's stride, by the window
/// itself or by a padding in front of it, then a window sum of stride 1.
static FailureOr<Value> convertSumGrad(HloOp &op, Window window) {
  Value grad = op.operand(0);
  SmallVector<int64_t> spread = window.baseDilations;
  auto padded = op.state().padded.find(grad);
  if (padded != op.state().padded.end() && !window.isDilated() &&
      startsAt(padded->second.fill, 0)) {
    const Padded &pad = padded->second;
    for (size_t i = 0; i < spread.size(); ++i) {
      spread[i] = pad.interior[i] + 1;
      window.low[i] += pad.low[i];
      window.high[i] += pad.high[i];
    }
    grad = pad.source;
  } else if (!window.isDilated()) {
    return failure();
  }
  auto params = asSumGrad(window, spread, typeOf(grad).getShape(), op.resultType());
  if (!params)
    return failure();
  params->countIncludePad = true;
  params->divisorOverride = 1;
  SmallVector<OpFoldResult> sizes =
      llvm::map_to_vector(op.resultType().getShape(),
                          [&](int64_t s) -> OpFoldResult { return op.builder().getIndexAttr(s); });
  return dnn::createAvgPoolGrad(op.builder(), op.builder().getLoc(), grad, sizes, *params);
}

/// The pool that a window of one input is; failure, without a message, if it is none.
static FailureOr<Value> convertPool(HloOp &op, const Window &window, const ScalarRegion &region) {
  RankedTensorType type = op.operandType(0);
  if (op.getNumResults() != 1 || !isa<FloatType>(type.getElementType()))
    return failure();
  StringRef name = region.getSingleOp();
  std::optional<dnn::PoolParams> params = asPool(window, type);
  if (name == "stablehlo.maximum" && params && startsAt(op.operand(1), -INFINITY))
    return convertMaxPool(op, *params);
  if (name != "stablehlo.add" || !startsAt(op.operand(1), 0))
    return failure();
  if (FailureOr<Value> grad = convertSumGrad(op, window); succeeded(grad))
    return grad;
  if (params && llvm::all_of(params->dilations, [](int64_t d) { return d == 1; }))
    return convertSumPool(op, *params);
  return failure();
}

/// The map by which the windows read the padded input: position * stride + offset * dilation.
static AffineMap windowMap(OpBuilder &b, const Window &window) {
  size_t rank = window.sizes.size();
  SmallVector<AffineExpr> exprs;
  for (size_t i = 0; i < rank; ++i)
    exprs.push_back(b.getAffineDimExpr(i) * window.strides[i] +
                    b.getAffineDimExpr(rank + i) * window.dilations[i]);
  return AffineMap::get(2 * rank, 0, exprs, b.getContext());
}

/// The general form, of any region and number of inputs.
static SmallVector<Value> emitWindows(HloOp &op, const Window &window, const ScalarRegion &region) {
  ImplicitLocOpBuilder &b = op.builder();
  size_t count = op.getNumResults(), rank = window.sizes.size();
  PadSpec pad(rank);
  pad.low = window.low;
  pad.high = window.high;
  for (size_t i = 0; i < rank; ++i)
    pad.interior[i] = window.baseDilations[i] - 1;
  SmallVector<Value> inputs, outs;
  SmallVector<int64_t> shape = window.outputShape(op.operandType(0).getShape());
  for (size_t i = 0; i < count; ++i) {
    Value init = op.operand(count + i);
    Type element = op.operandType(i).getElementType();
    Type accumulator = region.getSingleOp() == "stablehlo.add" ? computeTypeOf(element) : element;
    inputs.push_back(emitPad(b, op.operand(i), init, pad));
    Value scalar = Body{b, b.getLoc()}.cast(emitScalarValue(b, init), accumulator);
    Value empty = emitEmpty(b, shape, accumulator);
    outs.push_back(linalg::FillOp::create(b, ValueRange{scalar}, ValueRange{empty}).getResult(0));
  }
  // The window's sizes show in an operand that is not read.
  SmallVector<AffineExpr> offsets, positions;
  for (size_t i = 0; i < rank; ++i) {
    positions.push_back(b.getAffineDimExpr(i));
    offsets.push_back(b.getAffineDimExpr(rank + i));
  }
  SmallVector<AffineMap> maps(count, windowMap(b, window));
  maps.push_back(AffineMap::get(2 * rank, 0, offsets, b.getContext()));
  maps.append(count, AffineMap::get(2 * rank, 0, positions, b.getContext()));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.append(rank, utils::IteratorType::reduction);
  SmallVector<Value> operands(inputs);
  operands.push_back(emitEmpty(b, window.sizes, b.getI1Type()));
  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), operands, outs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        SmallVector<Value> values(args.drop_front(count + 1));
        for (size_t i = 0; i < count; ++i)
          values.push_back(body.cast(args[i], typeOf(outs[i]).getElementType()));
        linalg::YieldOp::create(nested, loc, region.emit(body, values));
      });
  SmallVector<Value> results;
  for (size_t i = 0; i < count; ++i)
    results.push_back(emitCast(b, generic.getResult(i), op.operandType(i).getElementType()));
  return results;
}

static LogicalResult convertReduceWindow(HloOp &op) {
  size_t count = op.getNumOperands() / 2;
  if (op.getNumOperands() % 2 || count == 0 || op.getNumResults() != count ||
      op.getOperation()->getNumRegions() != 1)
    return op.error() << "expected as many initial values and results as inputs, and one region";
  RankedTensorType type = op.operandType(0);
  SmallVector<Type> arguments;
  for (size_t i = 0; i < count; ++i) {
    if (op.operandType(i).getShape() != type.getShape() ||
        op.operandType(count + i) != RankedTensorType::get({}, op.operandType(i).getElementType()))
      return op.error() << "expected inputs of one shape and a scalar of each one's type";
    arguments.push_back(op.operandType(i).getElementType());
  }
  arguments.append(arguments);
  FailureOr<Window> window = Window::read(op, type.getShape());
  if (failed(window))
    return failure();
  auto region = ScalarRegion::get(op, op.region(0), arguments, count);
  if (failed(region))
    return failure();
  if (FailureOr<Value> pool = convertPool(op, *window, *region); succeeded(pool))
    return op.replaceWith(*pool);
  return op.replaceWith(emitWindows(op, *window, *region));
}

void mlir::abn::hlo::addWindows(Registry &r) {
  r.add("stablehlo.reduce_window", convertReduceWindow);
}
