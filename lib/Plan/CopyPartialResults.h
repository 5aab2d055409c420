// Copies of what a step returns or gives to a call as a part of a buffer. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_COPYPARTIALRESULTS_H
#define ABN_LIB_PLAN_COPYPARTIALRESULTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// Gives what is returned, or passed to a call, a tensor of its own where it is a view whose
/// elements are not in a row from the first byte of a buffer on. Bufferization copies such a view
/// where it is returned; as an op of the graph the copy is planned: it is counted, and what it is a
/// part of dies with it.
void copyPartialResults(func::FuncOp func);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_COPYPARTIALRESULTS_H
