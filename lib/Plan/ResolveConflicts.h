// Makes every write of a step legal in place. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_RESOLVECONFLICTS_H
#define ABN_LIB_PLAN_RESOLVECONFLICTS_H

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// Whether the function is one block whose nested regions write no tensor and give none out (those
/// of a `tensor.pad` hold scalars): what resolveConflicts takes.
bool isFlat(func::FuncOp func);

/// Gives every op that would overwrite what is still read (or what it may not write) a tensor of
/// its own, with a copy if it reads the old contents, so that bufferization without analysis is
/// right. So it does where an op updates the last part of a buffer that anybody reads, unless the
/// caller owns it: the planner counts the part then, not the buffer. Linear: upstream's analysis
/// compares all reads of a buffer with all its writes at every op, which is cubic in a deep
/// network's residual gradient.
void resolveConflicts(func::FuncOp func, const bufferization::BufferizationOptions &options);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_RESOLVECONFLICTS_H
