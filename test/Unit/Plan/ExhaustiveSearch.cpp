// Whether any schedule of a small graph fits in a number of bytes: a search through all states of
// memory.
#include "Reference.h"
#include <set>
#include <tuple>

using namespace planner_test;
using namespace mlir::abn::plan;

namespace {
/// What has run and what is there, as bit masks: ops of the traced order that have run; values that
/// are there; of these, those that lie in a donated argument. Arguments are values that are there
/// from the beginning.
struct State {
  uint64_t ran = 0, there = 0, donated = 0;
  bool operator<(const State &other) const {
    return std::tie(ran, there, donated) < std::tie(other.ran, other.there, other.donated);
  }
};

class Search {
public:
  Search(const StepGraph &graph, bool recomputeHeavy, int64_t limit)
      : graph(graph), recomputeHeavy(recomputeHeavy), limit(limit) {
    for (unsigned op : graph.order)
      inOrder |= bit(op);
  }

  std::optional<bool> run() {
    State start;
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isExternal) {
        start.there |= bit(value);
        start.donated |= graph.values[value].isDonated ? bit(value) : 0;
      }
    add(start);
    while (!open.empty()) {
      State state = open.back();
      open.pop_back();
      if (isEnd(state))
        return true;
      if (seen.size() > kMostStates)
        return std::nullopt;
      expand(state);
    }
    return false;
  }

private:
  static constexpr size_t kMostStates = 100'000;

  static uint64_t bit(unsigned index) { return uint64_t(1) << index; }

  bool isEnd(const State &state) const {
    if (state.ran != inOrder)
      return false;
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput && !(state.there & bit(value)))
        return false;
    return true;
  }

  int64_t bytesOf(unsigned value) const { return graph.values[value].bytes; }

  int64_t sumLive(const State &state) const {
    int64_t sum = 0;
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if ((state.there & bit(value)) && !(state.donated & bit(value)) &&
          !graph.values[value].isExternal)
        sum += bytesOf(value);
    return sum;
  }

  void add(const State &state) {
    if (seen.insert(state).second)
      open.push_back(state);
  }

  void expand(const State &state) {
    for (unsigned value = 0; value < graph.values.size(); ++value)
      // A plain argument takes no bytes.
      if ((state.there & bit(value)) &&
          (!graph.values[value].isExternal || graph.values[value].isDonated)) {
        State smaller = state;
        smaller.there &= ~bit(value);
        smaller.donated &= ~bit(value);
        add(smaller);
      }
    for (unsigned id = 0; id < graph.ops.size(); ++id)
      if (canRun(state, id))
        takeOver(state, state, id, 0, sumLive(state));
  }

  bool canRun(const State &state, unsigned id) const {
    const GraphOp &op = graph.ops[id];
    for (unsigned value : op.reads)
      if (!(state.there & bit(value)))
        return false;
    bool isRecipe = true;
    for (const GraphResult &result : op.results) {
      // What is computed again has been dropped before.
      if (state.there & bit(result.value))
        return false;
      isRecipe &= givesAgain(graph, id, result.value);
    }
    bool isFirst = (inOrder & bit(id)) && !(state.ran & bit(id));
    return isFirst || (isRecipe && (recomputeHeavy || !op.isHeavy || !op.isForward));
  }

  /// Goes on from `next`, in which the op's results before `number` have a place, with every place
  /// that result may have. `live` counts the operands and the results with new places.
  void takeOver(const State &before, const State &next, unsigned id, unsigned number,
                int64_t live) {
    if (live > limit)
      return;
    const GraphOp &op = graph.ops[id];
    if (number == op.results.size()) {
      State after = next;
      if (inOrder & bit(id))
        after.ran |= bit(id);
      add(after);
      return;
    }
    const GraphResult &result = op.results[number];
    State fresh = next;
    fresh.there |= bit(result.value);
    takeOver(before, fresh, id, number + 1, live + bytesOf(result.value));
    std::vector<unsigned> candidates = result.reusable;
    if (result.isTiedCopied)
      candidates = {};
    else if (result.tiedTo != kNone)
      candidates = {result.tiedTo};
    for (unsigned read : candidates) {
      unsigned value = op.reads[read];
      const GraphValue &v = graph.values[value];
      bool isIntact = next.there & bit(value);
      if (!isIntact || bytesOf(value) != bytesOf(result.value) || (v.isExternal && !v.isDonated))
        continue;
      State taken = next;
      taken.there = (taken.there & ~bit(value)) | bit(result.value);
      taken.donated &= ~bit(value);
      if (before.donated & bit(value))
        taken.donated |= bit(result.value);
      takeOver(before, taken, id, number + 1, live);
    }
  }

  const StepGraph &graph;
  bool recomputeHeavy;
  uint64_t inOrder = 0;
  int64_t limit;
  std::set<State> seen;
  std::vector<State> open;
};
} // namespace

std::optional<bool> planner_test::fitsWithin(const StepGraph &graph, int64_t bytes,
                                             bool recomputeHeavy) {
  return Search(graph, recomputeHeavy, bytes).run();
}
