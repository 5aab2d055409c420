// Which of the values that give each other back are kept: for each residual sum, the branch, the
// shortcut or the sum.
#include "abn/Plan/Schedules.h"
#include <algorithm>
#include <limits>

using namespace mlir::abn::plan;

namespace {
/// One op whose operands follow from its result and each other.
struct Sum {
  /// The rebuilding ops, one for each operand, and the values that they give back.
  std::vector<unsigned> rebuilds;
  /// The op that gives the sum itself back from its activation; kNone if nothing does.
  unsigned fromActivation = kNone;
  unsigned value = kNone; // the sum
};

class MemberChooser {
public:
  explicit MemberChooser(const StepGraph &graph) : graph(graph) { findSums(); }

  std::vector<unsigned> run() {
    if (sums.empty())
      return {};
    // The same for all sums: nothing rebuilt, or each of the operands.
    std::vector<unsigned> best(sums.size(), kNone);
    int64_t smallest = getPeak(best);
    for (unsigned operand : {0u, 1u}) {
      std::vector<unsigned> choice(sums.size(), operand);
      if (int64_t peak = getPeak(choice); peak < smallest) {
        smallest = peak;
        best = choice;
      }
    }
    // Then one by one, as far as the step is small enough to try.
    constexpr size_t kTried = 64;
    if (sums.size() <= kTried)
      for (unsigned sum = 0; sum < sums.size(); ++sum)
        for (unsigned other : {kNone, 0u, 1u}) {
          std::vector<unsigned> choice = best;
          choice[sum] = other;
          if (int64_t peak = getPeak(choice); peak < smallest) {
            smallest = peak;
            best = choice;
          }
        }
    if (std::all_of(best.begin(), best.end(), [](unsigned choice) { return choice == kNone; }))
      return {};
    return getRebuilt(best);
  }

private:
  void findSums() {
    std::vector<unsigned> sumOf(graph.values.size(), kNone);
    for (const GraphValue &value : graph.values)
      for (unsigned rebuild : value.rebuilds) {
        const GraphOp &op = graph.ops[rebuild];
        if (op.reads.size() != 2)
          continue;
        unsigned &sum = sumOf[op.reads[0]];
        if (sum == kNone) {
          sum = sums.size();
          sums.emplace_back();
          sums.back().value = op.reads[0];
        }
        sums[sum].rebuilds.push_back(rebuild);
      }
    for (Sum &sum : sums)
      for (unsigned rebuild : graph.values[sum.value].rebuilds)
        if (graph.ops[rebuild].reads.size() == 1)
          sum.fromActivation = rebuild;
  }

  /// By value: the op that gives it back under a choice of one operand for each sum.
  std::vector<unsigned> getRebuilt(const std::vector<unsigned> &choice) const {
    std::vector<unsigned> rebuiltBy(graph.values.size(), kNone);
    for (unsigned i = 0; i < sums.size(); ++i) {
      if (choice[i] == kNone || choice[i] >= sums[i].rebuilds.size())
        continue;
      unsigned rebuild = sums[i].rebuilds[choice[i]];
      rebuiltBy[graph.ops[rebuild].results[0].value] = rebuild;
      if (sums[i].fromActivation != kNone)
        rebuiltBy[sums[i].value] = sums[i].fromActivation;
    }
    return rebuiltBy;
  }

  int64_t getPeak(const std::vector<unsigned> &choice) const {
    ScheduleOptions options;
    options.rebuiltBy = getRebuilt(choice);
    Schedule schedule = buildSchedule(graph, options);
    return isComplete(graph, schedule) ? evaluate(graph, schedule).maxLive
                                       : std::numeric_limits<int64_t>::max();
  }

  const StepGraph &graph;
  std::vector<Sum> sums;
};
} // namespace

std::vector<unsigned> mlir::abn::plan::chooseMembers(const StepGraph &graph) {
  return MemberChooser(graph).run();
}
