// The solver: components, bounds, and for each component the portfolio, then the search.
#include "abn/Pack/PackSolver.h"
#include "Heuristics.h"
#include "Instance.h"
#include "llvm/ADT/STLExtras.h"

using namespace abn::pack;

/// A fixed offset of -1 would read as none.
static bool hasNegativeFixed(const Problem &problem) {
  return llvm::any_of(problem.buffers,
                      [](const Buffer &buffer) { return buffer.offset && *buffer.offset < 0; });
}

static Status computeStatus(const Problem &problem, const Result &result, bool solved) {
  if (problem.capacity && result.lowerBound > *problem.capacity)
    return Status::Infeasible;
  if (!solved || (problem.capacity && result.arena > *problem.capacity))
    return Status::Unknown;
  return result.arena == result.lowerBound ? Status::Optimal : Status::Feasible;
}

Result abn::pack::solve(const Problem &problem, const Options &options) {
  Result result;
  result.maxLive = computeMaxLive(problem);
  result.lowerBound = result.maxLive;
  std::vector<Instance> components = buildComponents(problem);
  for (Instance &instance : components) {
    computeBounds(instance);
    result.lowerBound = std::max(result.lowerBound, instance.lowerBound);
  }
  if (hasNegativeFixed(problem) || !llvm::all_of(components, fixedItemsFit)) {
    result.status = Status::Infeasible;
    result.method = "fixed offsets collide";
    return result;
  }
  // The component that is likely to need the most goes first: the others only have to stay below
  // it.
  llvm::sort(components, [](const Instance &a, const Instance &b) {
    return a.lowerBound != b.lowerBound ? a.lowerBound > b.lowerBound
                                        : a.items.front().buffer < b.items.front().buffer;
  });
  result.offsets.resize(problem.buffers.size());
  for (const auto &[index, buffer] : llvm::enumerate(problem.buffers))
    result.offsets[index] = buffer.offset.value_or(0);
  bool solved = true;
  for (const Instance &instance : components) {
    int64_t target = std::max(result.lowerBound, result.arena);
    if (problem.capacity)
      target = std::max(target, *problem.capacity);
    Placement placement = runPortfolio(instance, target);
    if (!placement.isValid()) {
      solved = false;
      continue;
    }
    for (size_t item = 0; item != instance.items.size(); ++item)
      result.offsets[instance.items[item].buffer] = placement.offsets[item];
    if (placement.arena > result.arena) {
      result.arena = placement.arena;
      result.method = placement.method;
    }
  }
  if (!solved)
    result.offsets.clear();
  result.status = computeStatus(problem, result, solved);
  return result;
}
