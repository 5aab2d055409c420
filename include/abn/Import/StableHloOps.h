// The importer of StableHLO as a library, and what other stages ask about its ops.
#ifndef ABN_IMPORT_STABLEHLOOPS_H
#define ABN_IMPORT_STABLEHLOOPS_H

#include "mlir/Support/LLVM.h"

namespace mlir {
class ModuleOp;
class Operation;
namespace abn {

/// Whether `op` is named `stablehlo.…` or `chlo.…`.
bool isStableHloOp(Operation *op);

/// Whether the op only moves its operand: reshapes, transposes, broadcasts, slices.
bool isStableHloView(Operation *op);

/// Inlines the calls and composites of the module, and converts its stablehlo and chlo ops to
/// linalg, tensor, arith, math, abn and dnn. Fails with a diagnostic at the op that could not be
/// converted; the module is then half converted and of no use.
LogicalResult importStableHlo(ModuleOp module);

/// Writes one line per known op, sorted.
void printKnownStableHloOps(raw_ostream &os);

} // namespace abn
} // namespace mlir

#endif // ABN_IMPORT_STABLEHLOOPS_H
