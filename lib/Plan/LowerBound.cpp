// Proved lower bounds of the arena over all schedules of a step.
#include "abn/Plan/Planner.h"
#include <algorithm>
#include <deque>
#include <limits>
#include <map>

using namespace mlir::abn::plan;

namespace {
/// Maximum flow from one node to another, by Dinic's algorithm.
class FlowNetwork {
public:
  explicit FlowNetwork(unsigned nodes) : arcsOf(nodes) {}

  void addArc(unsigned from, unsigned to, int64_t capacity) {
    arcsOf[from].push_back(arcs.size());
    arcs.push_back({to, capacity});
    arcsOf[to].push_back(arcs.size());
    arcs.push_back({from, 0});
  }

  int64_t computeMaxFlow(unsigned source, unsigned sink) {
    int64_t total = 0;
    while (findLevels(source, sink)) {
      next.assign(arcsOf.size(), 0);
      while (int64_t pushed = push(source, sink))
        total += pushed;
    }
    return total;
  }

private:
  struct Arc {
    unsigned to;
    int64_t capacity;
  };

  bool findLevels(unsigned source, unsigned sink) {
    level.assign(arcsOf.size(), kNone);
    level[source] = 0;
    std::deque<unsigned> queue{source};
    while (!queue.empty()) {
      unsigned node = queue.front();
      queue.pop_front();
      for (unsigned id : arcsOf[node])
        if (arcs[id].capacity > 0 && level[arcs[id].to] == kNone) {
          level[arcs[id].to] = level[node] + 1;
          queue.push_back(arcs[id].to);
        }
    }
    return level[sink] != kNone;
  }

  /// Sends flow along one path of the level graph; without recursion, since the paths of deep
  /// networks are long.
  int64_t push(unsigned source, unsigned sink) {
    std::vector<unsigned> path;
    unsigned node = source;
    while (node != sink) {
      bool advanced = false;
      for (; next[node] < arcsOf[node].size(); ++next[node]) {
        const Arc &arc = arcs[arcsOf[node][next[node]]];
        if (arc.capacity > 0 && level[arc.to] == level[node] + 1) {
          path.push_back(arcsOf[node][next[node]]);
          node = arc.to;
          advanced = true;
          break;
        }
      }
      if (advanced)
        continue;
      if (path.empty())
        return 0;
      // A dead end: step back and try the next arc.
      level[node] = kNone;
      node = arcs[path.back() ^ 1].to;
      path.pop_back();
    }
    int64_t pushed = std::numeric_limits<int64_t>::max();
    for (unsigned id : path)
      pushed = std::min(pushed, arcs[id].capacity);
    for (unsigned id : path) {
      arcs[id].capacity -= pushed;
      arcs[id ^ 1].capacity += pushed;
    }
    return pushed;
  }

  std::vector<Arc> arcs;
  std::vector<std::vector<unsigned>> arcsOf;
  std::vector<unsigned> level, next;
};

class LowerBound {
public:
  explicit LowerBound(const StepGraph &graph) : graph(graph) {
    for (const GraphValue &value : graph.values)
      if (value.isDonated)
        ++allDonated[value.bytes];
  }

  /// Whatever the schedule: at the end every output is there; at every op its operands and results
  /// are, less the results that may take over an operand.
  int64_t ofEveryOp() {
    std::vector<unsigned> outputs;
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput && !graph.values[value].isExternal)
        outputs.push_back(value);
    int64_t bound = sumInArena(outputs, allDonated);
    for (unsigned id : graph.order) {
      const GraphOp &op = graph.ops[id];
      std::vector<unsigned> reads = getDistinctReads(op);
      int64_t bytes = sumInArena(reads, findDonated(/*except=*/reads));
      for (const GraphResult &result : op.results)
        if (result.tiedTo == kNone && result.reusable.empty())
          bytes += getOwnBytes(result.value);
      bound = std::max(bound, bytes);
    }
    return bound;
  }

  /// Without recomputing heavy ops: when the last heavy op of the forward has run (all others have,
  /// if it depends on them), no op has run that depends on it. What those read is live or follows
  /// from what is live by ops that are not heavy: the live values, with those that have `rebuilds`,
  /// cut every path from a heavy result to such a reader. The smallest cut is a maximum flow.
  int64_t ofForwardEnd() {
    unsigned values = graph.values.size(), source = 2 * values, sink = source + 1;
    FlowNetwork network(2 * values + 2);
    constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max() / 4;
    std::vector<bool> isForwardValue(values);
    std::vector<unsigned> producer(values, kNone);
    for (unsigned id : graph.order)
      for (const GraphResult &result : graph.ops[id].results) {
        isForwardValue[result.value] = graph.ops[id].isForward;
        producer[result.value] = id;
      }
    for (unsigned value = 0; value < values; ++value) {
      if (!isForwardValue[value])
        continue;
      // What other values give back counts as there for nothing.
      bool isRebuildable = !graph.values[value].rebuilds.empty();
      network.addArc(2 * value, 2 * value + 1, isRebuildable ? 0 : getOwnBytes(value));
      // A light op without a recipe may be one that has not run yet: what it reads gives its
      // result.
      unsigned recipe = graph.values[value].recipe;
      if (recipe == kNone)
        recipe = producer[value];
      if (graph.ops[recipe].isHeavy) {
        network.addArc(source, 2 * value, kUnbounded);
        continue;
      }
      for (unsigned read : graph.ops[recipe].reads)
        if (isForwardValue[read])
          network.addArc(2 * read + 1, 2 * value, kUnbounded);
    }
    std::vector<unsigned> readLater;
    for (unsigned value : findNeeded(isForwardValue, readLater))
      network.addArc(2 * value + 1, sink, kUnbounded);
    // Some of what is live may lie in donated arguments that nobody reads any more.
    int64_t donated = 0;
    for (auto [bytes, count] : findDonated(/*except=*/readLater))
      for (unsigned value = 0; value < values && count > 0; ++value)
        if (isForwardValue[value] && graph.values[value].bytes == bytes) {
          donated += bytes;
          --count;
        }
    return network.computeMaxFlow(source, sink) - donated;
  }

private:
  /// The bytes that are there with a value and with no other.
  int64_t getOwnBytes(unsigned value) const {
    return graph.values[value].mayShowOther ? 0 : graph.values[value].bytes;
  }

  /// Donated arguments by their bytes, but for those among `except`, distinct values.
  std::map<int64_t, unsigned> findDonated(const std::vector<unsigned> &except) const {
    std::map<int64_t, unsigned> donated = allDonated;
    for (unsigned value : except)
      if (graph.values[value].isDonated)
        --donated[graph.values[value].bytes];
    return donated;
  }

  /// Bytes in the arena if all `values` are there: each donated argument may hold one of its size.
  int64_t sumInArena(const std::vector<unsigned> &values,
                     std::map<int64_t, unsigned> donated) const {
    int64_t sum = 0;
    for (unsigned value : values) {
      int64_t bytes = getOwnBytes(value);
      if (graph.values[value].isExternal || bytes == 0)
        continue;
      auto place = donated.find(bytes);
      if (place == donated.end() || place->second == 0)
        sum += bytes;
      else
        --place->second;
    }
    return sum;
  }

  /// Forward values that ops read which depend on the last heavy forward op, and that do not depend
  /// on it themselves; none if another heavy op does not precede that one in every schedule. Of the
  /// arguments, `readLater` are those that such ops read.
  std::vector<unsigned> findNeeded(const std::vector<bool> &isForwardValue,
                                   std::vector<unsigned> &readLater) const {
    unsigned last = kNone;
    for (unsigned id : graph.order)
      if (graph.ops[id].isForward && graph.ops[id].isHeavy)
        last = id;
    std::vector<unsigned> needed;
    if (last == kNone || !isReachedByAll(last))
      return needed;
    std::vector<bool> depends(graph.values.size()), isReadLater(graph.values.size());
    for (unsigned id : graph.order) {
      const GraphOp &op = graph.ops[id];
      bool isAfter = id == last || std::any_of(op.reads.begin(), op.reads.end(),
                                               [&](unsigned value) { return depends[value]; });
      if (!isAfter)
        continue;
      for (const GraphResult &result : op.results)
        depends[result.value] = true;
      for (unsigned value : op.reads) {
        if (id != last && isForwardValue[value] && !depends[value])
          needed.push_back(value);
        if (graph.values[value].isExternal && !isReadLater[value]) {
          isReadLater[value] = true;
          readLater.push_back(value);
        }
      }
    }
    return needed;
  }

  /// Whether `last` depends on every other heavy forward op.
  bool isReachedByAll(unsigned last) const {
    std::vector<bool> reaches(graph.values.size());
    for (unsigned value : graph.ops[last].reads)
      reaches[value] = true;
    for (auto id = graph.order.rbegin(); id != graph.order.rend(); ++id) {
      const GraphOp &op = graph.ops[*id];
      if (*id == last)
        continue;
      bool does = std::any_of(op.results.begin(), op.results.end(),
                              [&](const GraphResult &result) { return reaches[result.value]; });
      if (op.isForward && op.isHeavy && !does)
        return false;
      if (does)
        for (unsigned value : op.reads)
          reaches[value] = true;
    }
    return true;
  }

  const StepGraph &graph;
  /// By bytes.
  std::map<int64_t, unsigned> allDonated;
};
} // namespace

int64_t mlir::abn::plan::computeLowerBound(const StepGraph &graph, bool recomputeHeavy) {
  LowerBound bound(graph);
  int64_t ofOps = bound.ofEveryOp();
  return recomputeHeavy ? ofOps : std::max(ofOps, bound.ofForwardEnd());
}
