// The project's passes. Options and documentation: Passes.td.
#ifndef ABN_PASSES_H
#define ABN_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir::abn {

#define GEN_PASS_DECL
#include "abn/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "abn/Passes.h.inc"

} // namespace mlir::abn

#endif // ABN_PASSES_H
