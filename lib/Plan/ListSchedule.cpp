// Orders of a step's ops without any recomputation: depth first from the results, and greedily by
// what each op adds to the live bytes.
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <set>

using namespace mlir::abn::plan;

namespace {
/// What both orders need to know of a graph.
struct Dependences {
  explicit Dependences(const StepGraph &graph)
      : producer(graph.values.size(), kNone), readers(graph.values.size()),
        placeOf(graph.ops.size(), kNone) {
    for (unsigned i = 0; i < graph.order.size(); ++i) {
      unsigned op = graph.order[i];
      placeOf[op] = i;
      for (const GraphResult &result : graph.ops[op].results)
        producer[result.value] = op;
      std::vector<unsigned> reads = getDistinctReads(graph.ops[op]);
      for (unsigned value : reads)
        readers[value].push_back(op);
    }
  }
  std::vector<unsigned> producer;             // by value
  std::vector<std::vector<unsigned>> readers; // by value
  std::vector<unsigned> placeOf;              // by op: its place in the given order
};

/// Takes, among the ops that can run, the one that adds the fewest live bytes; the earlier one in
/// the given order if several do.
class GreedyScheduler {
public:
  explicit GreedyScheduler(const StepGraph &graph)
      : graph(graph), dependences(graph), missing(graph.ops.size()), unread(graph.values.size()),
        key(graph.ops.size()) {}

  Schedule run() {
    for (unsigned value = 0; value < graph.values.size(); ++value)
      unread[value] = dependences.readers[value].size();
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (dependences.producer[value] != kNone)
        for (unsigned reader : dependences.readers[value])
          ++missing[reader];
    for (unsigned op : graph.order)
      if (missing[op] == 0)
        insert(op);
    Schedule schedule;
    while (!ready.empty()) {
      unsigned op = graph.order[ready.begin()->second];
      ready.erase(ready.begin());
      schedule.push_back(op);
      finish(op);
    }
    return schedule;
  }

private:
  using Key = std::pair<int64_t, unsigned>; // added bytes, place

  int64_t getAddedBytes(unsigned op) const {
    int64_t bytes = 0;
    for (const GraphResult &result : graph.ops[op].results)
      if (unread[result.value] > 0 || graph.values[result.value].isOutput)
        bytes += graph.values[result.value].bytes;
    std::vector<unsigned> reads = getDistinctReads(graph.ops[op]);
    for (unsigned value : reads)
      if (unread[value] == 1 && !graph.values[value].isOutput && !graph.values[value].isExternal)
        bytes -= graph.values[value].bytes;
    return bytes;
  }

  void insert(unsigned op) {
    key[op] = {getAddedBytes(op), dependences.placeOf[op]};
    ready.insert(key[op]);
  }

  void finish(unsigned op) {
    std::vector<unsigned> reads = getDistinctReads(graph.ops[op]);
    done.resize(graph.ops.size());
    done[op] = true;
    for (unsigned value : reads)
      if (--unread[value] == 1)
        // The last reader will free it.
        for (unsigned reader : dependences.readers[value])
          if (!done[reader] && ready.erase(key[reader]))
            insert(reader);
    for (const GraphResult &result : graph.ops[op].results)
      for (unsigned reader : dependences.readers[result.value])
        if (--missing[reader] == 0)
          insert(reader);
  }

  const StepGraph &graph;
  Dependences dependences;
  std::vector<unsigned> missing; // by op: values that are not there yet
  std::vector<unsigned> unread;  // by value: readers that have not run
  std::vector<Key> key;
  std::vector<bool> done;
  std::set<Key> ready;
};
} // namespace

Schedule mlir::abn::plan::scheduleGreedily(const StepGraph &graph) {
  return GreedyScheduler(graph).run();
}

Schedule mlir::abn::plan::scheduleDepthFirst(const StepGraph &graph) {
  Dependences dependences(graph);
  std::vector<bool> visited(graph.ops.size());
  Schedule schedule;
  // Each op right before the first of its readers in the given order, without recursion.
  for (unsigned root : graph.order) {
    bool isRoot = true;
    for (const GraphResult &result : graph.ops[root].results)
      isRoot = isRoot && dependences.readers[result.value].empty();
    if (!isRoot || visited[root])
      continue;
    std::vector<std::pair<unsigned, unsigned>> stack{{root, 0}}; // op, next read
    visited[root] = true;
    while (!stack.empty()) {
      auto &[op, next] = stack.back();
      if (next == graph.ops[op].reads.size()) {
        schedule.push_back(op);
        stack.pop_back();
        continue;
      }
      unsigned def = dependences.producer[graph.ops[op].reads[next++]];
      if (def != kNone && !visited[def]) {
        visited[def] = true;
        stack.push_back({def, 0});
      }
    }
  }
  return schedule;
}
