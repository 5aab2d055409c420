// The portfolio: a few orders, each with first fit and best fit.
#include "Heuristics.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace abn::pack;

/// The most bytes live in any section of the item's life, by a sparse table of range maxima.
static std::vector<int64_t> computeContention(const Instance &instance) {
  std::vector<std::vector<int64_t>> maxima{instance.live};
  for (int32_t width = 1; 2 * width <= instance.numSections; width *= 2) {
    const std::vector<int64_t> &half = maxima.back();
    std::vector<int64_t> whole(instance.numSections - 2 * width + 1);
    for (size_t i = 0; i != whole.size(); ++i)
      whole[i] = std::max(half[i], half[i + width]);
    maxima.push_back(std::move(whole));
  }
  std::vector<int64_t> contention;
  for (size_t item = 0; item != instance.items.size(); ++item) {
    int64_t most = 0;
    for (Span span : instance.spansOf(item)) {
      int32_t level = 31 - __builtin_clz(uint32_t(span.upper - span.lower));
      most = std::max({most, maxima[level][span.lower], maxima[level][span.upper - (1 << level)]});
    }
    contention.push_back(most);
  }
  return contention;
}

std::vector<Order> abn::pack::computeOrders(const Instance &instance) {
  llvm::ArrayRef<Item> items = instance.items;
  std::vector<int64_t> contention = computeContention(instance);
  auto length = [&](int32_t i) { return int64_t(items[i].hull.upper - items[i].hull.lower); };
  auto area = [&](int32_t i) { return double(items[i].size) * double(length(i)); };
  std::vector<Order> orders;
  auto add = [&](const char *name, auto key) {
    Order order{std::vector<int32_t>(items.size()), name};
    std::iota(order.items.begin(), order.items.end(), 0);
    llvm::sort(order.items, [&](int32_t a, int32_t b) {
      bool freeA = items[a].fixed == kNoOffset, freeB = items[b].fixed == kNoOffset;
      return std::make_tuple(freeA, key(a), a) < std::make_tuple(freeB, key(b), b);
    });
    orders.push_back(std::move(order));
  };
  add("size", [&](int32_t i) { return std::make_pair(-items[i].size, -length(i)); });
  add("lifetime", [&](int32_t i) { return std::make_pair(-length(i), -items[i].size); });
  add("area", [&](int32_t i) { return std::make_pair(-area(i), -items[i].size); });
  add("contention",
      [&](int32_t i) { return std::make_tuple(-contention[i], -items[i].size, -length(i)); });
  add("contention-lifetime",
      [&](int32_t i) { return std::make_tuple(-contention[i], -length(i), -items[i].size); });
  add("start",
      [&](int32_t i) { return std::make_pair(items[i].hull.lower, -items[i].hull.upper); });
  add("end", [&](int32_t i) { return std::make_pair(-items[i].hull.upper, items[i].hull.lower); });
  return orders;
}

Placement abn::pack::placeInOrder(const Instance &instance, const Order &order, Fit fit) {
  Occupancy occupancy(instance);
  std::vector<int64_t> offsets(instance.items.size());
  int64_t arena = 0;
  for (int32_t index : order.items) {
    const Item &item = instance.items[index];
    int64_t offset = item.fixed != kNoOffset ? item.fixed : occupancy.find(index, fit);
    if (offset == kNoOffset || (item.fixed != kNoOffset && !occupancy.isFree(index, offset)))
      return {};
    occupancy.insert(index, offset);
    offsets[index] = offset;
    arena = std::max(arena, offset + item.size);
  }
  return {std::move(offsets), arena, order.name + (fit == Fit::First ? " first-fit" : " best-fit")};
}

bool abn::pack::fixedItemsFit(const Instance &instance) {
  Occupancy occupancy(instance);
  for (size_t index = 0; index != instance.items.size(); ++index) {
    const Item &item = instance.items[index];
    if (item.fixed == kNoOffset)
      continue;
    if (item.fixed < 0 || item.fixed % item.alignment != 0 || item.fixed > kMaxBytes - item.size ||
        !occupancy.isFree(index, item.fixed))
      return false;
    occupancy.insert(index, item.fixed);
  }
  return true;
}

Placement abn::pack::runPortfolio(const Instance &instance, int64_t target) {
  Placement best;
  for (const Order &order : computeOrders(instance)) {
    for (Fit fit : {Fit::First, Fit::Best}) {
      Placement placement = placeInOrder(instance, order, fit);
      if (placement.isValid() && placement.arena < best.arena)
        best = std::move(placement);
      if (best.arena <= target)
        return best;
    }
  }
  return best;
}
