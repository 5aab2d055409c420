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
  /// Whether values may be given back by the graph's `rebuilds`.
  bool mayRebuild = true;
  /// Bytes that the arena must not exceed. Convolutions are computed again too if nothing else
  /// meets it.
  std::optional<int64_t> budget;
  /// The bytes of an arena that is there anyway, in place of the objective: the least recomputation
  /// that fits, or the smallest arena if none does.
  std::optional<int64_t> target;
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
  /// By rising cost and falling arena; no point is better than another in both. If a budget is
  /// refused, the last one's arena is the smallest that would not be.
  std::vector<PlanPoint> curve;
  /// The chosen one, an index of `curve`; kNone if the budget is below every plan's arena.
  unsigned chosen = kNone;
  /// No schedule of the step has a smaller arena; `lowerBoundWithoutHeavy`: none that recomputes no
  /// convolution.
  int64_t lowerBound = 0, lowerBoundWithoutHeavy = 0;
};

/// Plans a step. The result is the same for the same graph and options.
PlannerResult planStep(const StepGraph &graph, const PlannerOptions &options);

/// How long the packer searches where plans are compared, and where that matters less; the last
/// word is abn-assign-offsets'.
constexpr int64_t kCarefulNodes = 50'000, kHurriedNodes = 5'000;

/// The order of the ops, each once, with the smallest arena of a portfolio: the given order, which
/// also wins a draw, weight gradients early or late, depth first, greedy.
PlanPoint reorderStep(const StepGraph &graph, int64_t alignment, int64_t nodeLimit = kCarefulNodes);

/// The same for the steps of a schedule, recomputations among them.
PlanPoint reorderSchedule(const StepGraph &graph, const Schedule &schedule, int64_t alignment,
                          int64_t nodeLimit = kCarefulNodes);

/// Bytes that no schedule's arena is smaller than; without `recomputeHeavy`, none's that runs each
/// convolution of the forward once. A bound of rounded sizes would be above the arena of a plan
/// whose last buffer is not rounded.
int64_t computeLowerBound(const StepGraph &graph, bool recomputeHeavy);

} // namespace mlir::abn::plan

#endif // ABN_PLAN_PLANNER_H
