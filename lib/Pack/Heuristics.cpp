// The portfolio: a few orders, each with first fit and best fit.
#include "Heuristics.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace abn::pack;

/// A placement usually takes a few hundred to a few thousand; 100,000 items end within seconds.
constexpr int64_t kStepsPerItem = 10'000, kLeastSteps = 10'000'000;

/// By a sparse table of range maxima.
std::vector<int64_t> abn::pack::computeContention(const Instance &instance) {
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

/// Orders by descending keys; the fixed items first, ties by number.
template <typename Key>
static Order sortItems(const Instance &instance, const char *name, Key key) {
  Order order{std::vector<int32_t>(instance.items.size()), name};
  std::iota(order.items.begin(), order.items.end(), 0);
  llvm::sort(order.items, [&](int32_t a, int32_t b) {
    bool fixedA = instance.items[a].fixed != kNoOffset,
         fixedB = instance.items[b].fixed != kNoOffset;
    if (fixedA != fixedB)
      return fixedA;
    auto keyA = key(a), keyB = key(b);
    return keyA != keyB ? keyA > keyB : a < b;
  });
  return order;
}

namespace {
/// How long an item lives.
enum class Measure { Sections, Time };

/// The orders by name.
class OrderBuilder {
public:
  OrderBuilder(const Instance &instance, Measure measure)
      : instance(instance), measure(measure), contention(computeContention(instance)) {}

  Order bySize() const {
    return sortItems(instance, "size",
                     [&](int32_t i) { return std::make_tuple(at(i).size, length(i)); });
  }
  Order byLifetime() const {
    return sortItems(instance, "lifetime",
                     [&](int32_t i) { return std::make_tuple(length(i), at(i).size); });
  }
  Order byArea() const {
    return sortItems(instance, "area",
                     [&](int32_t i) { return std::make_tuple(area(i), length(i)); });
  }
  Order byContentionAndArea() const {
    return sortItems(instance, "contention and area",
                     [&](int32_t i) { return std::make_tuple(contention[i], area(i), length(i)); });
  }
  Order byContentionAndLifetime() const {
    return sortItems(instance, "contention and lifetime", [&](int32_t i) {
      return std::make_tuple(contention[i], length(i), at(i).size);
    });
  }
  Order byStart() const {
    return sortItems(instance, "start", [&](int32_t i) {
      return std::make_tuple(-at(i).hull.lower, at(i).hull.upper);
    });
  }
  Order byEnd() const {
    return sortItems(instance, "end", [&](int32_t i) {
      return std::make_tuple(at(i).hull.upper, -at(i).hull.lower);
    });
  }

private:
  const Item &at(int32_t i) const { return instance.items[i]; }
  double length(int32_t i) const {
    return measure == Measure::Time ? at(i).duration : at(i).hull.upper - at(i).hull.lower;
  }
  double area(int32_t i) const { return double(at(i).size) * length(i); }

  const Instance &instance;
  const Measure measure;
  std::vector<int64_t> contention;
};
} // namespace

Order abn::pack::computeSizeOrder(const Instance &instance) {
  return OrderBuilder(instance, Measure::Sections).bySize();
}

std::vector<Order> abn::pack::computeOrders(const Instance &instance) {
  OrderBuilder by(instance, Measure::Sections);
  return {by.byLifetime(), by.byContentionAndLifetime(), by.byStart(), by.byEnd(), by.bySize(),
          by.byArea(),     by.byContentionAndArea()};
}

std::vector<Order> abn::pack::computeSearchOrders(const Instance &instance) {
  OrderBuilder by(instance, Measure::Time);
  return {by.byContentionAndLifetime(), by.byContentionAndArea(), by.byLifetime(), by.byEnd(),
          by.byStart()};
}

Placement abn::pack::placeInOrder(const Instance &instance, const Order &order, Fit fit,
                                  int64_t &steps) {
  Occupancy occupancy(instance);
  std::vector<int64_t> offsets(instance.items.size());
  int64_t arena = 0, stepsBefore = steps;
  for (int32_t index : order.items) {
    const Item &item = instance.items[index];
    int64_t offset = item.fixed != kNoOffset ? item.fixed : occupancy.find(index, fit);
    steps = stepsBefore - occupancy.getNumSteps();
    if (steps < 0 || offset == kNoOffset ||
        (item.fixed != kNoOffset && !occupancy.isFree(index, offset)))
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
  int64_t steps = kLeastSteps + kStepsPerItem * int64_t(instance.items.size());
  for (const Order &order : computeOrders(instance)) {
    for (Fit fit : {Fit::First, Fit::Best}) {
      // The first placement is always made.
      int64_t unlimited = kMaxBytes;
      Placement placement = placeInOrder(instance, order, fit, best.isValid() ? steps : unlimited);
      if (placement.isValid() && (!best.isValid() || placement.arena < best.arena))
        best = std::move(placement);
      if ((best.isValid() && best.arena <= target) || steps < 0)
        return best;
    }
  }
  return best;
}
