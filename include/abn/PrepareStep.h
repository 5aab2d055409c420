// The front of tools that take a training step at any stage and want it planned.
#ifndef ABN_PREPARESTEP_H
#define ABN_PREPARESTEP_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include <string>

namespace mlir::abn {

struct PrepareStepOptions {
  /// Options of the pipelines as abn-opt takes them: "numerics=exact objective=peak".
  std::string optimize, plan;
  /// What abn-plan's `chip` is if `plan` does not say.
  std::string chip;
};

/// Adds to `pm` what `module` lacks of a step on views of one arena: the import if it has ops of a
/// front end (aten, stablehlo, chlo), abn-optimize if no plan was made, abn-plan if there are
/// tensors in a function's body or type. A step that is planned needs nothing. Returns what the
/// module holds: `aten`, `stablehlo`, `tensors` or `buffers`. Fails, with an error at the module,
/// where options are given for a pipeline that does not run, or are not its own. Precondition:
/// passes and pipelines are registered.
FailureOr<StringRef> addPreparation(OpPassManager &pm, ModuleOp module,
                                    const PrepareStepOptions &options);

} // namespace mlir::abn

#endif // ABN_PREPARESTEP_H
