// What the importers do about calls and dead code.
#ifndef ABN_LIB_IMPORT_CALLS_H
#define ABN_LIB_IMPORT_CALLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::abn {

/// The function that an op calls; null for an op that is no call.
using CalleeFn = llvm::function_ref<StringAttr(Operation *)>;
/// That of a func.call.
StringAttr getCalleeOfCall(Operation *op);

/// A call that can reach its own function could never be inlined: an error at the call.
LogicalResult rejectRecursion(ModuleOp module, CalleeFn getCallee = getCalleeOfCall);

/// Replaces the calls that stand in a function's block by copies of their callees, and erases
/// private callees that nothing else names. The upstream inliner refuses unregistered ops and
/// crashes on ones with regions; this one copies any op. Calls of external functions stay. Needs
/// rejectRecursion.
LogicalResult inlineCalls(ModuleOp module, CalleeFn getCallee);

/// Erases what the conversions made and nobody read: masks, saved statistics, destinations.
void eraseUnused(func::FuncOp function);

} // namespace mlir::abn

#endif // ABN_LIB_IMPORT_CALLS_H
