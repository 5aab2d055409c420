// Greedy placements and the local search over their orders.
#ifndef ABN_LIB_PACK_HEURISTICS_H
#define ABN_LIB_PACK_HEURISTICS_H

#include "Instance.h"
#include "Occupancy.h"

namespace abn::pack {

/// Offsets by item, and what found them.
struct Placement {
  std::vector<int64_t> offsets;
  int64_t arena = kMaxBytes;
  std::string method;

  bool isValid() const { return !offsets.empty(); }
};

/// An order of items, the fixed ones first.
struct Order {
  std::vector<int32_t> items;
  std::string name;
};

/// Per item, the most bytes live in any section of its life.
std::vector<int64_t> computeContention(const Instance &instance);

/// The orders of the portfolio, the most promising first.
std::vector<Order> computeOrders(const Instance &instance);

/// The order of the usual heuristic.
Order computeSizeOrder(const Instance &instance);

/// The orders in which the exact search tries items with equal floors.
std::vector<Order> computeSearchOrders(const Instance &instance);

/// Places the items one by one. Invalid if an offset would not fit 64 bits, fixed items collide, or
/// it takes more than `steps`, of which it subtracts what it took.
Placement placeInOrder(const Instance &instance, const Order &order, Fit fit, int64_t &steps);

/// Whether no two fixed items overlap.
bool fixedItemsFit(const Instance &instance);

/// The best of the portfolio, which ends early at an arena of at most `target`, or when it has
/// taken a number of steps that is linear in the items.
Placement runPortfolio(const Instance &instance, int64_t target);

} // namespace abn::pack

#endif // ABN_LIB_PACK_HEURISTICS_H
