// A first schedule: the traced order with the weight gradients moved, and every droppable forward
// value computed again before each of its backward readers.
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <utility>

using namespace mlir::abn::plan;

namespace {
/// One entry of the base order: an op to run, or an op whose operands are made ready and then held
/// until it runs.
struct Entry {
  unsigned op;
  bool prepareOnly;
};

class ScheduleBuilder {
public:
  ScheduleBuilder(const StepGraph &graph, const ScheduleOptions &options)
      : graph(graph), options(options), producer(graph.values.size(), kNone),
        readers(graph.values.size()), isSink(graph.ops.size()), computed(graph.values.size()),
        pinnedBy(graph.ops.size()), seenIn(graph.values.size(), kNone),
        traced(graph.ops.size(), kNone) {
    for (unsigned op : graph.order) {
      for (const GraphResult &result : graph.ops[op].results)
        producer[result.value] = op;
      for (unsigned value : graph.ops[op].reads)
        readers[value].push_back(op);
    }
    for (const GraphValue &value : graph.values)
      if (value.isOutput && !value.isExternal)
        outputBytes += value.bytes;
  }

  Schedule run() {
    findSinks();
    findFromArguments();
    orderBase();
    findDroppable();
    for (const Entry &entry : base)
      emit(entry);
    return std::move(schedule);
  }

private:
  /// A sink's results reach outputs only, through light sinks: a weight gradient and its update.
  /// (All of the backward reaches only outputs, but through the convolutions' gradients.)
  void findSinks() {
    for (unsigned i = graph.order.size(); i-- > 0;) {
      unsigned op = graph.order[i];
      isSink[op] = !graph.ops[op].isForward;
      for (const GraphResult &result : graph.ops[op].results)
        for (unsigned reader : readers[result.value])
          isSink[op] = isSink[op] && isSink[reader] && !graph.ops[reader].isHeavy;
    }
  }

  /// Sinks that read arguments only, or each other: the step size of an update, a decayed moment.
  /// They wait for the first sink that needs them.
  void findFromArguments() {
    isFromArguments.assign(graph.ops.size(), false);
    for (unsigned i = 0; i < graph.order.size(); ++i) {
      unsigned op = graph.order[i];
      traced[op] = i;
      const std::vector<unsigned> &reads = graph.ops[op].reads;
      isFromArguments[op] = options.moveSinks && isSink[op] && !reads.empty() &&
                            std::all_of(reads.begin(), reads.end(), [&](unsigned value) {
                              unsigned def = producer[value];
                              return def == kNone || isFromArguments[def] || isConstant(def);
                            });
    }
  }

  /// The sinks from arguments only that `op` reads, directly or through others, and that have no
  /// place yet, each behind those that it reads.
  std::vector<unsigned> findWaiting(unsigned op) const {
    std::vector<unsigned> waiting;
    auto addReads = [&](unsigned reader) {
      for (unsigned value : graph.ops[reader].reads) {
        unsigned def = producer[value];
        if (def != kNone && isFromArguments[def] && !placed[def] &&
            std::find(waiting.begin(), waiting.end(), def) == waiting.end())
          waiting.push_back(def);
      }
    };
    addReads(op);
    for (size_t next = 0; next < waiting.size(); ++next)
      addReads(waiting[next]);
    std::sort(waiting.begin(), waiting.end(),
              [&](unsigned a, unsigned b) { return traced[a] < traced[b]; });
    return waiting;
  }

  /// The sinks that hang on `op`: it and every sink whose operands are all external, computed
  /// before, or results of the cluster; each behind those that it reads.
  std::vector<unsigned> collectCluster(unsigned op) {
    std::vector<unsigned> cluster;
    auto add = [&](unsigned sink) {
      std::vector<unsigned> added = findWaiting(sink);
      added.push_back(sink);
      for (unsigned each : added)
        if (clusterOf[each] == kNone) {
          clusterOf[each] = clusters;
          cluster.push_back(each);
        }
    };
    add(op);
    for (size_t next = 0; next < cluster.size(); ++next)
      for (const GraphResult &result : graph.ops[cluster[next]].results)
        for (unsigned reader : readers[result.value])
          if (clusterOf[reader] == kNone && !isFromArguments[reader] && isReady(reader))
            add(reader);
    return cluster;
  }

  bool isInCurrentCluster(unsigned op) const { return clusterOf[op] == clusters; }

  bool isReady(unsigned op) const {
    return std::all_of(graph.ops[op].reads.begin(), graph.ops[op].reads.end(), [&](unsigned value) {
      unsigned def = producer[value];
      return def == kNone || placed[def] || isInCurrentCluster(def) || isConstant(def) ||
             isFromArguments[def];
    });
  }

  /// A constant of the graph costs nothing to compute again.
  bool isConstantValue(unsigned value) const {
    return producer[value] != kNone && isConstant(producer[value]);
  }

  bool isInternal(unsigned value) const { return !graph.values[value].isExternal; }

  /// Whether running the cluster frees less than what it leaves.
  bool isDeferred(const std::vector<unsigned> &cluster) {
    int64_t kept = 0, operands = 0;
    for (unsigned op : cluster) {
      for (const GraphResult &result : graph.ops[op].results) {
        if (graph.values[result.value].isOutput)
          kept += graph.values[result.value].bytes;
      }
      for (unsigned value : graph.ops[op].reads) {
        bool inside = producer[value] != kNone && isInCurrentCluster(producer[value]);
        bool isNew = std::exchange(seenIn[value], clusters) != clusters;
        if (isInternal(value) && !inside && isNew && !isConstantValue(value))
          operands += graph.values[value].bytes;
        // An update that is written over a donated argument takes nothing.
        if (graph.values[value].isDonated && isNew)
          kept -= graph.values[value].bytes;
      }
    }
    // What is small runs as soon as it can: an update of running statistics.
    return kept > outputBytes / 10000 && static_cast<double>(kept) > options.deferRatio * operands;
  }

  /// The traced order with sinks as early as possible, or last.
  void orderBase() {
    placed.assign(graph.ops.size(), false);
    clusterOf.assign(graph.ops.size(), kNone);
    std::vector<unsigned> deferred;
    for (unsigned op : graph.order) {
      if (placed[op] || (options.moveSinks && isSink[op]))
        continue;
      place(op);
      if (options.moveSinks)
        for (const GraphResult &result : graph.ops[op].results)
          placeSinksOf(result.value, deferred);
    }
    // Sinks of arguments only that no other reads, and what waited for two clusters: for one that
    // is put off, behind it.
    for (unsigned op : graph.order)
      if (!placed[op] && clusterOf[op] == kNone && isReady(op))
        place(op);
    for (unsigned op : deferred)
      place(op);
    for (unsigned op : graph.order)
      if (!placed[op])
        place(op);
  }

  /// Constants wait for their reader, and so do sinks from arguments only.
  void place(unsigned op) {
    if (placed[op])
      return;
    std::vector<unsigned> run = findWaiting(op);
    run.push_back(op);
    for (unsigned each : run) {
      placed[each] = true;
      if (!isConstant(each))
        base.push_back({each, false});
    }
  }

  bool isConstant(unsigned op) const {
    return graph.ops[op].reads.empty() &&
           std::all_of(graph.ops[op].results.begin(), graph.ops[op].results.end(),
                       [&](const GraphResult &result) {
                         const GraphValue &value = graph.values[result.value];
                         return value.recipe == op && !value.isOutput;
                       });
  }

  /// The sinks that can run now that `value` is there.
  void placeSinksOf(unsigned value, std::vector<unsigned> &deferred) {
    for (unsigned reader : readers[value]) {
      if (!isSink[reader] || placed[reader] || isFromArguments[reader] ||
          clusterOf[reader] != kNone || !isReady(reader))
        continue;
      std::vector<unsigned> cluster = collectCluster(reader);
      bool isLater = isDeferred(cluster);
      ++clusters;
      if (isLater) {
        for (unsigned op : cluster) {
          base.push_back({op, true});
          deferred.push_back(op);
        }
        continue;
      }
      for (unsigned op : cluster)
        place(op);
    }
  }

  /// The op that gives `value` again under the options.
  unsigned getRecipe(unsigned value) const {
    unsigned rebuild = options.rebuiltBy.empty() ? kNone : options.rebuiltBy[value];
    return rebuild == kNone ? graph.values[value].recipe : rebuild;
  }

  /// Forward values that recipes give again from what is kept; constants of the graph (no operands)
  /// too. Values that are rebuilt are looked at first.
  void findDroppable() {
    isDroppable.assign(graph.values.size(), false);
    depth.assign(graph.values.size(), 0);
    state.assign(graph.values.size(), State::Unknown);
    remainingForward.assign(graph.values.size(), 0);
    pins.assign(graph.values.size(), 0);
    available.assign(graph.values.size(), false);
    for (unsigned value = 0; value < graph.values.size(); ++value) {
      available[value] = graph.values[value].isExternal;
      for (unsigned reader : readers[value])
        remainingForward[value] += graph.ops[reader].isForward;
    }
    for (unsigned value = 0; value < options.rebuiltBy.size(); ++value)
      if (options.rebuiltBy[value] != kNone)
        decideDrop(value);
    for (unsigned op : graph.order)
      for (const GraphResult &result : graph.ops[op].results)
        decideDrop(result.value);
  }

  /// Whether the op that gives `value` again may run a second time.
  bool mayDrop(unsigned value) const {
    unsigned recipe = getRecipe(value);
    if (!options.recompute || recipe == kNone || graph.values[value].bytes == 0 ||
        graph.values[value].isOutput || !graph.ops[producer[value]].isForward)
      return false;
    return !graph.ops[recipe].isHeavy ||
           (recipe < options.recomputedHeavy.size() && options.recomputedHeavy[recipe]);
  }

  /// Decides whether a value is dropped, and before it what its recipe reads. Depth counts the ops
  /// since a kept value. Without recursion: chains of blocks are long.
  void decideDrop(unsigned root) {
    std::vector<std::pair<unsigned, unsigned>> stack; // value, next read of its recipe
    auto enter = [&](unsigned value) {
      unsigned def = producer[value];
      if (def != kNone && isConstant(def)) {
        isDroppable[value] = true;
        state[value] = State::Decided;
      } else if (def == kNone || !mayDrop(value)) {
        state[value] = State::Decided;
      } else {
        state[value] = State::Open;
        stack.push_back({value, 0});
      }
    };
    if (state[root] == State::Unknown)
      enter(root);
    while (!stack.empty()) {
      auto &[value, next] = stack.back();
      const GraphOp &recipe = graph.ops[getRecipe(value)];
      if (next < recipe.reads.size()) {
        unsigned read = recipe.reads[next++];
        if (state[read] == State::Unknown)
          enter(read);
        else if (state[read] == State::Open)
          breakCircle(stack, read);
        continue;
      }
      unsigned deepest = 0;
      for (unsigned read : recipe.reads)
        deepest = std::max(deepest, isDroppable[read] ? depth[read] : 0);
      if (deepest + 1 <= options.maxDepth && !keepsTied(recipe)) {
        depth[value] = deepest + 1;
        isDroppable[value] = true;
      }
      state[value] = State::Decided;
      stack.pop_back();
    }
  }

  /// Whether a recipe would update in place what is kept. That takes a copy of it, as large as what
  /// the recipe gives.
  bool keepsTied(const GraphOp &recipe) const {
    return std::any_of(
        recipe.results.begin(), recipe.results.end(), [&](const GraphResult &result) {
          unsigned tied = result.tiedTo == kNone ? kNone : recipe.reads[result.tiedTo];
          return tied != kNone && isInternal(tied) && !isDroppable[tied];
        });
  }

  /// `value`, which is further down in the stack, would need itself: of the values between one that
  /// would be computed as it first was is kept, so that those which are to be rebuilt can be. What
  /// stood on it in the stack is looked at again: a decision counts only with all that it rests on.
  void breakCircle(std::vector<std::pair<unsigned, unsigned>> &stack, unsigned value) {
    unsigned kept = value;
    for (auto entry = stack.rbegin(); entry != stack.rend() && kept == value; ++entry) {
      if (options.rebuiltBy.empty() || options.rebuiltBy[entry->first] == kNone)
        kept = entry->first;
      if (entry->first == value)
        break;
    }
    while (stack.back().first != kept) {
      state[stack.back().first] = State::Unknown;
      stack.pop_back();
    }
    state[kept] = State::Decided;
    stack.pop_back();
  }

  /// Computes `value` again if it was dropped, and before it what it needs.
  void ensure(unsigned value) {
    if (available[value])
      return;
    unsigned recipe = getRecipe(value);
    // The longest computation first: its temporaries are gone before the others' results come.
    std::vector<unsigned> missing;
    for (unsigned read : graph.ops[recipe].reads)
      if (!available[read])
        missing.push_back(read);
    std::sort(missing.begin(), missing.end(), [&](unsigned a, unsigned b) {
      return std::make_pair(depth[b], a) < std::make_pair(depth[a], b);
    });
    for (unsigned read : missing)
      ensure(read);
    schedule.push_back(recipe);
    for (const GraphResult &result : graph.ops[recipe].results) {
      if (!available[result.value])
        temporaries.push_back(result.value);
      available[result.value] = true;
    }
    dropUpdated(graph.ops[recipe]);
  }

  void emit(const Entry &entry) {
    const GraphOp &op = graph.ops[entry.op];
    // The operands of a sink that is put off may come from its cluster.
    for (unsigned value : op.reads)
      if (!entry.prepareOnly || hasRun(value))
        ensure(value);
    if (entry.prepareOnly) {
      for (unsigned value : op.reads)
        if (isDroppable[value] && hasRun(value)) {
          ++pins[value];
          pinnedBy[entry.op].push_back(value);
        }
    } else {
      run(entry.op);
    }
    for (unsigned value : temporaries)
      drop(value);
    temporaries.clear();
    if (entry.prepareOnly)
      return;
    for (unsigned value : op.reads)
      drop(value);
    for (const GraphResult &result : op.results)
      drop(result.value);
  }

  bool hasRun(unsigned value) const { return computed[value]; }

  void run(unsigned id) {
    const GraphOp &op = graph.ops[id];
    schedule.push_back(id);
    for (const GraphResult &result : op.results) {
      available[result.value] = true;
      computed[result.value] = true;
    }
    if (op.isForward)
      for (unsigned value : op.reads)
        --remainingForward[value];
    for (unsigned value : pinnedBy[id])
      --pins[value];
    dropUpdated(op);
  }

  /// What was updated in place is gone.
  void dropUpdated(const GraphOp &op) {
    for (const GraphResult &result : op.results)
      if (result.tiedTo != kNone && isDroppable[op.reads[result.tiedTo]])
        available[op.reads[result.tiedTo]] = false;
  }

  void drop(unsigned value) {
    if (isDroppable[value] && remainingForward[value] == 0 && pins[value] == 0)
      available[value] = false;
  }

  const StepGraph &graph;
  const ScheduleOptions &options;
  std::vector<unsigned> producer;
  std::vector<std::vector<unsigned>> readers;
  /// Of the decision whether a value is dropped.
  enum class State { Unknown, Open, Decided };

  std::vector<bool> isSink, computed;
  std::vector<State> state;
  std::vector<std::vector<unsigned>> pinnedBy; // by op: the values that are held for it
  std::vector<unsigned> seenIn; // by value: the last cluster whose operands it was counted among
  std::vector<unsigned> traced; // by op: its place in the traced order
  std::vector<bool> placed, isFromArguments, isDroppable, available;
  std::vector<unsigned> clusterOf; // by op: the cluster of sinks that it was placed or put off with
  unsigned clusters = 0;
  std::vector<unsigned> remainingForward, pins, depth;
  int64_t outputBytes = 0;
  std::vector<Entry> base;
  std::vector<unsigned> temporaries;
  Schedule schedule;
};
} // namespace

Schedule mlir::abn::plan::buildSchedule(const StepGraph &graph, const ScheduleOptions &options) {
  return ScheduleBuilder(graph, options).run();
}
