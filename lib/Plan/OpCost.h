// What the planner has to know of an op: its work, and what it may write over. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_OPCOST_H
#define ABN_LIB_PLAN_OPCOST_H

#include "mlir/IR/Operation.h"

namespace mlir::abn {

struct OpCost {
  /// Floating-point operations; dynamic dimensions count as 1.
  int64_t flops = 0;
  /// A convolution, one of its gradients or a contraction.
  bool isHeavy = false;
  /// Element i of the result depends on element i of the full-size operands only.
  bool isElementwise = false;
};

OpCost getOpCost(Operation *op);

/// The product of the static sizes.
int64_t getElementCount(Type type);

/// Whether the op's results can be computed again by a clone of it: no effects, no randomness but
/// its operands. What that costs, getOpCost says.
bool canComputeAgain(Operation *op);

/// Whether `op` may have the buffer of `operand`, which it reads, as its destination `init`.
bool mayWriteOver(Operation *op, OpOperand &operand, OpOperand &init);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_OPCOST_H
