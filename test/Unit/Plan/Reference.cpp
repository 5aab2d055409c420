// Simulation, liveness by definition.
#include "Reference.h"
#include <algorithm>
#include <map>

using namespace planner_test;
using namespace mlir::abn::plan;

namespace {
/// A place where values lie: a buffer of the arena or a donated argument. Numbered by their first
/// value.
struct Storage {
  bool isInArena = true;
  int64_t bytes = 0;
  unsigned holds = kNone;           // value
  unsigned first = kNone, last = 0; // steps that use it
};

/// Follows values from place to place, through the takeovers of an evaluation.
class Machine {
public:
  Machine(const StepGraph &graph, const Schedule &schedule, const Evaluation &evaluation)
      : graph(graph), schedule(schedule), evaluation(evaluation),
        current(graph.values.size(), kNone) {
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isExternal) {
        current[value] = storages.size();
        storages.push_back({false, graph.values[value].bytes, value});
      }
  }

  std::string run() {
    for (unsigned step = 0; step < schedule.size(); ++step)
      if (std::string problem = runStep(step); !problem.empty())
        return "step " + std::to_string(step) + " (op" + std::to_string(schedule[step]) +
               "): " + problem;
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput) {
        if (!isThere(value))
          return "output v" + std::to_string(value) + " is not there at the end";
        storages[current[value]].last = schedule.size() - 1;
      }
    return "";
  }

  std::vector<Storage> storages;
  /// By step and result: the storage.
  std::vector<std::vector<unsigned>> storageOf;

private:
  bool isThere(unsigned value) const {
    return current[value] != kNone && storages[current[value]].holds == value;
  }

  std::string runStep(unsigned step) {
    const GraphOp &op = graph.ops[schedule[step]];
    for (unsigned value : op.reads) {
      if (!isThere(value))
        return "reads v" + std::to_string(value) + ", which is not there";
      storages[current[value]].last = step;
    }
    std::vector<unsigned> places;
    for (unsigned i = 0; i < op.results.size(); ++i) {
      unsigned read = evaluation.takenFrom[step][i];
      if (read != kNone) {
        places.push_back(current[op.reads[read]]);
        continue;
      }
      places.push_back(storages.size());
      storages.push_back({true, graph.values[op.results[i].value].bytes, kNone, step, step});
    }
    for (unsigned i = 0; i < op.results.size(); ++i) {
      Storage &place = storages[places[i]];
      place.holds = op.results[i].value;
      place.last = step;
      current[op.results[i].value] = places[i];
    }
    storageOf.push_back(std::move(places));
    return "";
  }

  const StepGraph &graph;
  const Schedule &schedule;
  const Evaluation &evaluation;
  std::vector<unsigned> current; // by value: the storage of its last computation
};
} // namespace

std::string planner_test::simulate(const StepGraph &graph, const Schedule &schedule,
                                   const Evaluation &evaluation) {
  return Machine(graph, schedule, evaluation).run();
}

/// Whether the computation of `value` that is read at `step` is read, or returned, later.
static bool isUsedLater(const StepGraph &graph, const Schedule &schedule, unsigned value,
                        unsigned step) {
  auto computes = [&](unsigned at) {
    const GraphOp &op = graph.ops[schedule[at]];
    return std::any_of(op.results.begin(), op.results.end(),
                       [&](const GraphResult &result) { return result.value == value; });
  };
  if (computes(step))
    return false;
  for (unsigned at = step + 1; at < schedule.size(); ++at) {
    const GraphOp &op = graph.ops[schedule[at]];
    if (std::find(op.reads.begin(), op.reads.end(), value) != op.reads.end())
      return true;
    if (computes(at))
      return false;
  }
  return graph.values[value].isOutput;
}

/// Takeovers: legal ones only, and none that was legal left out.
static std::string checkTakeovers(const StepGraph &graph, const Schedule &schedule,
                                  const Evaluation &evaluation) {
  unsigned copies = 0;
  for (unsigned step = 0; step < schedule.size(); ++step) {
    const GraphOp &op = graph.ops[schedule[step]];
    std::vector<unsigned> taken; // values
    for (unsigned i = 0; i < op.results.size(); ++i) {
      const GraphResult &result = op.results[i];
      auto isLegal = [&](unsigned read) {
        unsigned value = op.reads[read];
        const GraphValue &v = graph.values[value];
        return v.bytes == graph.values[result.value].bytes && (!v.isExternal || v.isDonated) &&
               !isUsedLater(graph, schedule, value, step) &&
               std::find(taken.begin(), taken.end(), value) == taken.end();
      };
      std::vector<unsigned> candidates = result.reusable;
      if (result.isTiedCopied)
        candidates = {};
      else if (result.tiedTo != kNone)
        candidates = {result.tiedTo};
      unsigned read = evaluation.takenFrom[step][i];
      bool isAllowed = std::find(candidates.begin(), candidates.end(), read) != candidates.end();
      if (read != kNone && (!isAllowed || !isLegal(read)))
        return "step " + std::to_string(step) + " takes over an operand that it may not";
      if (read == kNone && std::any_of(candidates.begin(), candidates.end(), isLegal))
        return "step " + std::to_string(step) + " leaves an operand that it could take over";
      copies += result.tiedTo != kNone && read == kNone;
      if (read != kNone)
        taken.push_back(op.reads[read]);
    }
  }
  return copies == evaluation.copies ? "" : "another number of copies";
}

/// Live bytes: at each step, every place that has been used and will be.
static std::string checkLiveBytes(const Schedule &schedule, const Evaluation &evaluation,
                                  const std::vector<Storage> &storages) {
  int64_t largest = 0;
  for (unsigned step = 0; step < schedule.size(); ++step) {
    int64_t live = 0;
    for (const Storage &storage : storages)
      if (storage.isInArena && storage.first <= step && step <= storage.last)
        live += storage.bytes;
    largest = std::max(largest, live);
    if (evaluation.live[step] != live)
      return "step " + std::to_string(step) + ": " + std::to_string(evaluation.live[step]) +
             " bytes live, expected " + std::to_string(live);
  }
  return evaluation.maxLive == largest ? "" : "another largest sum of live bytes";
}

/// Buffers: one for each place in the arena, with its lifetime.
static std::string checkBuffers(const Evaluation &evaluation, const Machine &machine) {
  std::map<unsigned, unsigned> bufferOf;
  for (unsigned step = 0; step < machine.storageOf.size(); ++step)
    for (unsigned i = 0; i < machine.storageOf[step].size(); ++i) {
      unsigned storage = machine.storageOf[step][i], buffer = evaluation.bufferOf[step][i];
      const Storage &place = machine.storages[storage];
      if (place.isInArena != (buffer != kNone))
        return "a value in a donated argument has a buffer, or one in the arena has none";
      if (!place.isInArena)
        continue;
      if (bufferOf.try_emplace(storage, buffer).first->second != buffer)
        return "a taken over buffer has two numbers";
      const PlannedBuffer &planned = evaluation.buffers[buffer];
      if (planned.lower != place.first || planned.upper != place.last ||
          planned.bytes != place.bytes)
        return "buffer " + std::to_string(buffer) + " has another lifetime or size";
    }
  return bufferOf.size() == evaluation.buffers.size() ? "" : "another number of buffers";
}

/// Bytes that recomputation writes: all but those that one elementwise recomputation hands to the
/// next and nobody else reads.
static std::string checkCost(const StepGraph &graph, const Schedule &schedule,
                             const Evaluation &evaluation) {
  std::vector<bool> isAgain;
  std::vector<bool> run(graph.ops.size());
  for (unsigned op : schedule) {
    bool isTraced = std::find(graph.order.begin(), graph.order.end(), op) != graph.order.end();
    isAgain.push_back(!isTraced || run[op] || graph.ops[op].isRecomputation);
    run[op] = true;
  }
  RecomputeCost cost;
  for (unsigned step = 0; step < schedule.size(); ++step) {
    if (!isAgain[step])
      continue;
    const GraphOp &op = graph.ops[schedule[step]];
    cost.flops += op.flops;
    cost.heavyOps += op.isHeavy;
    for (const GraphResult &result : op.results) {
      std::vector<unsigned> readers;
      bool isReplaced = false;
      for (unsigned at = step + 1; at < schedule.size() && !isReplaced; ++at) {
        for (unsigned value : graph.ops[schedule[at]].reads)
          if (value == result.value)
            readers.push_back(at);
        for (const GraphResult &other : graph.ops[schedule[at]].results)
          isReplaced |= other.value == result.value;
      }
      bool isReturned = !isReplaced && graph.values[result.value].isOutput;
      bool isTemporary = op.isElementwise && readers.size() == 1 && !isReturned &&
                         isAgain[readers[0]] && graph.ops[schedule[readers[0]]].isElementwise;
      if (!isTemporary)
        cost.bytes += graph.values[result.value].bytes;
    }
  }
  const RecomputeCost &got = evaluation.cost;
  bool agree = got.bytes == cost.bytes && got.flops == cost.flops && got.heavyOps == cost.heavyOps;
  return agree ? "" : "another cost of recomputation";
}

std::string planner_test::checkEvaluation(const StepGraph &graph, const Schedule &schedule,
                                          const Evaluation &evaluation) {
  Machine machine(graph, schedule, evaluation);
  std::string problem = machine.run();
  if (problem.empty())
    problem = checkTakeovers(graph, schedule, evaluation);
  if (problem.empty())
    problem = checkLiveBytes(schedule, evaluation, machine.storages);
  if (problem.empty())
    problem = checkBuffers(evaluation, machine);
  if (problem.empty())
    problem = checkCost(graph, schedule, evaluation);
  return problem;
}

bool planner_test::givesAgain(const StepGraph &graph, unsigned op, unsigned value) {
  const std::vector<unsigned> &rebuilds = graph.values[value].rebuilds;
  return graph.values[value].recipe == op ||
         std::find(rebuilds.begin(), rebuilds.end(), op) != rebuilds.end();
}

std::string planner_test::checkRecomputations(const StepGraph &graph, const Schedule &schedule,
                                              const std::vector<bool> &recomputedHeavy) {
  std::vector<bool> run(graph.ops.size());
  for (unsigned id : schedule) {
    const GraphOp &op = graph.ops[id];
    bool isTraced = std::find(graph.order.begin(), graph.order.end(), id) != graph.order.end();
    bool isRecipe = std::all_of(op.results.begin(), op.results.end(), [&](const GraphResult &r) {
      return givesAgain(graph, id, r.value);
    });
    if ((run[id] || !isTraced) && !isRecipe)
      return "op" + std::to_string(id) + " runs again and is no recipe";
    if (run[id] && op.isHeavy && (id >= recomputedHeavy.size() || !recomputedHeavy[id]))
      return "op" + std::to_string(id) + " is a convolution and runs again";
    run[id] = true;
  }
  return "";
}
