// The portfolio: first schedules, held values at several limits, the choice.
#include "abn/Plan/Planner.h"
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace mlir::abn::plan;

static PlanPoint makePoint(const StepGraph &graph, Schedule schedule, int64_t alignment) {
  Evaluation evaluation = evaluate(graph, schedule, alignment);
  return {std::move(schedule), packArena(evaluation, alignment), evaluation.maxLive,
          evaluation.cost};
}

PlannerResult mlir::abn::plan::planStep(const StepGraph &graph, const PlannerOptions &options) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  PlannerResult result;
  Schedule best;
  int64_t bestLive = std::numeric_limits<int64_t>::max();
  for (bool moveSinks : {true})
    for (double ratio : {1.0, 0.5, 2.0, kNever})
      for (unsigned depth : {32u, 8u, 0u}) {
        ScheduleOptions first;
        first.moveSinks = moveSinks;
        first.deferRatio = ratio;
        first.maxDepth = depth;
        Schedule schedule = buildSchedule(graph, first);
        Evaluation e = evaluate(graph, schedule, options.alignment);
        if (getenv("ABN_PLAN_DEBUG"))
          fprintf(stderr,
                  "move %d ratio %g depth %u: live %.1f steps %zu recompute %.1f copies %u "
                  "complete %d\n",
                  moveSinks, ratio, depth, e.maxLive / 1048576., schedule.size(),
                  e.cost.bytes / 1048576., e.copies, isComplete(graph, schedule));
        if (e.maxLive < bestLive) {
          bestLive = e.maxLive;
          best = schedule;
        }
      }
  for (double factor : {1.0, 1.01, 1.02, 1.03, 1.05, 1.1, 1.2, 1.5, 2.0, 10.}) {
    Schedule held = holdValues(graph, best, bestLive * factor, options.alignment);
    result.curve.push_back(makePoint(graph, held, options.alignment));
    if (getenv("ABN_PLAN_DEBUG"))
      fprintf(stderr, "limit %.1f: arena %.1f live %.1f recompute %.1f steps %zu\n",
              bestLive * factor / 1048576., result.curve.back().arena / 1048576.,
              result.curve.back().maxLive / 1048576., result.curve.back().cost.bytes / 1048576.,
              held.size());
  }
  result.chosen = 0;
  return result;
}
