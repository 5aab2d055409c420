// Other orders of a step's ops, or of a schedule's steps, without any recomputation of their own.
#include "abn/Plan/Planner.h"
#include "abn/Plan/Schedules.h"
#include <utility>

using namespace mlir::abn::plan;

/// The portfolio; the given order is the first.
static std::vector<Schedule> listOrders(const StepGraph &graph) {
  std::vector<Schedule> orders{graph.order};
  for (double ratio : {1.0, 0.5, 2.0}) {
    ScheduleOptions options;
    options.recompute = false;
    options.deferRatio = ratio;
    orders.push_back(buildSchedule(graph, options));
  }
  orders.push_back(scheduleDepthFirst(graph));
  orders.push_back(scheduleGreedily(graph));
  return orders;
}

/// The schedule with the smallest arena, the first of equals.
static PlanPoint chooseSmallest(const StepGraph &graph, std::vector<Schedule> schedules,
                                int64_t alignment, int64_t nodeLimit) {
  PlanPoint best;
  for (Schedule &schedule : schedules) {
    Evaluation evaluation = evaluate(graph, schedule);
    // One whose live bytes are above another's arena cannot beat it.
    bool isFirst = best.schedule.empty();
    if (!isFirst && evaluation.maxLive >= best.arena)
      continue;
    int64_t arena = packArena(evaluation, alignment, nodeLimit);
    if (isFirst || arena < best.arena)
      best = {std::move(schedule), arena, evaluation.maxLive, evaluation.cost};
  }
  return best;
}

namespace {
/// A schedule as a graph of its own: an op for each step, a value for each computation of one.
class ScheduleGraph {
public:
  ScheduleGraph(const StepGraph &graph, const Schedule &schedule)
      : graph(graph), schedule(schedule), current(graph.values.size(), kNone) {
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isExternal)
        addValue(value);
    std::vector<bool> inOrder(graph.ops.size()), hasRun(graph.ops.size());
    for (unsigned op : graph.order)
      inOrder[op] = true;
    for (unsigned step = 0; step < schedule.size(); ++step) {
      unsigned op = schedule[step];
      addStep(step, /*isAgain=*/!inOrder[op] || hasRun[op]);
      hasRun[op] = true;
    }
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (current[value] != kNone)
        made.values[current[value]].isOutput = graph.values[value].isOutput;
  }

  const StepGraph &get() const { return made; }

private:
  unsigned addValue(unsigned value) {
    GraphValue added = graph.values[value];
    added.recipe = kNone;
    added.rebuilds.clear();
    added.isOutput = false;
    made.values.push_back(std::move(added));
    return current[value] = made.values.size() - 1;
  }

  void addStep(unsigned step, bool isAgain) {
    GraphOp op = graph.ops[schedule[step]];
    op.isForward = op.isForward && !isAgain;
    op.isRecomputation = op.isRecomputation || isAgain;
    for (unsigned &read : op.reads)
      read = current[read];
    for (GraphResult &result : op.results) {
      // A constant may stand right before each of its readers.
      bool isConstant = op.reads.empty() && graph.values[result.value].recipe == schedule[step];
      result.value = addValue(result.value);
      if (isConstant)
        made.values[result.value].recipe = step;
    }
    made.ops.push_back(std::move(op));
    made.order.push_back(step);
  }

  const StepGraph &graph;
  const Schedule &schedule;
  /// By value: its last computation.
  std::vector<unsigned> current;
  StepGraph made;
};
} // namespace

PlanPoint mlir::abn::plan::reorderStep(const StepGraph &graph, int64_t alignment,
                                       int64_t nodeLimit) {
  return chooseSmallest(graph, listOrders(graph), alignment, nodeLimit);
}

PlanPoint mlir::abn::plan::reorderSchedule(const StepGraph &graph, const Schedule &schedule,
                                           int64_t alignment, int64_t nodeLimit) {
  std::vector<Schedule> orders = listOrders(ScheduleGraph(graph, schedule).get());
  for (Schedule &order : orders)
    for (unsigned &step : order)
      step = schedule[step];
  return chooseSmallest(graph, std::move(orders), alignment, nodeLimit);
}
