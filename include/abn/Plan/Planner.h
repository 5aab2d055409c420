// The planner: what is kept, what is computed again and when, against one number, the bytes of the
// packed arena. Plain C++ without MLIR.
#ifndef ABN_PLAN_PLANNER_H
#define ABN_PLAN_PLANNER_H

#include "abn/Plan/StepGraph.h"
#include <optional>

namespace mlir::abn::plan {

/// What the planner minimises.
enum class Objective {
  Peak,     // the smallest arena, whatever it recomputes
  Balanced, // the least recomputation within 3 % of the smallest arena
  Time      // no recomputation
};

struct PlannerOptions {
  Objective objective = Objective::Balanced;
  /// Bytes that the arena must not exceed. Convolutions are computed again too if nothing else
  /// meets it.
  std::optional<int64_t> budget;
  /// Offsets are multiples of it.
  int64_t alignment = 256;
};

/// One plan on the curve of budget, peak and cost.
struct PlanPoint {
  Schedule schedule;
  int64_t arena = 0, maxLive = 0;
  RecomputeCost cost;
};

struct PlannerResult {
  /// By falling arena and rising cost; no point is better than another in both.
  std::vector<PlanPoint> curve;
  /// The chosen one, an index of `curve`; kNone if the budget is below every plan's arena.
  unsigned chosen = kNone;
  /// No schedule of the step has a smaller arena; `lowerBoundWithoutHeavy`: none that recomputes no
  /// convolution.
  int64_t lowerBound = 0, lowerBoundWithoutHeavy = 0;
};

PlannerResult planStep(const StepGraph &graph, const PlannerOptions &options);

} // namespace mlir::abn::plan

#endif // ABN_PLAN_PLANNER_H
