// What a schedule needs: lifetimes of its buffers, the profile of live bytes, the recomputed work.
#include "abn/Plan/StepGraph.h"
#include "Takeover.h"
#include "abn/Pack/PackSolver.h"
#include <algorithm>

using namespace mlir::abn::plan;

bool mlir::abn::plan::isComplete(const StepGraph &graph, const Schedule &schedule) {
  std::vector<bool> computed(graph.values.size()), run(graph.ops.size());
  for (unsigned op : schedule) {
    for (unsigned value : graph.ops[op].reads)
      if (!computed[value] && !graph.values[value].isExternal)
        return false;
    for (const GraphResult &result : graph.ops[op].results)
      computed[result.value] = true;
    run[op] = true;
  }
  return std::all_of(graph.order.begin(), graph.order.end(), [&](unsigned op) { return run[op]; });
}

std::vector<unsigned> mlir::abn::plan::getDistinctReads(const GraphOp &op) {
  std::vector<unsigned> reads = op.reads;
  std::sort(reads.begin(), reads.end());
  reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
  return reads;
}

namespace {
/// One computation of a value.
struct Instance {
  unsigned value;
  unsigned lastUse;
  unsigned buffer = kNone;
  unsigned uses = 0;
};

/// Evaluates one schedule.
class Evaluator {
public:
  Evaluator(const StepGraph &graph, const Schedule &schedule) : graph(graph), schedule(schedule) {}

  Evaluation run() {
    findLastUses();
    assignBuffers();
    sumLive();
    countRecomputation();
    return std::move(evaluation);
  }

private:
  /// Numbers the computations in order; the reads of a step are instances.
  void findLastUses() {
    std::vector<unsigned> current(graph.values.size(), kNone);
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isExternal) {
        current[value] = instances.size();
        instances.push_back({value, 0});
      }
    firstComputed = instances.size();
    for (unsigned step = 0; step < schedule.size(); ++step) {
      const GraphOp &op = graph.ops[schedule[step]];
      readOffsets.push_back(reads.size());
      for (unsigned value : op.reads) {
        instances[current[value]].lastUse = step;
        ++instances[current[value]].uses;
        reads.push_back(current[value]);
      }
      for (const GraphResult &result : op.results) {
        current[result.value] = instances.size();
        instances.push_back({result.value, step});
      }
    }
    readOffsets.push_back(reads.size());
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput && current[value] != kNone)
        instances[current[value]].lastUse = schedule.size();
  }

  unsigned instanceOfRead(unsigned step, unsigned read) const {
    return reads[readOffsets[step] + read];
  }

  unsigned chooseTakeover(unsigned step, const GraphResult &result,
                          const std::vector<unsigned> &taken) {
    unsigned found = findTakeover(graph, graph.ops[schedule[step]], result, [&](unsigned read) {
      unsigned id = instanceOfRead(step, read);
      return instances[id].lastUse == step &&
             std::find(taken.begin(), taken.end(), id) == taken.end();
    });
    evaluation.copies += found == kNone && result.tiedTo != kNone;
    return found;
  }

  void assignBuffers() {
    unsigned next = firstComputed;
    std::vector<unsigned> taken;
    for (unsigned step = 0; step < schedule.size(); ++step) {
      const GraphOp &op = graph.ops[schedule[step]];
      taken.clear();
      evaluation.bufferOf.emplace_back();
      evaluation.takenFrom.emplace_back();
      for (const GraphResult &result : op.results) {
        unsigned read = chooseTakeover(step, result, taken);
        Instance &instance = instances[next++];
        if (read == kNone) {
          instance.buffer = evaluation.buffers.size();
          evaluation.buffers.push_back({graph.values[result.value].bytes, step, step});
        } else {
          taken.push_back(instanceOfRead(step, read));
          instance.buffer = instances[instanceOfRead(step, read)].buffer;
        }
        if (instance.buffer != kNone) {
          PlannedBuffer &buffer = evaluation.buffers[instance.buffer];
          buffer.upper =
              std::max(buffer.upper, std::min<unsigned>(instance.lastUse, schedule.size() - 1));
        }
        evaluation.bufferOf.back().push_back(instance.buffer);
        evaluation.takenFrom.back().push_back(read);
      }
    }
  }

  void sumLive() {
    std::vector<int64_t> change(schedule.size() + 1);
    for (const PlannedBuffer &buffer : evaluation.buffers) {
      change[buffer.lower] += buffer.bytes;
      change[buffer.upper + 1] -= buffer.bytes;
    }
    int64_t live = 0;
    for (unsigned step = 0; step < schedule.size(); ++step) {
      live += change[step];
      evaluation.live.push_back(live);
      evaluation.maxLive = std::max(evaluation.maxLive, live);
    }
  }

  /// The second computation of an op on is recomputed; so is a recipe. What only the next
  /// elementwise recomputation reads, in place, is written once.
  void countRecomputation() {
    std::vector<bool> inOrder(graph.ops.size()), run(graph.ops.size());
    for (unsigned op : graph.order)
      inOrder[op] = true;
    std::vector<bool> recomputed(schedule.size());
    for (unsigned step = 0; step < schedule.size(); ++step) {
      unsigned op = schedule[step];
      recomputed[step] = !inOrder[op] || run[op] || graph.ops[op].isRecomputation;
      run[op] = true;
    }
    unsigned next = firstComputed;
    for (unsigned step = 0; step < schedule.size(); ++step) {
      const GraphOp &op = graph.ops[schedule[step]];
      if (recomputed[step]) {
        evaluation.cost.flops += op.flops;
        evaluation.cost.heavyOps += op.isHeavy;
      }
      for (unsigned i = 0; i < op.results.size(); ++i, ++next) {
        const Instance &instance = instances[next];
        if (recomputed[step] && !(op.isElementwise && feedsRecomputation(instance, recomputed)))
          evaluation.cost.bytes += graph.values[instance.value].bytes;
      }
    }
  }

  /// Whether an instance is only a temporary of the recomputation that reads it.
  bool feedsRecomputation(const Instance &instance, const std::vector<bool> &recomputed) const {
    return instance.uses == 1 && instance.lastUse < schedule.size() &&
           recomputed[instance.lastUse] && graph.ops[schedule[instance.lastUse]].isElementwise;
  }

  const StepGraph &graph;
  const Schedule &schedule;
  Evaluation evaluation;
  std::vector<Instance> instances;
  /// Instances that steps read, step by step.
  std::vector<unsigned> reads;
  std::vector<unsigned> readOffsets;
  unsigned firstComputed = 0;
};
} // namespace

Evaluation mlir::abn::plan::evaluate(const StepGraph &graph, const Schedule &schedule) {
  return Evaluator(graph, schedule).run();
}

int64_t mlir::abn::plan::packArena(const Evaluation &evaluation, int64_t alignment,
                                   int64_t nodeLimit) {
  ::abn::pack::Problem problem;
  for (const PlannedBuffer &buffer : evaluation.buffers)
    problem.buffers.push_back(
        {buffer.lower, static_cast<int64_t>(buffer.upper) + 1, buffer.bytes, alignment, {}, {}});
  ::abn::pack::Options options;
  options.nodeLimit = nodeLimit;
  // As abn-assign-offsets does.
  return ::abn::pack::solve(::abn::pack::compressTimes(problem), options).arena;
}
