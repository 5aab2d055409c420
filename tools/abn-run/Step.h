// A training step from a file at any stage, as a module that runs on the host and launches kernels.
#ifndef ABN_TOOLS_ABN_RUN_STEP_H
#define ABN_TOOLS_ABN_RUN_STEP_H

#include "Npz/Npy.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <optional>

namespace mlir::abn::run {

namespace npz = ::abn::npz;

struct StepOptions {
  std::string path;
  /// The function to run; empty: `main`, or the only public one.
  std::string function;
  /// Options of abn-optimize, abn-plan and abn-to-gpu, in their own syntax.
  std::string optimize, plan, toGpu;
  /// The chip that abn-plan plans for unless `plan` names one.
  std::string chip;
};

/// An argument or a result of the step.
struct Slot {
  bool isResult = false;
  unsigned index = 0;
  /// `abn.name` and `abn.role`; empty if there are none.
  std::string name, role;
  MemRefType type;

  /// ``argument 3 (`fc.bias`)``, for messages.
  std::string describe() const;
};

struct Step {
  OwningOpRef<ModuleOp> module;
  std::string function;
  /// What the file held: aten, stablehlo, tensors or buffers.
  std::string stage;
  /// Without the arena, if that is an argument.
  std::vector<Slot> arguments, results;
  /// The last argument is the arena, of so many bytes.
  std::optional<int64_t> arenaArgumentBytes;
  /// The planned arena; nothing if the step has none, or its size is computed when it runs.
  std::optional<int64_t> arenaBytes;
  /// What each version of the step (one, unless it chooses when it runs) takes of the device beside
  /// its arguments, if the arena is known: the arena, the module's constants that the version
  /// reads, and results that are not in the arena.
  SmallVector<int64_t> plannedBytes;
};

/// Reads and compiles the step: an imported graph is optimised and planned, tensors are planned
/// (and optimised, unless a plan is there), buffers are taken as they are; then abn-to-gpu. What is
/// wrong in the file is diagnosed at its place; the error says which step of this failed.
llvm::Expected<Step> compileStep(MLIRContext &context, const StepOptions &options);

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_STEP_H
