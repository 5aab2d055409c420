// select_and_scatter: the gradient of max pooling. Each window selects one position of the operand
// and adds its source value there. With `operand >= current` the first maximum is selected, as
// dnn.max_pool does, whose indices then stand for the operand in the backward.
#include "Pooling.h"
#include "Registry.h"
#include "Scalar.h"
#include "Slices.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::hlo;

/// Whether the region keeps its first argument as long as it is not smaller: GE of the arguments in
/// order.
static bool selectsFirstMaximum(const ScalarRegion &region, Region &block, HloOp &op) {
  Operation *only = region.getOnlyOp();
  if (!only || only->getName().getStringRef() != "stablehlo.compare")
    return false;
  HloOp compare(only, op.state());
  return compare.enumerator("comparison_direction") == "GE" &&
         only->getOperand(0) == block.getArgument(0) && only->getOperand(1) == block.getArgument(1);
}

/// The operand without the padding by -inf that JAX puts around it, and the windows over what is
/// left.
static Value lookThroughPadding(HloOp &op, Window &window) {
  Value operand = op.operand(0);
  auto found = op.state().padded.find(operand);
  if (found == op.state().padded.end())
    return operand;
  const Padded &pad = found->second;
  bool plain = splatValue(pad.fill) == -INFINITY;
  for (size_t i = 0; i < pad.low.size(); ++i)
    plain &= pad.interior[i] == 0 && pad.low[i] >= 0 && pad.high[i] >= 0;
  if (!plain)
    return operand;
  for (size_t i = 0; i < pad.low.size(); ++i) {
    window.low[i] += pad.low[i];
    window.high[i] += pad.high[i];
  }
  return pad.source;
}

/// The gradient in the operand's full shape, zero at the padding.
static Value emitGrad(HloOp &op, Value input, const dnn::PoolParams &params) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(input);
  dnn::MaxPoolOp pool = findMaxPool(input, params, op.getOperation());
  Value indices;
  if (pool) {
    indices = pool.getResults()[1];
  } else {
    auto made = dnn::createMaxPool(b, b.getLoc(), input, params, /*ceilMode=*/false);
    if (failed(made))
      return {};
    indices = made->second;
  }
  SmallVector<OpFoldResult> sizes = llvm::map_to_vector(
      type.getShape(), [&](int64_t s) -> OpFoldResult { return b.getIndexAttr(s); });
  Value grad = dnn::createMaxPoolGrad(b, b.getLoc(), op.operand(1), indices, sizes, params);
  auto found = op.state().padded.find(op.operand(0));
  if (input == op.operand(0) || found == op.state().padded.end())
    return grad;
  PadSpec spec(type.getRank());
  spec.low = found->second.low;
  spec.high = found->second.high;
  return emitPad(b, grad, emitScalar(b, type.getElementType(), 0), spec);
}

static LogicalResult checkOperands(HloOp &op, const Window &window) {
  RankedTensorType type = op.operandType(0), source = op.operandType(1);
  if (source.getShape() != ArrayRef<int64_t>(window.outputShape(type.getShape())) ||
      source.getElementType() != type.getElementType())
    return op.error() << "expected a source of shape [" << window.outputShape(type.getShape())
                      << "], got " << source;
  if (op.operandType(2) != RankedTensorType::get({}, type.getElementType()) ||
      op.resultType() != type)
    return op.error() << "expected an initial value and a result of the operand's type, got "
                      << op.operand(2).getType() << " and " << op.resultType();
  return success();
}

static LogicalResult convertSelectAndScatter(HloOp &op) {
  if (failed(op.expectCounts(3, 1, 2)))
    return failure();
  RankedTensorType type = op.operandType(0);
  FailureOr<Window> window = Window::read(op, type.getShape());
  if (failed(window) || failed(checkOperands(op, *window)))
    return failure();
  Type element = type.getElementType();
  SmallVector<Type> arguments(2, element);
  auto select = ScalarRegion::get(op, op.region(0), arguments, 1),
       scatter = ScalarRegion::get(op, op.region(1), arguments, 1);
  if (failed(select) || failed(scatter))
    return failure();
  Value input = lookThroughPadding(op, *window);
  auto params = asPool(*window, typeOf(input));
  if (!params || splatValue(op.operand(2)) != 0.0 || scatter->getSingleOp() != "stablehlo.add" ||
      !selectsFirstMaximum(*select, op.region(0), op))
    return op.error() << "is known as the gradient of max pooling only: floating-point elements, "
                         "a window over one to three spatial dimensions, `GE` to select, `add` "
                         "from 0 to scatter";
  Value grad = emitGrad(op, input, *params);
  return grad ? op.replaceWith(grad) : failure();
}

void mlir::abn::hlo::addSelectAndScatter(Registry &r) {
  r.add("stablehlo.select_and_scatter", convertSelectAndScatter);
}
