// How far the results of a step are from a reference, and how far they may be.
#ifndef ABN_TOOLS_ABN_RUN_COMPARE_H
#define ABN_TOOLS_ABN_RUN_COMPARE_H

#include "Npz/Npz.h"
#include "Step.h"

namespace mlir::abn::run {

/// Norms are Euclidean over a result; `scale` is the norm of the reference, and of a parameter that
/// the step updates, of how far the reference moved it: a wrong gradient would not show beside the
/// parameter. The tolerance is
///     nativeFactor * ||native - reference|| + rtol * scale + atol * sqrt(elements)
/// with the exporting framework's own result, if the file has it, as `native`.
struct Tolerance {
  double rtol = 1e-4;
  /// Nothing: 1e-6 of the median over the results of the root mean square of a reference.
  std::optional<double> atol;
  /// Nothing: 20, or 3 if a result is f16 or bf16.
  std::optional<double> nativeFactor;
};

/// One result against its reference.
struct Verdict {
  const Slot *slot = nullptr;
  bool agrees = false;
  /// Integers and booleans must be equal; the numbers below are then unused.
  bool isFloating = false;
  /// ||result - reference||, the tolerance, and what both are relative to.
  double error = 0, tolerance = 0, scale = 0;
  std::optional<double> nativeError;
  /// Of a single element.
  double maxAbsoluteError = 0;
  /// The scale is zero but for rounding: relative errors say nothing.
  bool isDegenerate = false;
  /// Elements where one side is NaN or infinite and the other is not the same, or unequal integers.
  int64_t unequal = 0;
  /// Why it does not agree.
  std::string problem;
};

/// Compares all results with `ref0`, `ref1`, ... of a file (or `result0`, ... as abn-run writes
/// them); `native0`, ... and `meta` are used if they are there. `arguments` are the step's. Arrays
/// that are missing, have no numbers or another shape than the result are errors that name them.
llvm::Expected<std::vector<Verdict>> compareResults(const Step &step,
                                                    llvm::ArrayRef<npz::Array> arguments,
                                                    llvm::ArrayRef<npz::Array> results,
                                                    llvm::StringRef path,
                                                    const Tolerance &tolerance);

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_COMPARE_H
