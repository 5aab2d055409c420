// One placement for all sizes: the order of the buffers in the arena is fixed, their offsets follow
// from it. Private to lib/Plan; no MLIR types.
#ifndef ABN_LIB_PLAN_PARAMETRICPACK_H
#define ABN_LIB_PLAN_PARAMETRICPACK_H

#include <cstdint>
#include <vector>

namespace mlir::abn::plan {

/// c[0] + c[1] * s1 + c[2] * s2 + ... bytes, where no symbol and no coefficient is negative. One
/// form is not larger than another, whatever the symbols are, if none of its coefficients is, nor
/// than the larger of two if it is not larger than a weighted mean of them.
using Form = std::vector<int64_t>;

/// Stands for the largest of the forms, of which none is below another.
using Forms = std::vector<Form>;

struct ParametricBuffer {
  /// First and last step.
  int64_t lower, upper;
  Form size;
};

struct ParametricProblem {
  std::vector<ParametricBuffer> buffers;
  /// What the plan is tuned for: 1 and a value for each symbol.
  std::vector<int64_t> at;
  int64_t alignment = 1;
  int64_t nodeLimit = 0;
};

struct ParametricPlan {
  std::vector<Forms> offsets;
  Forms arena;
  /// In bytes where the symbols are `at`.
  int64_t arenaBytes = 0, lowerBound = 0, maxLive = 0;
};

/// Solves the problem where the symbols are `at` and keeps who is below whom: a buffer begins where
/// the highest of those ends that are below it and live with it. That is valid for all symbols, and
/// where they are `at` not larger than the solution, but for sizes: each coefficient is rounded up
/// to the alignment.
ParametricPlan packParametric(const ParametricProblem &problem);

} // namespace mlir::abn::plan

#endif // ABN_LIB_PLAN_PARAMETRICPACK_H
