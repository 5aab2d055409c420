// Unsigned integers: linalg and arith know signless ones, whose ops say how to read them.
#ifndef ABN_LIB_IMPORT_STABLEHLO_SIGNLESS_H
#define ABN_LIB_IMPORT_STABLEHLO_SIGNLESS_H

#include "HloOp.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn::hlo {

/// Gives every value of the function, its arguments and results included, a signless type, and
/// keeps in `state` which ops had unsigned operands or results.
void makeSignless(func::FuncOp function, FunctionState &state);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_SIGNLESS_H
