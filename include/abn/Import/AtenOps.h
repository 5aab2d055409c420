// The importer of PyTorch's aten ops as a library, and what other stages ask about an aten op.
#ifndef ABN_IMPORT_ATENOPS_H
#define ABN_IMPORT_ATENOPS_H

#include "mlir/Support/LLVM.h"

namespace mlir {
class ModuleOp;
class Operation;
namespace abn {

/// Whether `op` is named `aten.…`.
bool isAtenOp(Operation *op);

/// Whether the result of `op` has the storage of its first operand in PyTorch, or copies it as it
/// is: views, slices, splits, aliases and clones.
bool isAtenView(Operation *op);

/// Converts every aten op of the module's functions to linalg, tensor, arith, math, abn and dnn.
/// Fails with a diagnostic at the op that could not be converted; the module is then half converted
/// and of no use.
LogicalResult importAten(ModuleOp module);

/// Writes one line per known overload, in PyTorch's schema notation, sorted.
void printKnownAtenOps(raw_ostream &os);

} // namespace abn
} // namespace mlir

#endif // ABN_IMPORT_ATENOPS_H
