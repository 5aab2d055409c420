// The solver: components, bounds, and for each component the portfolio, then the search.
#include "abn/Pack/PackSolver.h"
#include "Exact.h"
#include "Heuristics.h"
#include "Instance.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace abn::pack;

/// Of a large problem's arena, what the portfolio may leave: 0.02 %.
constexpr int64_t kSlackDivisor = 5000;

namespace {
/// One call of solve.
class Solver {
public:
  Solver(const Problem &problem, const Options &options) : problem(problem), options(options) {}

  Result run();
  Result runBySize();

private:
  bool prepare();
  bool computeBounds();
  std::vector<size_t> sortComponents() const;
  void solveComponent(Instance &instance);
  void take(const Instance &instance, const Placement &placement);
  bool isBeyondCapacity(int64_t bytes) const {
    return problem.capacity && bytes > *problem.capacity;
  }
  Status computeStatus() const;

  const Problem &problem;
  const Options options;
  std::vector<Instance> components;
  Result result;
  bool isPlaced = true;
  bool isBeyond64Bits = false;
};
} // namespace

/// False if the fixed offsets have no solution.
bool Solver::computeBounds() {
  __int128 maxLive = computeWideMaxLive(problem);
  isBeyond64Bits = maxLive > kMaxBytes;
  result.maxLive = std::min<__int128>(maxLive, kMaxBytes);
  result.lowerBound = result.maxLive;
  for (Instance &instance : components) {
    abn::pack::computeBounds(instance);
    result.lowerBound = std::max(result.lowerBound, instance.lowerBound);
  }
  // A fixed offset of -1 would read as none in an item.
  bool anyNegative = llvm::any_of(
      problem.buffers, [](const Buffer &buffer) { return buffer.offset && *buffer.offset < 0; });
  return !anyNegative && llvm::all_of(components, fixedItemsFit);
}

/// The component that is likely to need the most goes first: the others only have to stay below it.
std::vector<size_t> Solver::sortComponents() const {
  std::vector<size_t> order(components.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    int64_t boundA = components[a].lowerBound, boundB = components[b].lowerBound;
    return boundA != boundB ? boundA > boundB : a < b;
  });
  return order;
}

void Solver::solveComponent(Instance &instance) {
  // Nothing is gained by less than what another component needs, or what is asked for.
  int64_t target = std::max({result.lowerBound, result.arena, problem.capacity.value_or(0)});
  bool isSmall = instance.items.size() <= kMaxExactItems;
  // Where no search follows, the last hundredths of a percent are not worth the rest of the
  // portfolio.
  int64_t slack = isSmall || problem.capacity ? 0 : target / kSlackDivisor;
  Placement placement = runPortfolio(instance, addSaturating(target, slack));
  if (!placement.isValid()) {
    isPlaced = false;
    return;
  }
  bool isRefuted = isBeyondCapacity(std::max(result.lowerBound, result.arena));
  if (options.exact && placement.arena > target && isSmall && !isRefuted)
    searchExact(instance, target, problem.capacity.has_value(), options.nodeLimit - result.nodes,
                placement, result.nodes);
  result.lowerBound = std::max(result.lowerBound, instance.lowerBound);
  take(instance, placement);
}

void Solver::take(const Instance &instance, const Placement &placement) {
  for (auto [item, offset] : llvm::zip_equal(instance.items, placement.offsets))
    result.offsets[item.buffer] = offset;
  if (placement.arena > result.arena) {
    result.arena = placement.arena;
    result.method = placement.method;
  }
}

Status Solver::computeStatus() const {
  if (isBeyondCapacity(result.lowerBound) || isBeyond64Bits)
    return Status::Infeasible;
  if (!isPlaced || isBeyondCapacity(result.arena))
    return Status::Unknown;
  return result.arena == result.lowerBound ? Status::Optimal : Status::Feasible;
}

/// Components and bounds; false if the result is known already.
bool Solver::prepare() {
  components = buildComponents(problem);
  if (!computeBounds()) {
    result.status = Status::Infeasible;
    result.method = "fixed offsets that are taken, unaligned or negative";
    return false;
  }
  for (const Buffer &buffer : problem.buffers)
    result.offsets.push_back(buffer.offset.value_or(0));
  result.method = "nothing to place";
  return true;
}

Result Solver::run() {
  if (!prepare())
    return result;
  for (size_t index : sortComponents())
    solveComponent(components[index]);
  if (!isPlaced) {
    result.offsets.clear();
    result.method = "offsets beyond 64 bits";
  }
  result.status = computeStatus();
  return result;
}

Result Solver::runBySize() {
  if (!prepare())
    return result;
  for (const Instance &instance : components) {
    int64_t unlimited = kMaxBytes;
    Placement placement = placeInOrder(instance, computeSizeOrder(instance), Fit::Best, unlimited);
    if (placement.isValid())
      take(instance, placement);
    isPlaced &= placement.isValid();
  }
  if (!isPlaced)
    result.offsets.clear();
  bool isSolved = isPlaced && !isBeyondCapacity(result.arena);
  result.status = isSolved ? Status::Feasible : Status::Unknown;
  return result;
}

Result abn::pack::solveBySize(const Problem &problem) { return Solver(problem, {}).runBySize(); }

Result abn::pack::solve(const Problem &problem, const Options &options) {
  return Solver(problem, options).run();
}
