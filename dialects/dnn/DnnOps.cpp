// Effects, shape reification, attribute access and folds of the dnn ops.
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::dnn;

#define GET_OP_CLASSES
#include "dnn/DnnOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Effects and shapes
//===----------------------------------------------------------------------===//

/// Inputs are read, destinations are written without being read; tensors have no effects.
static void
getStructuredEffects(DestinationStyleOpInterface op,
                     SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

/// A result has its destination's shape.
static LogicalResult reifyShapesOfInits(OpBuilder &b, DestinationStyleOpInterface op,
                                        ReifiedRankedShapedTypeDims &shapes) {
  if (!op.hasPureTensorSemantics())
    return failure();
  for (OpOperand &init : op.getDpsInitsMutable())
    shapes.push_back(tensor::getMixedSizes(b, op->getLoc(), init.get()));
  return success();
}

#define DNN_OP(OP)                                                                                 \
  void OP::getEffects(                                                                             \
      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {              \
    getStructuredEffects(*this, effects);                                                          \
  }                                                                                                \
  LogicalResult OP::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {         \
    return reifyShapesOfInits(b, *this, shapes);                                                   \
  }

DNN_OP(ConvolutionOp)
DNN_OP(ConvolutionInputGradOp)
DNN_OP(ConvolutionWeightGradOp)
DNN_OP(MaxPoolOp)
DNN_OP(MaxPoolGradOp)
DNN_OP(AvgPoolOp)
DNN_OP(AvgPoolGradOp)
DNN_OP(ResizeOp)
DNN_OP(ResizeGradOp)
#undef DNN_OP

//===----------------------------------------------------------------------===//
// Attributes as one value
//===----------------------------------------------------------------------===//

template <typename Op> static ConvolutionParams getConvolutionParams(Op op) {
  ConvolutionParams p;
  p.strides.assign(op.getStrides().begin(), op.getStrides().end());
  p.paddingLow.assign(op.getPaddingLow().begin(), op.getPaddingLow().end());
  p.paddingHigh.assign(op.getPaddingHigh().begin(), op.getPaddingHigh().end());
  p.dilations.assign(op.getDilations().begin(), op.getDilations().end());
  p.groups = op.getGroups();
  p.layout = op.getLayout();
  return p;
}

ConvolutionParams ConvolutionOp::getParams() { return getConvolutionParams(*this); }
ConvolutionParams ConvolutionInputGradOp::getParams() { return getConvolutionParams(*this); }
ConvolutionParams ConvolutionWeightGradOp::getParams() { return getConvolutionParams(*this); }

template <typename Op> static PoolParams getPoolParams(Op op) {
  PoolParams p;
  p.kernelSize.assign(op.getKernelSize().begin(), op.getKernelSize().end());
  p.strides.assign(op.getStrides().begin(), op.getStrides().end());
  p.paddingLow.assign(op.getPaddingLow().begin(), op.getPaddingLow().end());
  p.paddingHigh.assign(op.getPaddingHigh().begin(), op.getPaddingHigh().end());
  p.layout = op.getLayout();
  return p;
}

template <typename Op> static PoolParams getMaxPoolParams(Op op) {
  PoolParams p = getPoolParams(op);
  p.dilations.assign(op.getDilations().begin(), op.getDilations().end());
  return p;
}

template <typename Op> static PoolParams getAvgPoolParams(Op op) {
  PoolParams p = getPoolParams(op);
  p.dilations.assign(p.kernelSize.size(), 1);
  p.countIncludePad = op.getCountIncludePad();
  if (std::optional<uint64_t> divisor = op.getDivisorOverride())
    p.divisorOverride = static_cast<int64_t>(*divisor);
  return p;
}

PoolParams MaxPoolOp::getParams() { return getMaxPoolParams(*this); }
PoolParams MaxPoolGradOp::getParams() { return getMaxPoolParams(*this); }
PoolParams AvgPoolOp::getParams() { return getAvgPoolParams(*this); }
PoolParams AvgPoolGradOp::getParams() { return getAvgPoolParams(*this); }

template <typename Op> static ResizeParams getResizeParams(Op op) {
  ResizeParams p;
  p.mode = op.getMode();
  p.coordinates = op.getCoordinates();
  if (std::optional<ArrayRef<double>> scales = op.getScales())
    p.scales.assign(scales->begin(), scales->end());
  p.layout = op.getLayout();
  return p;
}

ResizeParams ResizeOp::getParams() { return getResizeParams(*this); }
ResizeParams ResizeGradOp::getParams() { return getResizeParams(*this); }

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

/// Whether `op` maps a tensor to one of the same static type (or is a memref op, which has no
/// result to fold).
static bool keepsStaticType(Operation *op, Value input) {
  auto type = dyn_cast<RankedTensorType>(input.getType());
  return type && type.hasStaticShape() && op->getNumResults() == 1 &&
         op->getResult(0).getType() == type;
}

static bool allEqual(ArrayRef<int64_t> values, int64_t expected) {
  return llvm::all_of(values, [&](int64_t value) { return value == expected; });
}

/// A window of one position that is not moved averages to the position itself.
static bool isIdentity(const PoolParams &p) {
  return allEqual(p.kernelSize, 1) && allEqual(p.strides, 1) && allEqual(p.paddingLow, 0) &&
         allEqual(p.paddingHigh, 0) && p.divisorOverride.value_or(1) == 1;
}

template <typename Op>
static LogicalResult foldIdentityPool(Op op, Value input, SmallVectorImpl<OpFoldResult> &results) {
  if (!keepsStaticType(op, input) || !isIdentity(op.getParams()))
    return failure();
  results.push_back(input);
  return success();
}

LogicalResult AvgPoolOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentityPool(*this, getInput(), results);
}

LogicalResult AvgPoolGradOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentityPool(*this, getOutputGrad(), results);
}

/// With equal sizes and no scales of its own every mode maps a position to itself.
template <typename Op>
static LogicalResult foldIdentityResize(Op op, Value input,
                                        SmallVectorImpl<OpFoldResult> &results) {
  if (!keepsStaticType(op, input) || op.getScales())
    return failure();
  results.push_back(input);
  return success();
}

LogicalResult ResizeOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentityResize(*this, getInput(), results);
}

LogicalResult ResizeGradOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  return foldIdentityResize(*this, getOutputGrad(), results);
}

namespace {
/// A bias of zeros adds nothing (but for the sign of a zero result).
struct DropZeroBias : OpRewritePattern<ConvolutionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvolutionOp op, PatternRewriter &rewriter) const override {
    if (!op.getBias() || !matchPattern(op.getBias(), m_AnyZeroFloat()))
      return rewriter.notifyMatchFailure(op, "no bias that is a constant zero");
    rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
    return success();
  }
};
} // namespace

void ConvolutionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropZeroBias>(context);
}
