// Restarts of the capacity search over several orders, and the descent of the capacity.
#include "Exact.h"
#include "CapacitySearch.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <numeric>

using namespace abn::pack;

/// A placement costs more the more items conflict and the more sections they live in. Up to so many
/// of both it counts as one node, beyond in proportion: the node limit is one of time on every
/// problem.
constexpr int64_t kPairsPerNode = 25'000;

/// What every offset is a multiple of if no item can be lowered, and so the least arena too.
static int64_t computeQuantum(const Instance &instance) {
  int64_t quantum = 0, before = -1;
  for (const Item &item : instance.items)
    quantum = std::gcd(std::gcd(quantum, item.size), std::max<int64_t>(item.fixed, 0));
  // An alignment that divides it moves nothing; another one may leave less for those before.
  while (quantum != before) {
    before = quantum;
    for (const Item &item : instance.items)
      if (quantum % item.alignment != 0)
        quantum = std::gcd(quantum, item.alignment);
  }
  return quantum;
}

namespace {
using Outcome = CapacitySearch::Outcome;

/// A fixed sequence of numbers, the same on every machine.
class Random {
public:
  /// In [0, 1).
  double next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 11) * 0x1p-53;
  }

private:
  uint64_t state = 1;
};

/// One component's search at changing capacities.
class ExactSearch {
public:
  ExactSearch(Instance &instance, Placement &best, int64_t &nodes)
      : instance(instance), conflicts(instance), orders(computeSearchOrders(instance)), best(best),
        nodes(nodes), quantum(computeQuantum(instance)) {}

  Outcome decide(int64_t capacity, int64_t nodeLimit);
  void minimize(int64_t target, int64_t nodeLimit);
  int64_t computeNodeCost() const;

private:
  Outcome run(CapacitySearch &search, const Order &order, int64_t nodeLimit);
  Order mixOrders();

  Instance &instance;
  ConflictGraph conflicts;
  std::vector<Order> orders;
  Placement &best;
  int64_t &nodes;
  const int64_t quantum;
  Random random;
};
} // namespace

/// A random compromise between the orders by contention, size and lifetime, with noise.
Order ExactSearch::mixOrders() {
  std::vector<double> keys;
  double contentionWeight = 3 * random.next(), sizeWeight = random.next(),
         durationWeight = random.next(), noise = random.next();
  std::vector<int64_t> contention = computeContention(instance);
  for (auto [item, most] : llvm::zip_equal(instance.items, contention))
    keys.push_back(contentionWeight * std::log2(double(most)) +
                   sizeWeight * std::log2(double(item.size)) +
                   durationWeight * std::log2(item.duration) + noise * random.next());
  Order order{std::vector<int32_t>(instance.items.size()), "mixed order"};
  std::iota(order.items.begin(), order.items.end(), 0);
  llvm::sort(order.items,
             [&](int32_t a, int32_t b) { return keys[a] != keys[b] ? keys[a] > keys[b] : a < b; });
  return order;
}

Outcome ExactSearch::run(CapacitySearch &search, const Order &order, int64_t nodeLimit) {
  Outcome outcome = search.run(order.items, nodeLimit);
  nodes += search.getNumNodes();
  if (outcome == Outcome::Refuted)
    instance.lowerBound = std::max(instance.lowerBound, alignUp(search.getCapacity() + 1, quantum));
  if (outcome != Outcome::Solved)
    return outcome;
  best.offsets = search.getOffsets();
  best.arena = 0;
  for (auto [offset, item] : llvm::zip_equal(best.offsets, instance.items))
    best.arena = std::max(best.arena, offset + item.size);
  best.method = "search by " + order.name;
  return outcome;
}

/// Each order in turn with few nodes, then again with twice as many: which one is good is not
/// known, and the time of a search has a heavy tail.
Outcome ExactSearch::decide(int64_t capacity, int64_t nodeLimit) {
  capacity -= capacity % quantum;
  CapacitySearch search(instance, conflicts, capacity);
  int64_t end = nodes + nodeLimit;
  for (int64_t limit = 2 * instance.items.size(); nodes < end; limit *= 2) {
    for (size_t i = 0; i != orders.size() && nodes < end; ++i)
      if (Outcome outcome = run(search, orders[i], std::min(limit, end - nodes));
          outcome != Outcome::Stopped)
        return outcome;
    if (nodes == end)
      break;
    if (Outcome outcome = run(search, mixOrders(), std::min(limit, end - nodes));
        outcome != Outcome::Stopped)
      return outcome;
  }
  return Outcome::Stopped;
}

int64_t ExactSearch::computeNodeCost() const {
  int64_t pairs = conflicts.getNumPairs();
  for (const Span &span : instance.spans)
    pairs += span.upper - span.lower;
  return std::max<int64_t>(1, pairs / kPairsPerNode);
}

void ExactSearch::minimize(int64_t target, int64_t nodeLimit) {
  int64_t end = nodes + nodeLimit;
  // Half of the nodes are for the target itself, the most likely optimum, and for those above it
  // while they are refuted.
  int64_t half = nodes + nodeLimit / 2;
  Outcome outcome = Outcome::Refuted;
  auto raiseTarget = [&] { target = alignUp(std::max(target, instance.lowerBound), quantum); };
  for (raiseTarget(); outcome == Outcome::Refuted && target < best.arena && nodes < half;
       raiseTarget())
    outcome = decide(target, half - nodes);
  // Bisection between what is not hoped for any more and the best.
  int64_t hopeless = target;
  while (best.arena - hopeless > quantum && best.arena > target && nodes < end) {
    int64_t middle = hopeless + (best.arena - hopeless) / 2;
    if (decide(middle, std::max<int64_t>((end - nodes) / 4, 1)) != Outcome::Solved)
      hopeless = middle;
    raiseTarget();
  }
}

void abn::pack::searchExact(Instance &instance, int64_t target, bool onlyTarget, int64_t nodeLimit,
                            Placement &best, int64_t &nodes) {
  ExactSearch search(instance, best, nodes);
  nodeLimit /= search.computeNodeCost();
  if (onlyTarget)
    search.decide(target, nodeLimit);
  else
    search.minimize(target, nodeLimit);
}
