// The work of ops and what they may write over.
#include "OpCost.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;

int64_t mlir::abn::getElementCount(Type type, int64_t dynamicSize) {
  auto shaped = dyn_cast<ShapedType>(type);
  int64_t count = 1;
  if (shaped && shaped.hasRank())
    for (int64_t size : shaped.getShape())
      count *= ShapedType::isDynamic(size) ? dynamicSize : size;
  return count;
}

/// Two per multiply-add: each element of the output sums over the filter's elements of one group.
static int64_t getConvolutionFlops(Value output, Value filter, int64_t dynamicSize) {
  auto type = cast<ShapedType>(filter.getType());
  int64_t filters = std::max<int64_t>(type.getDimSize(0), 1);
  return 2 * getElementCount(output.getType(), dynamicSize) *
         (getElementCount(type, dynamicSize) / filters);
}

/// The iterations of a linalg op times the ops of its body.
static int64_t getLinalgFlops(linalg::LinalgOp op, int64_t dynamicSize) {
  int64_t iterations = 1;
  for (int64_t range : op.getStaticLoopRanges())
    iterations *= ShapedType::isDynamic(range) ? dynamicSize : range;
  int64_t perIteration =
      llvm::count_if(op.getBlock()->without_terminator(), [](Operation &) { return true; });
  return iterations * perIteration;
}

static bool isElementwiseLinalg(linalg::LinalgOp op) {
  return op.getNumParallelLoops() == op.getNumLoops() && !op.hasIndexSemantics() &&
         llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
           return op.getMatchingIndexingMap(&init).isIdentity();
         });
}

OpCost mlir::abn::getOpCost(Operation *op, int64_t dynamicSize) {
  OpCost cost;
  llvm::TypeSwitch<Operation *>(op)
      .Case<dnn::ConvolutionOp>([&](auto conv) {
        cost.flops = getConvolutionFlops(conv->getResult(0), conv.getFilter(), dynamicSize);
        cost.isHeavy = true;
      })
      .Case<dnn::ConvolutionInputGradOp>([&](auto conv) {
        cost.flops = getConvolutionFlops(conv.getOutputGrad(), conv.getFilter(), dynamicSize);
        cost.isHeavy = true;
      })
      .Case<dnn::ConvolutionWeightGradOp>([&](auto conv) {
        cost.flops = getConvolutionFlops(conv.getOutputGrad(), conv->getResult(0), dynamicSize);
        cost.isHeavy = true;
      })
      .Case<ActivationOp, ActivationGradOp, ActivationInverseOp, BatchNormInferenceOp>(
          [&](auto elementwise) {
            cost.flops = 4 * getElementCount(elementwise->getResult(0).getType(), dynamicSize);
            cost.isElementwise = true;
          })
      .Case<linalg::LinalgOp>([&](linalg::LinalgOp linalgOp) {
        cost.flops = getLinalgFlops(linalgOp, dynamicSize);
        cost.isHeavy = linalg::isaContractionOpInterface(linalgOp) ||
                       (linalg::isaConvolutionOpInterface(linalgOp) &&
                        !StringRef(op->getName().getStringRef()).contains("pooling"));
        cost.isElementwise = isElementwiseLinalg(linalgOp);
      })
      .Default([&](Operation *other) {
        for (Value result : other->getResults())
          cost.flops += getElementCount(result.getType(), dynamicSize);
      });
  return cost;
}

bool mlir::abn::canComputeAgain(Operation *op) {
  if (!isMemoryEffectFree(op) || op->getNumResults() == 0 ||
      !llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.getNumParallelLoops() == linalgOp.getNumLoops() || getOpCost(op).isHeavy ||
           linalg::isaConvolutionOpInterface(linalgOp);
  return isa<ActivationOp, ActivationInverseOp, BatchNormInferenceOp, InplaceForwardOp,
             InplaceInferenceOp, RecoverOp, dnn::ConvolutionOp, dnn::MaxPoolOp, dnn::AvgPoolOp,
             dnn::ResizeOp, tensor::PadOp, tensor::InsertSliceOp>(op);
}

bool mlir::abn::mayWriteOver(Operation *op, OpOperand &operand, OpOperand &init) {
  if (operand.get().getType() != init.get().getType())
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    // Other reads of the same tensor must be of the same element.
    return isElementwiseLinalg(linalgOp) &&
           llvm::all_of(linalgOp->getOpOperands(), [&](OpOperand &other) {
             return other.get() != operand.get() ||
                    linalgOp.getMatchingIndexingMap(&other).isIdentity();
           });
  }
  if (isa<ActivationOp, ActivationGradOp, ActivationInverseOp, BatchNormInferenceOp, BatchNormOp,
          BatchNormGradOp, BatchNormInferenceGradOp, RecoverOp>(op))
    return cast<ShapedType>(operand.get().getType()).getRank() > 1;
  return false;
}
