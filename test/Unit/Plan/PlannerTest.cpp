// The planner against slow and simple counterparts, on random graphs. Prints what failed and exits
// with 1.
#include "abn/Plan/Planner.h"
#include "RandomGraph.h"
#include "Reference.h"
#include "abn/Pack/PackSolver.h"
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <cstdio>
#include <optional>

using namespace planner_test;
using namespace mlir::abn::plan;

static unsigned failures = 0;

/// `problem` says what is wrong with a graph; nothing if it is empty.
static void expect(const std::string &problem, const char *what, uint64_t seed,
                   const StepGraph &graph) {
  if (problem.empty())
    return;
  // The first few say enough.
  if (++failures <= 5)
    std::printf("WRONG: %s, seed %llu: %s\n%s", what, static_cast<unsigned long long>(seed),
                problem.c_str(), describe(graph).c_str());
}

static std::string unless(bool holds, const std::string &problem) { return holds ? "" : problem; }

/// Options of a first schedule, different ones from seed to seed.
static ScheduleOptions makeOptions(uint64_t seed, const StepGraph &graph) {
  Random random(seed + 1000);
  ScheduleOptions options;
  options.deferRatio = 0.5 * (1 + random.below(4));
  options.moveSinks = random.chance(70);
  options.recompute = random.chance(85);
  options.maxDepth = random.chance(50) ? 32 : 1 + random.below(6);
  if (random.chance(30))
    for (const GraphOp &op : graph.ops)
      options.recomputedHeavy.push_back(op.isHeavy && random.chance(50));
  return options;
}

/// Half of the graphs are training steps, half are not like anything.
static StepGraph makeGraph(uint64_t seed) {
  bool hasDonated = seed % 4 < 2;
  if (seed % 2)
    return makeTrainingStep(seed, 1 + seed % 17, hasDonated);
  GraphShape shape;
  shape.ops = 4 + seed % 37;
  shape.heavyPercent = seed % 3 ? 15 : 35;
  shape.hasDonated = hasDonated;
  return makeRandomGraph(seed, shape);
}

static int64_t pickAlignment(uint64_t seed) { return seed % 3 ? 256 : 1; }

/// With what chooseMembers says, or something else.
static void addRebuilds(uint64_t seed, const StepGraph &graph, ScheduleOptions &options) {
  Random random(seed + 2000);
  if (random.chance(50)) {
    options.rebuiltBy = chooseMembers(graph);
    return;
  }
  options.rebuiltBy.assign(graph.values.size(), kNone);
  for (unsigned value = 0; value < graph.values.size(); ++value)
    if (const auto &rebuilds = graph.values[value].rebuilds; !rebuilds.empty() && random.chance(50))
      options.rebuiltBy[value] = rebuilds[random.below(rebuilds.size())];
}

static std::string show(const Schedule &schedule) {
  std::string text = "\n  schedule:";
  for (unsigned op : schedule)
    text += " " + std::to_string(op);
  return text;
}

/// evaluate() says what a run of the schedule does, step by step.
static void testEvaluate() {
  unsigned takeovers = 0, copies = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    StepGraph graph = makeGraph(seed);
    Schedule schedule = buildSchedule(graph, makeOptions(seed, graph));
    Evaluation evaluation = evaluate(graph, schedule);
    std::string problem = checkEvaluation(graph, schedule, evaluation);
    expect(problem.empty() ? "" : problem + show(schedule), "evaluate", seed, graph);
    copies += evaluation.copies;
    for (const std::vector<unsigned> &step : evaluation.takenFrom)
      takeovers += std::count_if(step.begin(), step.end(), [](unsigned r) { return r != kNone; });
  }
  std::printf("evaluate: %u takeovers, %u copies\n", takeovers, copies);
}

/// A first schedule is complete and runs again only what may be.
static void testBuildSchedule() {
  unsigned steps = 0, traced = 0, incomplete = 0;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    StepGraph graph = makeGraph(seed);
    ScheduleOptions options = makeOptions(seed, graph);
    addRebuilds(seed, graph, options);
    Schedule schedule = buildSchedule(graph, options);
    // A rebuilt value may be asked for before what gives it back is there: then the planner does
    // not take the schedule.
    if (!options.rebuiltBy.empty() && !isComplete(graph, schedule)) {
      ++incomplete;
      continue;
    }
    expect(unless(isComplete(graph, schedule), "not complete" + show(schedule)), "buildSchedule",
           seed, graph);
    expect(checkRecomputations(graph, schedule, options.recomputedHeavy), "buildSchedule", seed,
           graph);
    steps += schedule.size();
    traced += graph.order.size();
  }
  std::printf("buildSchedule: %u ops, %u steps, %u incomplete\n", traced, steps, incomplete);
}

/// The orders without recomputation hold every op once, and the best of them is not worse than the
/// given one.
static void testOrders() {
  unsigned better = 0, betterAgain = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    StepGraph graph = makeGraph(seed);
    for (const Schedule &order : {scheduleGreedily(graph), scheduleDepthFirst(graph)}) {
      Schedule sorted = order, traced = graph.order;
      std::sort(sorted.begin(), sorted.end());
      std::sort(traced.begin(), traced.end());
      expect(unless(sorted == traced, "not each op once" + show(order)), "order", seed, graph);
      expect(unless(isComplete(graph, order), "not complete" + show(order)), "order", seed, graph);
    }
    int64_t alignment = pickAlignment(seed);
    PlanPoint point = reorderStep(graph, alignment);
    int64_t given = packArena(evaluate(graph, graph.order), alignment, /*nodeLimit=*/50'000);
    expect(unless(isComplete(graph, point.schedule), "not complete"), "reorderStep", seed, graph);
    // Constants are filled again where they are read.
    std::vector<unsigned> runs(graph.ops.size());
    for (unsigned op : point.schedule)
      expect(unless(++runs[op] == 1 || graph.ops[op].reads.empty(), "runs an op again"),
             "reorderStep", seed, graph);
    expect(unless(point.arena <= given,
                  std::to_string(point.arena) + " bytes, " + std::to_string(given) + " as given"),
           "reorderStep", seed, graph);
    better += point.arena < given;
    Schedule schedule = buildSchedule(graph, makeOptions(seed, graph));
    if (!isComplete(graph, schedule))
      continue;
    point = reorderSchedule(graph, schedule, alignment);
    given = packArena(evaluate(graph, schedule), alignment, kCarefulNodes);
    expect(unless(isComplete(graph, point.schedule), "not complete" + show(point.schedule)),
           "reorderSchedule", seed, graph);
    expect(unless(point.arena <= given,
                  std::to_string(point.arena) + " bytes, " + std::to_string(given) + " as given"),
           "reorderSchedule", seed, graph);
    betterAgain += point.arena < given;
  }
  std::printf("orders: %u of 1000 better than the given one, %u with recomputation\n", better,
              betterAgain);
}

/// What is wrong with a schedule that holds values up to a limit, of which `first` says what it
/// was.
static std::string checkHeld(const StepGraph &graph, const Schedule &held, int64_t limit,
                             const Evaluation &first) {
  if (!isComplete(graph, held))
    return "not complete";
  Evaluation evaluation = evaluate(graph, held);
  if (evaluation.maxLive > std::max(limit, first.maxLive))
    return std::to_string(evaluation.maxLive) + " bytes live, the limit is " +
           std::to_string(std::max(limit, first.maxLive));
  if (evaluation.cost.bytes > first.cost.bytes || evaluation.cost.flops > first.cost.flops ||
      evaluation.cost.heavyOps > first.cost.heavyOps)
    return "costs more: " + std::to_string(first.cost.bytes) + " bytes before, " +
           std::to_string(evaluation.cost.bytes) + " after";
  return simulate(graph, held, evaluation);
}

/// Held values stay within the limits, give the same results, and cost no more, nor more with a
/// larger limit.
static void testHoldValues() {
  unsigned before = 0, after = 0, further = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    StepGraph graph = makeGraph(seed);
    ScheduleOptions options = makeOptions(seed, graph);
    options.recompute = true;
    addRebuilds(seed, graph, options);
    Schedule schedule = buildSchedule(graph, options);
    if (!isComplete(graph, schedule))
      continue;
    Evaluation first = evaluate(graph, schedule);
    int64_t limit = first.maxLive * (80 + 10 * (seed % 12)) / 100;
    std::vector<int64_t> limits{limit, limit + limit / 4};
    std::vector<Schedule> held = holdValues(graph, schedule, limits);
    Schedule last = schedule;
    for (unsigned i = 0; i < limits.size(); ++i) {
      std::string problem = checkHeld(graph, held[i], limits[i], evaluate(graph, last));
      if (problem.empty())
        problem = checkRecomputations(graph, held[i], options.recomputedHeavy);
      if (!problem.empty())
        problem += show(schedule) + "\n  held," + show(held[i]).substr(3);
      expect(problem, "holdValues", seed, graph);
      last = held[i];
    }
    before += schedule.size();
    after += held[0].size();
    further += held[1].size();
  }
  std::printf("holdValues: %u steps before, %u after, %u with more room\n", before, after, further);
}

/// No schedule needs less than the bound says: all are searched.
static void testLowerBound() {
  unsigned tight = 0, checked = 0, higher = 0;
  for (uint64_t seed = 0; seed < 700; ++seed) {
    GraphShape shape;
    shape.ops = 4 + seed % 4;
    shape.heavyPercent = 40;
    shape.hasDonated = seed % 4 < 2;
    StepGraph graph = seed % 2 ? makeTrainingStep(seed, 1 + seed % 9, shape.hasDonated)
                               : makeRandomGraph(seed, shape);
    if (graph.values.size() > 64 || graph.ops.size() > 64)
      continue;
    int64_t bounds[2];
    for (bool recomputeHeavy : {true, false}) {
      int64_t bound = bounds[recomputeHeavy] = computeLowerBound(graph, recomputeHeavy);
      std::optional<bool> fits = fitsWithin(graph, bound - 1, recomputeHeavy);
      expect(
          unless(!fits.value_or(false), "a schedule fits below the bound " + std::to_string(bound)),
          recomputeHeavy ? "bound" : "bound without convolutions", seed, graph);
      if (!fits)
        continue;
      ++checked;
      higher += bound > bounds[true];
      tight += fitsWithin(graph, bound, recomputeHeavy).value_or(false);
    }
  }
  std::printf("lower bound: %u checked, %u reached, %u higher without convolutions\n", checked,
              tight, higher);
}

/// Builds a graph op by op.
struct SmallGraph {
  StepGraph graph;

  unsigned addArgument(int64_t bytes, bool isDonated) {
    GraphValue value;
    value.bytes = bytes;
    value.isExternal = true;
    value.isDonated = isDonated;
    graph.values.push_back(value);
    return graph.values.size() - 1;
  }
  unsigned add(std::vector<unsigned> reads, int64_t bytes) {
    GraphValue value;
    value.bytes = bytes;
    GraphOp op;
    op.reads = std::move(reads);
    op.results.emplace_back();
    op.results[0].value = graph.values.size();
    op.isForward = true;
    graph.values.push_back(value);
    graph.order.push_back(graph.ops.size());
    graph.ops.push_back(std::move(op));
    return graph.values.size() - 1;
  }
  unsigned addConvolution(std::vector<unsigned> reads, int64_t bytes) {
    unsigned value = add(std::move(reads), bytes);
    graph.ops.back().isHeavy = true;
    graph.values[value].recipe = graph.ops.size() - 1;
    return value;
  }
  unsigned addOutput(std::vector<unsigned> reads, bool isForward) {
    unsigned value = add(std::move(reads), 40);
    graph.ops.back().isForward = isForward;
    graph.values[value].isOutput = true;
    return value;
  }
  void expectBound(int64_t expected, const char *what) const {
    int64_t bound = computeLowerBound(graph, /*recomputeHeavy=*/false);
    expect(unless(bound == expected, "the bound is " + std::to_string(bound) + ", expected " +
                                         std::to_string(expected)),
           what, 0, graph);
    expect(unless(fitsWithin(graph, bound - 1, false) == false, "a schedule fits below the bound"),
           what, 0, graph);
  }
};

/// What the backward reads is live when the last convolution of the forward has run.
static void testForwardEnd() {
  SmallGraph step;
  unsigned x = step.addArgument(1000, false);
  unsigned a = step.addConvolution({x}, 1000), b = step.addConvolution({a}, 1000);
  unsigned c = step.addConvolution({b}, 1000), last = step.addConvolution({c}, 40);
  unsigned loss = step.addOutput({last}, true);
  for (unsigned read : {a, b, c})
    step.addOutput({loss, read}, false);
  step.expectBound(3000, "forward end");
  expect(unless(computeLowerBound(step.graph, true) == 2000, "not the largest op"), "forward end",
         0, step.graph);

  // Two convolutions that may follow the last one of the given order, one after the other.
  SmallGraph free;
  x = free.addArgument(1000, false);
  a = free.addConvolution({x}, 1000), b = free.addConvolution({x}, 1000);
  last = free.addConvolution({x}, 40);
  free.addOutput({free.add({a, last}, 40), free.add({b, last}, 40)}, true);
  free.expectBound(1080, "an order that is not forced");

  // What the backward reads lies in donated arguments.
  SmallGraph donated;
  unsigned before = donated.addArgument(1000, false);
  std::vector<unsigned> held;
  for (unsigned place : {donated.addArgument(1000, true), donated.addArgument(1000, true)}) {
    before = donated.add({place, donated.addConvolution({before}, 1000)}, 1000);
    donated.graph.ops.back().results[0].reusable = {0};
    held.push_back(before);
  }
  loss = donated.addOutput({donated.addConvolution({before}, 40)}, true);
  for (unsigned read : held)
    donated.addOutput({loss, read}, false);
  donated.expectBound(1000, "donated arguments");
}

/// Updates whose step size is computed from arguments only, with a decayed moment each, run as soon
/// as their gradient is there, in the donated arguments: no two gradients are live together.
static void testUpdates() {
  SmallGraph step;
  unsigned count = step.addArgument(4, false), x = step.addArgument(1000, false);
  std::vector<unsigned> kept;
  for (unsigned layer = 0; layer < 4; ++layer)
    kept.push_back(x = step.addConvolution({x}, 100));
  unsigned grad = step.addOutput({x}, true);
  auto addBackward = [&](std::vector<unsigned> reads, int64_t bytes, bool isOutput) {
    unsigned value = step.add(std::move(reads), bytes);
    step.graph.ops.back().isForward = false;
    step.graph.values[value].isOutput = isOutput;
    return value;
  };
  std::vector<unsigned> gradients;
  while (!kept.empty()) {
    grad = addBackward({kept.back(), grad}, 100, false);
    gradients.push_back(addBackward({kept.back(), grad}, 1000, false));
    kept.pop_back();
  }
  unsigned rate = addBackward({addBackward({count}, 4, false)}, 4, false);
  for (unsigned gradient : gradients) {
    unsigned weight = step.addArgument(1000, true), moment = step.addArgument(1000, true);
    unsigned decayed = addBackward({moment, count}, 1000, false);
    step.graph.ops.back().results[0].reusable = {0};
    unsigned next = addBackward({decayed, gradient}, 1000, true);
    step.graph.ops.back().results[0].reusable = {0};
    addBackward({weight, next, rate}, 1000, true);
    step.graph.ops.back().results[0].reusable = {0};
  }
  ScheduleOptions options;
  options.recompute = false;
  Schedule schedule = buildSchedule(step.graph, options);
  expect(unless(isComplete(step.graph, schedule), "not complete" + show(schedule)), "updates", 0,
         step.graph);
  int64_t live = evaluate(step.graph, schedule).maxLive;
  expect(unless(live < 2000, std::to_string(live) + " bytes live" + show(schedule)), "updates", 0,
         step.graph);
}

/// compressTimes() keeps who is live together with whom, and does not see what is between.
static void testCompressTimes() {
  auto areTogether = [](const ::abn::pack::Buffer &a, const ::abn::pack::Buffer &b) {
    return a.lower < b.upper && b.lower < a.upper;
  };
  unsigned together = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    ::abn::pack::Problem problem, stretched;
    for (unsigned i = 0; i < 12; ++i) {
      ::abn::pack::Buffer buffer;
      buffer.lower = random.below(20);
      buffer.upper = buffer.lower + 1 + random.below(8);
      problem.buffers.push_back(buffer);
      // Each begins at a time of its own, before anything ends there.
      buffer.lower = 100 * buffer.lower + random.below(99);
      buffer.upper = 100 * buffer.upper;
      stretched.buffers.push_back(buffer);
    }
    ::abn::pack::Problem a = compressTimes(problem), b = compressTimes(stretched);
    bool isSame = true, keepsPairs = true;
    for (unsigned i = 0; i < 12; ++i) {
      isSame &=
          a.buffers[i].lower == b.buffers[i].lower && a.buffers[i].upper == b.buffers[i].upper;
      for (unsigned j = 0; j < i; ++j) {
        bool before = areTogether(problem.buffers[i], problem.buffers[j]);
        keepsPairs &= before == areTogether(a.buffers[i], a.buffers[j]);
        together += before;
      }
    }
    expect(unless(isSame, "the stretched problem is another one"), "compressTimes", seed, {});
    expect(unless(keepsPairs, "other buffers are live together"), "compressTimes", seed, {});
  }
  std::printf("compressTimes: %u pairs live together\n", together);
}

/// What planStep promises of its curve and its choice.
static std::string checkPlan(const StepGraph &graph, const PlannerResult &result) {
  for (const PlanPoint &point : result.curve) {
    // Sizes count as they are; what alignment adds is in the arena.
    Evaluation evaluation = evaluate(graph, point.schedule);
    if (!isComplete(graph, point.schedule))
      return "a plan is not complete";
    if (std::string problem = simulate(graph, point.schedule, evaluation); !problem.empty())
      return problem;
    if (point.maxLive != evaluation.maxLive || point.arena < point.maxLive)
      return "a plan's arena is smaller than what is live";
    if (point.arena < result.lowerBound)
      return "an arena of " + std::to_string(point.arena) + " below the bound " +
             std::to_string(result.lowerBound);
    if (point.cost.heavyOps == 0 && point.arena < result.lowerBoundWithoutHeavy)
      return "an arena of " + std::to_string(point.arena) +
             " without convolutions below the bound " +
             std::to_string(result.lowerBoundWithoutHeavy);
  }
  for (unsigned i = 1; i < result.curve.size(); ++i)
    if (result.curve[i].arena >= result.curve[i - 1].arena)
      return "the curve does not fall";
  return "";
}

static bool isSame(const PlannerResult &a, const PlannerResult &b) {
  if (a.curve.size() != b.curve.size() || a.chosen != b.chosen || a.lowerBound != b.lowerBound)
    return false;
  for (unsigned i = 0; i < a.curve.size(); ++i)
    if (a.curve[i].schedule != b.curve[i].schedule || a.curve[i].arena != b.curve[i].arena)
      return false;
  return true;
}

/// Objectives and budgets keep their promises; the same graph gives the same plan.
static void testPlanStep() {
  unsigned refused = 0, points = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    StepGraph graph = makeGraph(seed);
    PlannerOptions options;
    options.alignment = pickAlignment(seed);
    auto plan = [&](Objective objective) {
      options.objective = objective;
      PlannerResult result = planStep(graph, options);
      expect(checkPlan(graph, result), "planStep", seed, graph);
      return result;
    };
    PlannerResult peak = plan(Objective::Peak), balanced = plan(Objective::Balanced),
                  time = plan(Objective::Time);
    points += peak.curve.size();
    const PlanPoint &p = peak.curve[peak.chosen], &b = balanced.curve[balanced.chosen],
                    &t = time.curve[time.chosen];
    expect(unless(p.arena <= b.arena && b.arena <= t.arena, "arenas out of order"), "objectives",
           seed, graph);
    expect(
        unless(p.cost.bytes >= b.cost.bytes && b.cost.bytes >= t.cost.bytes, "costs out of order"),
        "objectives", seed, graph);
    expect(unless(b.arena * 100 <= p.arena * 103, "balanced is more than 3 % above peak"),
           "objectives", seed, graph);
    expect(unless(isSame(time, planStep(graph, options)), "two plans"), "determinism", seed, graph);
    int64_t previous = t.arena * 2;
    for (int percent = 120; percent >= 40; percent -= 8) {
      options.budget = t.arena * percent / 100;
      PlannerResult result = planStep(graph, options);
      expect(checkPlan(graph, result), "budget", seed, graph);
      if (result.chosen == kNone) {
        ++refused;
        int64_t named = result.curve.back().arena;
        expect(unless(named > *options.budget, "refused for no reason"), "budget", seed, graph);
        // What a refusal names is not refused.
        options.budget = named;
        result = planStep(graph, options);
        expect(checkPlan(graph, result), "named budget", seed, graph);
        expect(unless(result.chosen != kNone, "refused, though it was named"), "named budget", seed,
               graph);
        continue;
      }
      int64_t arena = result.curve[result.chosen].arena;
      expect(unless(arena <= *options.budget, "not met"), "budget", seed, graph);
      expect(unless(*options.budget >= result.lowerBound, "met below the bound"), "budget", seed,
             graph);
      expect(unless(arena <= previous, "the arena rises when the budget falls"), "budget", seed,
             graph);
      previous = arena;
    }
    options.budget.reset();
  }
  std::printf("planStep: %u plans on the curves, %u budgets refused\n", points, refused);
}

int main() {
  testEvaluate();
  testBuildSchedule();
  testOrders();
  testHoldValues();
  testLowerBound();
  testForwardEnd();
  testUpdates();
  testCompressTimes();
  testPlanStep();
  std::printf("%u wrong\n", failures);
  return failures ? 1 : 0;
}
