// What the exporter called the arguments and results.
#ifndef ABN_LIB_IMPORT_STABLEHLO_NAMES_H
#define ABN_LIB_IMPORT_STABLEHLO_NAMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn::hlo {

/// Gives arguments and results an `abn.name`, unless they have one: JAX's `jax.result_info` and the
/// names of arguments' locations. Roles are kept and never guessed. Attributes of the front end's
/// own dialects go, since nothing reads them afterwards.
void nameArgumentsAndResults(func::FuncOp function);

/// Whether an attribute belongs to a front end.
bool isFrontEndAttribute(StringRef name);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_NAMES_H
