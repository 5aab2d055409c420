// What the planner has to know of an op: its work, and what it may write over. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_OPCOST_H
#define ABN_LIB_PLAN_OPCOST_H

#include "mlir/IR/Operation.h"

namespace mlir::abn {

struct OpCost {
  /// Floating-point operations.
  int64_t flops = 0;
  /// A convolution, one of its gradients or a contraction.
  bool isHeavy = false;
  /// Element i of the result depends on element i of the full-size operands only.
  bool isElementwise = false;
};

/// Dynamic dimensions count as `dynamicSize`.
OpCost getOpCost(Operation *op, int64_t dynamicSize = 1);

/// The product of the sizes; dynamic dimensions count as `dynamicSize`.
int64_t getElementCount(Type type, int64_t dynamicSize = 1);

/// Whether the op's results can be computed again by a clone of it: no effects, no randomness but
/// its operands. What that costs, getOpCost says.
bool canComputeAgain(Operation *op);

/// Whether `op` may have the buffer of `operand`, which it reads, as its destination `init`.
bool mayWriteOver(Operation *op, OpOperand &operand, OpOperand &init);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_OPCOST_H
