// A compiled step in this process: LLVM's ORC for its host code, a target's runtime for the rest.
#ifndef ABN_TOOLS_ABN_RUN_EXECUTION_H
#define ABN_TOOLS_ABN_RUN_EXECUTION_H

#include "Npz/Npy.h"
#include "Step.h"
#include "Target.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"

namespace mlir::abn::run {

/// What one call of the step gave.
struct Outcome {
  /// In host memory; elements as getDtype says.
  std::vector<npz::Array> results;
  /// Device memory: of the arguments, and the most that the step took beside them (0 where the
  /// target does not count). An arena that is an argument is the step's.
  uint64_t argumentBytes = 0, stepBytes = 0;
  /// The first error, if there was any; the results are then empty.
  std::string error;
  /// The emulator's report.
  std::string report;
};

/// numpy's type for the elements of a buffer: bf16 as its bits (uint16), i1 as bool; nothing for
/// types that are not run (complex, i24, ...).
std::optional<npz::Dtype> getDtype(mlir::Type element);

class Execution {
public:
  /// Compiles the host code and loads the kernels.
  static llvm::Expected<std::unique_ptr<Execution>> create(Step &step, const Runtime &runtime);

  /// Copies the arguments (of the dtypes and shapes of the step's) to the device, calls the step,
  /// and copies its results back. Frees what the step left.
  llvm::Expected<Outcome> run(llvm::ArrayRef<npz::Array> arguments, const Schedule &schedule);

private:
  Execution(Step &step, const Runtime &runtime) : step(step), runtime(runtime) {}

  Step &step;
  const Runtime &runtime;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_EXECUTION_H
