// The portfolio: first schedules, held values at several limits, and the choice among them.
#include "abn/Plan/Planner.h"
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>

using namespace mlir::abn::plan;

/// How long that one searches if nothing else is asked for.
static constexpr int64_t kLastNodes = 500'000;

namespace {
/// A first schedule with its largest sum of live bytes and its place in the portfolio.
struct Base {
  Schedule schedule;
  int64_t maxLive;
  size_t place;
};
} // namespace

static Base makeBase(const StepGraph &graph, const ScheduleOptions &options, size_t place) {
  Base base{buildSchedule(graph, options), 0, place};
  // A rebuilt value may be asked for before what gives it back is there.
  base.maxLive = isComplete(graph, base.schedule) ? evaluate(graph, base.schedule).maxLive
                                                  : std::numeric_limits<int64_t>::max();
  return base;
}

/// A plan that is not packed yet: `arena` is what it is at least.
static PlanPoint makePoint(const StepGraph &graph, Schedule schedule) {
  Evaluation evaluation = evaluate(graph, schedule);
  return {std::move(schedule), evaluation.maxLive, evaluation.maxLive, evaluation.cost};
}

/// Cost first by convolutions, then bytes: the order in which work is spent.
static auto costKey(const PlanPoint &point) {
  return std::make_tuple(point.cost.heavyOps ? point.cost.flops : 0, point.cost.bytes, point.arena);
}

/// Drops points that another one beats in arena and cost; largest arena first.
static void keepFrontier(std::vector<PlanPoint> &points) {
  std::sort(points.begin(), points.end(),
            [](const PlanPoint &a, const PlanPoint &b) { return costKey(a) < costKey(b); });
  std::vector<PlanPoint> frontier;
  for (PlanPoint &point : points)
    if (frontier.empty() || point.arena < frontier.back().arena)
      frontier.push_back(std::move(point));
  points = std::move(frontier);
}

/// The frontier of the packed arenas. Packing is the dear part, and adds little: points that are
/// beaten before it are not packed, and only those near the smallest, where the objectives choose,
/// with care.
static void packPoints(const StepGraph &graph, std::vector<PlanPoint> &points,
                       const PlannerOptions &options) {
  constexpr int64_t kNear = 105;
  keepFrontier(points);
  for (PlanPoint &point : points) {
    bool isNear = point.maxLive / kNear <= points.back().maxLive / 100;
    point.arena = packArena(evaluate(graph, point.schedule), options.alignment,
                            isNear ? kCarefulNodes : kHurriedNodes);
  }
}

/// Packs a point as abn-assign-offsets will if it may then have at most `limit` bytes.
static void packForLimit(const StepGraph &graph, PlanPoint &point, int64_t limit,
                         int64_t alignment) {
  if (point.arena > limit && point.maxLive <= limit)
    point.arena =
        std::min(point.arena, packArena(evaluate(graph, point.schedule), alignment, kLastNodes));
}

/// Whether the plan, or the same work in another order, which then stands in `others`, has an arena
/// of at most `limit` bytes: a smaller limit that it meets too is met with no larger arena.
static bool meetLimit(const StepGraph &graph, PlanPoint &point, int64_t limit, int64_t alignment,
                      std::vector<PlanPoint> &others) {
  packForLimit(graph, point, limit, alignment);
  if (point.arena <= limit)
    return true;
  PlanPoint other = reorderSchedule(graph, point.schedule, alignment);
  if (std::tie(other.cost.flops, other.cost.bytes) > std::tie(point.cost.flops, point.cost.bytes))
    return false;
  // What the plan costs decides when it is asked, for every limit.
  other.cost = point.cost;
  packForLimit(graph, other, limit, alignment);
  others.push_back(std::move(other));
  return others.back().arena <= limit;
}

/// The first schedules of the portfolio, smallest peak first: weight gradients put off or not, long
/// recomputations allowed or not.
static std::vector<Base> makeBases(const StepGraph &graph, const std::vector<unsigned> &rebuiltBy,
                                   const std::vector<bool> &recomputedHeavy) {
  std::vector<Base> bases;
  for (bool moveSinks : {true, false})
    for (double ratio : {1.0, 0.5, 2.0})
      for (unsigned depth : {32u, 6u}) {
        if (!moveSinks && ratio != 1.0)
          continue;
        ScheduleOptions first;
        first.moveSinks = moveSinks;
        first.deferRatio = ratio;
        first.maxDepth = depth;
        first.rebuiltBy = rebuiltBy;
        first.recomputedHeavy = recomputedHeavy;
        bases.push_back(makeBase(graph, first, bases.size()));
      }
  std::sort(bases.begin(), bases.end(), [](const Base &a, const Base &b) {
    return std::tie(a.maxLive, a.place) < std::tie(b.maxLive, b.place);
  });
  return bases;
}

/// How many of the first schedules are worked out.
static constexpr unsigned kWorkedOut = 2;
/// The limits up to which values are held in them, in percent of the smallest peak.
static constexpr int kLimits[] = {100, 101, 102, 103, 105, 108, 112, 118, 125, 140, 160, 200, 300};

/// The points of the light plans: nothing heavy is computed again.
static std::vector<PlanPoint> makeLightPoints(const StepGraph &graph,
                                              const std::vector<unsigned> &rebuiltBy) {
  std::vector<PlanPoint> points;
  std::vector<Base> bases = makeBases(graph, rebuiltBy, {});
  std::vector<int64_t> limits;
  for (int percent : kLimits)
    limits.push_back(bases.front().maxLive / 100 * percent);
  for (unsigned i = 0; i < std::min<size_t>(kWorkedOut, bases.size()); ++i)
    for (Schedule &held : holdValues(graph, bases[i].schedule, limits))
      points.push_back(makePoint(graph, std::move(held)));
  // The order as it is, and with the weight gradients moved, without any recomputation.
  for (bool moveSinks : {false, true}) {
    ScheduleOptions plain;
    plain.moveSinks = moveSinks;
    plain.recompute = false;
    points.push_back(makePoint(graph, buildSchedule(graph, plain)));
  }
  return points;
}

/// Heavy forward ops by the work that a byte of their result takes, least first.
static std::vector<unsigned> orderHeavyOps(const StepGraph &graph) {
  std::vector<unsigned> heavy;
  auto bytesOf = [&](unsigned op) {
    int64_t bytes = 1;
    for (const GraphResult &result : graph.ops[op].results)
      bytes += graph.values[result.value].bytes;
    return bytes;
  };
  for (unsigned op : graph.order)
    if (graph.ops[op].isHeavy && graph.ops[op].isForward)
      heavy.push_back(op);
  std::sort(heavy.begin(), heavy.end(), [&](unsigned a, unsigned b) {
    return std::make_pair(static_cast<double>(graph.ops[a].flops) / bytesOf(a), a) <
           std::make_pair(static_cast<double>(graph.ops[b].flops) / bytesOf(b), b);
  });
  return heavy;
}

/// Plans that compute more and more convolutions again, the cheapest per byte first.
static std::vector<PlanPoint> makeHeavyPoints(const StepGraph &graph,
                                              const std::vector<unsigned> &rebuiltBy) {
  std::vector<PlanPoint> points;
  std::vector<unsigned> heavy = orderHeavyOps(graph);
  unsigned count = 0;
  while (count < heavy.size()) {
    // One more at first, later a fifth more at a time.
    count = std::min<unsigned>(heavy.size(), count + 1 + count / 5);
    std::vector<bool> recomputed(graph.ops.size());
    for (unsigned i = 0; i < count; ++i)
      recomputed[heavy[i]] = true;
    Base best = std::move(makeBases(graph, {}, recomputed).front());
    if (!rebuiltBy.empty())
      if (Base rebuilding = std::move(makeBases(graph, rebuiltBy, recomputed).front());
          rebuilding.maxLive < best.maxLive)
        best = std::move(rebuilding);
    points.push_back(makePoint(graph, holdValues(graph, best.schedule, {best.maxLive}).front()));
  }
  return points;
}

/// The cheapest point of at most `arena` bytes; kNone if there is none. The curve rises in arena
/// from its end.
static unsigned findCheapest(const std::vector<PlanPoint> &curve, int64_t arena) {
  for (unsigned i = 0; i < curve.size(); ++i)
    if (curve[i].arena <= arena)
      return i;
  return kNone;
}

/// Chooses for a budget, and adds plans with heavy work if it must. The plans and the order in
/// which they are asked do not depend on the budget: a smaller one can only rule out the plan that
/// a larger one has chosen, so that the peak never rises.
static void chooseForBudget(const StepGraph &graph, const PlannerOptions &options,
                            const std::vector<unsigned> &rebuiltBy, PlannerResult &result) {
  int64_t limit = *options.budget;
  std::vector<PlanPoint> &curve = result.curve;
  std::vector<PlanPoint> others;
  auto isMetBy = [&](std::vector<PlanPoint> &points) {
    return std::any_of(points.begin(), points.end(), [&](PlanPoint &point) {
      return meetLimit(graph, point, limit, options.alignment, others);
    });
  };
  auto append = [&](std::vector<PlanPoint> &points) {
    std::move(points.begin(), points.end(), std::back_inserter(curve));
  };
  bool isMet = isMetBy(curve);
  if (!isMet) {
    std::vector<PlanPoint> heavy = makeHeavyPoints(graph, rebuiltBy);
    packPoints(graph, heavy, options);
    isMet = isMetBy(heavy);
    append(heavy);
  }
  append(others);
  if (!isMet) {
    // All of them once more, for the smallest arena that can be named.
    int64_t smallest = std::numeric_limits<int64_t>::max();
    for (PlanPoint &point : curve)
      smallest = std::min(smallest, point.arena);
    for (PlanPoint &point : curve) {
      packForLimit(graph, point, smallest - 1, options.alignment);
      smallest = std::min(smallest, point.arena);
    }
  }
  keepFrontier(curve);
  result.chosen = findCheapest(curve, limit);
}

PlannerResult mlir::abn::plan::planStep(const StepGraph &graph, const PlannerOptions &options) {
  PlannerResult result;
  result.lowerBound = computeLowerBound(graph, /*recomputeHeavy=*/true);
  result.lowerBoundWithoutHeavy = computeLowerBound(graph, /*recomputeHeavy=*/false);
  std::vector<unsigned> rebuiltBy =
      options.mayRebuild ? chooseMembers(graph) : std::vector<unsigned>();
  result.curve = makeLightPoints(graph, {});
  if (!rebuiltBy.empty()) {
    std::vector<PlanPoint> rebuilding = makeLightPoints(graph, rebuiltBy);
    std::move(rebuilding.begin(), rebuilding.end(), std::back_inserter(result.curve));
  }
  packPoints(graph, result.curve, options);
  if (options.budget) {
    chooseForBudget(graph, options, rebuiltBy, result);
    return result;
  }
  keepFrontier(result.curve);
  int64_t smallest = result.curve.back().arena, allowed = smallest;
  if (options.objective == Objective::Balanced)
    allowed = smallest + smallest * 3 / 100;
  else if (options.objective == Objective::Time)
    allowed = result.curve.front().arena;
  if (options.target)
    allowed = std::max(smallest, *options.target);
  result.chosen = findCheapest(result.curve, allowed);
  return result;
}
