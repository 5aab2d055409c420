// Lets gradients of activations read the output. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_GRADIENTSFROMOUTPUT_H
#define ABN_LIB_PLAN_GRADIENTSFROMOUTPUT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// Where an activation's gradient from z is bit by bit the one from y, it reads z: the next
/// convolution's weight gradient needs z too, so that one tensor serves both.
void readOutputsInGradients(func::FuncOp func);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_GRADIENTSFROMOUTPUT_H
