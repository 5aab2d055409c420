// The arena of a step as abn-verify-plan finds it. Private to the checker.
#ifndef ABN_LIB_PLAN_ARENAUSES_H
#define ABN_LIB_PLAN_ARENAUSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::abn {

/// The one buffer of bytes with `abn.arena`, null if there is none: an argument, a view from 0 of
/// such an argument, or an allocation of the function's block. An error if there are others, or if
/// anything but a slot gives its bytes a name.
FailureOr<Value> findArena(func::FuncOp func);

/// Whether the view is there only for the versions of a step that `func` chooses between. Each of
/// them is checked for itself.
bool isForVersions(memref::ViewOp view, func::FuncOp func);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_ARENAUSES_H
