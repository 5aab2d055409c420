// Schedules of a training step: where weight gradients run, what is computed again and when, what
// is held instead. Plain C++ without MLIR.
#ifndef ABN_PLAN_SCHEDULES_H
#define ABN_PLAN_SCHEDULES_H

#include "abn/Plan/StepGraph.h"

namespace mlir::abn::plan {

/// How a first schedule is made.
struct ScheduleOptions {
  /// An op of the backward whose results only reach outputs (a weight gradient with its update) is
  /// put off to the end if its results are larger than this times its operands. Otherwise it
  /// runs as soon as it can.
  double deferRatio = 1.0;
  /// Whether weight gradients move at all; false keeps the traced order.
  bool moveSinks = true;
  /// Forward values that can be computed again are: each before each of its backward readers.
  bool recompute = true;
  /// A value that takes more than this many ops in a row to compute again is kept.
  unsigned maxDepth = 32;
  /// By value: the op that gives it again in place of `GraphValue::recipe`, one of its `rebuilds`;
  /// empty if none does.
  std::vector<unsigned> rebuiltBy;
  /// Heavy ops whose results are computed again too, by op.
  std::vector<bool> recomputedHeavy;
};

/// A complete schedule in which everything that may be recomputed is, as late as possible.
Schedule buildSchedule(const StepGraph &graph, const ScheduleOptions &options);

/// Which members of the classes of values that give each other back are not kept, for the smallest
/// peak: `ScheduleOptions::rebuiltBy`, empty if keeping all is best.
std::vector<unsigned> chooseMembers(const StepGraph &graph);

/// Takes recomputations out of a schedule and holds the values instead, the shortest time first, as
/// long as no more than a limit of bytes are live at any step. What is already above stays as it
/// is. For each of the rising `limits` the schedule; each goes on from the one before.
std::vector<Schedule> holdValues(const StepGraph &graph, const Schedule &schedule,
                                 const std::vector<int64_t> &limits);

/// Every op once, the one that adds the fewest live bytes first.
Schedule scheduleGreedily(const StepGraph &graph);

/// Every op once, right before its first reader.
Schedule scheduleDepthFirst(const StepGraph &graph);

} // namespace mlir::abn::plan

#endif // ABN_PLAN_SCHEDULES_H
