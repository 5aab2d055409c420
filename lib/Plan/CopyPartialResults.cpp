// What leaves the step is contiguous: views that are not are copied, by ops that the planner sees.
#include "CopyPartialResults.h"
#include "abn/Plan/PlanModel.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::copyPartialResults(func::FuncOp func) {
  llvm::DenseMap<Value, Value> copies;
  for (Operation &op : func.getBody().front()) {
    if (!isa<func::ReturnOp, func::CallOp>(op))
      continue;
    for (OpOperand &operand : op.getOpOperands()) {
      Value view = operand.get();
      if (!isa<RankedTensorType>(view.getType()) || isContiguousFromStart(view))
        continue;
      Value &copy = copies[view];
      if (!copy) {
        OpBuilder b(func.getContext());
        b.setInsertionPointAfterValue(view);
        // A copy that canonicalization does not take for what it copies.
        copy = bufferization::AllocTensorOp::create(
            b, view.getLoc(), cast<RankedTensorType>(view.getType()), ValueRange(), view);
      }
      operand.set(copy);
    }
  }
}
