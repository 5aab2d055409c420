// The end of abn-compile: from a host module in the LLVM dialect to what is written.
#ifndef ABN_TOOLS_ABNCOMPILE_HOSTMODULE_H
#define ABN_TOOLS_ABNCOMPILE_HOSTMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace mlir {
class DialectRegistry;

namespace abn {

/// Registers what emitObject and emitLlvm need.
void registerHostTranslations(DialectRegistry &registry);

/// The module, with its kernels, as LLVM IR in text form, or as a relocatable object for this
/// machine. Fails with an error at the module.
FailureOr<std::string> emitLlvm(ModuleOp module);
FailureOr<std::string> emitObject(ModuleOp module);

/// Refuses a module whose kernels are several images: all but the first would be lost.
LogicalResult checkImages(ModuleOp module);
/// The image of the module's kernels, as the driver gets it. Fails with an error at the module if
/// there is not one.
FailureOr<std::string> getKernels(ModuleOp module);

} // namespace abn
} // namespace mlir

#endif // ABN_TOOLS_ABNCOMPILE_HOSTMODULE_H
