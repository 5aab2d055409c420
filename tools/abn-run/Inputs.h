// The arguments of a step: arrays from a file, or pseudo-random ones.
#ifndef ABN_TOOLS_ABN_RUN_INPUTS_H
#define ABN_TOOLS_ABN_RUN_INPUTS_H

#include "Npz/Npz.h"
#include "Step.h"

namespace mlir::abn::run {

/// Reads an array for each argument. A file that has an array `arg0` names them by position
/// (`arg0`, `arg1`, ...), any other by `abn.name`. Shapes and element types must be the step's:
/// bf16 takes its bits (uint16, or numpy's two bytes without a type) or float32, which is rounded
/// to nearest even; i1 takes bool, or bytes of which all but 0 are true; the sign of integers does
/// not matter.
llvm::Expected<std::vector<npz::Array>> readInputs(const Step &step, llvm::StringRef path);

struct RandomOptions {
  uint64_t seed = 0;
  /// Integer arguments with dimensions are drawn from [0, classes); 0: nobody said how many.
  int64_t classes = 0;
};

/// Pseudo-random arrays, the same on every machine. Floating-point parameters with two dimensions
/// and more are normal with variance 2 / (elements / the larger of first and last size), other
/// parameters, buffers and states uniform in [0.5, 1.5) (0.01 where they are scalars), all else
/// normal with variance 1. Integers without dimensions are 0, booleans true.
llvm::Expected<std::vector<npz::Array>> generateInputs(const Step &step,
                                                       const RandomOptions &options);

/// The value of element `i` of an array; of uint16 and void16 arrays that hold bf16, if `isBF16`.
double getElement(const npz::Array &array, int64_t i, bool isBF16);

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_INPUTS_H
