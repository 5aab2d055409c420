// Effects and shape reification of the abn ops. Their constraints: AbnVerifiers.cpp.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::abn;

#define GET_OP_CLASSES
#include "abn/AbnOps.cpp.inc"

bool mlir::abn::isOverwrittenInPlace(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (!isa<InplaceForwardOp, InplaceBackwardOp, InplaceInferenceOp, InplaceInferenceBackwardOp>(op))
    return false;
  auto destination = cast<DestinationStyleOpInterface>(op);
  return destination.getDpsInitOperand(0) == &operand;
}

/// Reads and writes of memref operands; tensors have none.
static void
getStructuredEffects(DestinationStyleOpInterface op,
                     SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isDestination = op.isDpsInit(&operand);
    if (!isDestination || isOverwrittenInPlace(operand))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (isDestination)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

/// A result has its destination's shape.
static LogicalResult reifyShapesOfInits(OpBuilder &b, DestinationStyleOpInterface op,
                                        ReifiedRankedShapedTypeDims &shapes) {
  for (OpOperand &init : op.getDpsInitsMutable())
    shapes.push_back(tensor::getMixedSizes(b, op->getLoc(), init.get()));
  return success();
}

#define ABN_STRUCTURED_OP(OP)                                                                      \
  void OP::getEffects(                                                                             \
      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {              \
    getStructuredEffects(*this, effects);                                                          \
  }                                                                                                \
  LogicalResult OP::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {         \
    return reifyShapesOfInits(b, *this, shapes);                                                   \
  }

ABN_STRUCTURED_OP(BatchNormOp)
ABN_STRUCTURED_OP(BatchNormGradOp)
ABN_STRUCTURED_OP(BatchNormInferenceOp)
ABN_STRUCTURED_OP(BatchNormInferenceGradOp)
ABN_STRUCTURED_OP(ActivationOp)
ABN_STRUCTURED_OP(ActivationGradOp)
ABN_STRUCTURED_OP(ActivationInverseOp)
ABN_STRUCTURED_OP(InplaceForwardOp)
ABN_STRUCTURED_OP(InplaceBackwardOp)
ABN_STRUCTURED_OP(InplaceInferenceOp)
ABN_STRUCTURED_OP(InplaceInferenceBackwardOp)
ABN_STRUCTURED_OP(RecoverOp)
#undef ABN_STRUCTURED_OP
