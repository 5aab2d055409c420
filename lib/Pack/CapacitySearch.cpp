// Branch and bound over placements from the bottom up.
#include "CapacitySearch.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace abn::pack;

/// 32 MiB of them.
constexpr int64_t kMaxRefutations = 1 << 20;

/// Whether two items share a section; the spans of each are in order.
static bool conflict(llvm::ArrayRef<Span> a, llvm::ArrayRef<Span> b) {
  while (!a.empty() && !b.empty()) {
    if (a.front().upper <= b.front().lower)
      a = a.drop_front();
    else if (b.front().upper <= a.front().lower)
      b = b.drop_front();
    else
      return true;
  }
  return false;
}

ConflictGraph::ConflictGraph(const Instance &instance) : conflicts(instance.items.size()) {
  int32_t numItems = instance.items.size();
  for (int32_t a = 0; a != numItems; ++a) {
    // Items are sorted by their starts.
    for (int32_t b = a + 1; b != numItems; ++b) {
      if (instance.items[b].hull.lower >= instance.items[a].hull.upper)
        break;
      if (!conflict(instance.spansOf(a), instance.spansOf(b)))
        continue;
      conflicts[a].push_back(b);
      conflicts[b].push_back(a);
      ++numPairs;
    }
  }
}

CapacitySearch::CapacitySearch(const Instance &instance, const ConflictGraph &conflicts,
                               int64_t capacity)
    : instance(instance), conflicts(conflicts), capacity(capacity),
      itemsOfSection(instance.numSections) {
  for (size_t item = 0; item != instance.items.size(); ++item)
    for (Span span : instance.spansOf(item))
      for (int32_t section = span.lower; section != span.upper; ++section)
        itemsOfSection[section].push_back(item);
}

void CapacitySearch::reset(llvm::ArrayRef<int32_t> order) {
  size_t numItems = instance.items.size();
  trail.clear();
  size_t numRefutations = llvm::PowerOf2Ceil(std::clamp<int64_t>(nodeLimit, 1, kMaxRefutations));
  refutations.assign(numRefutations, {0, 0, {kMaxBytes, 0}});
  itemOfRank.assign(order.begin(), order.end());
  rankOfItem.resize(numItems);
  for (size_t rank = 0; rank != numItems; ++rank)
    rankOfItem[order[rank]] = rank;
  offsets.assign(numItems, kNoOffset);
  floors.assign(numItems, 0);
  crossing.assign(instance.numSections, 0);
  for (size_t index = 0; index != numItems; ++index) {
    const Item &item = instance.items[index];
    if (item.fixed != kNoOffset)
      floors[index] = item.fixed;
    for (int32_t section = item.hull.lower; section + 1 < item.hull.upper; ++section)
      ++crossing[section];
  }
  sectionBytes = instance.live;
  sectionFloors.assign(instance.numSections, 0);
  for (int32_t section = 0; section != instance.numSections; ++section)
    updateSectionFloor(section);
  trail.clear();
}

void CapacitySearch::undo(size_t mark) {
  for (; trail.size() > mark; trail.pop_back())
    *trail.back().variable = trail.back().before;
}

CapacitySearch::Outcome CapacitySearch::run(llvm::ArrayRef<int32_t> order, int64_t limit) {
  numNodes = 0;
  nodeLimit = limit;
  reset(order);
  return search({itemOfRank, {0, instance.numSections}}, {0, -1});
}

void CapacitySearch::updateSectionFloor(int32_t section) {
  int64_t before = sectionFloors[section], floor = kMaxBytes;
  for (int32_t item : itemsOfSection[section]) {
    // Floors only rise.
    if (floors[item] == before)
      return;
    floor = std::min(floor, floors[item]);
  }
  set(sectionFloors[section], floor);
}

bool CapacitySearch::raiseFloor(int32_t index, int64_t floor) {
  const Item &item = instance.items[index];
  floor = alignUp(floor, item.alignment);
  if (item.fixed != kNoOffset || floor > capacity - item.size)
    return false;
  set(floors[index], floor);
  return true;
}

bool CapacitySearch::place(int32_t index, int64_t offset) {
  const Item &item = instance.items[index];
  set(offsets[index], offset);
  set(floors[index], kMaxBytes);
  for (Span span : instance.spansOf(index))
    for (int32_t section = span.lower; section != span.upper; ++section)
      set(sectionBytes[section], sectionBytes[section] - item.size);
  for (int32_t section = item.hull.lower; section + 1 < item.hull.upper; ++section)
    set(crossing[section], crossing[section] - 1);
  int64_t end = offset + item.size;
  Span raised = item.hull;
  for (int32_t other : conflicts[index]) {
    if (floors[other] >= end)
      continue;
    if (!raiseFloor(other, end))
      return false;
    Span hull = instance.items[other].hull;
    raised = {std::min(raised.lower, hull.lower), std::max(raised.upper, hull.upper)};
  }
  // What was raised, and what was placed, had a floor below `end`.
  for (int32_t section = raised.lower; section != raised.upper; ++section) {
    if (sectionFloors[section] >= end || sectionBytes[section] == 0)
      continue;
    updateSectionFloor(section);
    if (sectionFloors[section] > capacity - sectionBytes[section])
      return false;
  }
  return true;
}

bool CapacitySearch::hasOpenConflict(int32_t item) const {
  return llvm::any_of(conflicts[item], [&](int32_t other) { return floors[other] != kMaxBytes; });
}

/// The items that may be placed next, the lowest first. An item whose floor is at or above
/// another's end would leave room for that one below it for good, so that the other could be
/// lowered.
std::vector<CapacitySearch::Level> CapacitySearch::collectCandidates(const Part &part,
                                                                     Level level) const {
  int64_t leastEnd = kMaxBytes;
  for (int32_t item : part.items)
    leastEnd = std::min(leastEnd, floors[item] + instance.items[item].size);
  // All that is unplaced must fit above the next placement.
  for (int32_t section = part.sections.lower; section != part.sections.upper; ++section)
    if (sectionBytes[section] != 0)
      leastEnd = std::min(leastEnd, capacity - sectionBytes[section] + 1);
  std::vector<Level> candidates;
  for (int32_t item : part.items) {
    Level candidate{floors[item], rankOfItem[item]};
    if (candidate.offset < leastEnd && level < candidate)
      candidates.push_back(candidate);
  }
  llvm::sort(candidates);
  return candidates;
}

static uint64_t hash(uint64_t value) {
  for (int round = 0; round != 2; ++round) {
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
  }
  return value ^ (value >> 32);
}

CapacitySearch::Refutation CapacitySearch::describe(const Part &part, Level level) const {
  Refutation refutation{0, 0, level};
  for (int32_t item : part.items) {
    uint64_t value = hash(uint64_t(floors[item]) ^ hash(uint64_t(item) + 1));
    refutation.low += value;
    refutation.high += hash(value + 1);
  }
  return refutation;
}

CapacitySearch::Outcome CapacitySearch::search(const Part &part, Level level) {
  if (part.items.empty())
    return Outcome::Solved;
  std::vector<Level> candidates = collectCandidates(part, level);
  if (candidates.empty())
    return Outcome::Refuted;
  // What had no solution above a lower level has none above a higher one.
  Refutation key = describe(part, level);
  Refutation &slot = refutations[key.low & (refutations.size() - 1)];
  if (slot.low == key.low && slot.high == key.high && !(level < slot.level))
    return Outcome::Refuted;
  Outcome outcome = searchCandidates(part, candidates);
  if (outcome == Outcome::Refuted)
    slot = key;
  return outcome;
}

CapacitySearch::Outcome CapacitySearch::searchCandidates(const Part &part,
                                                         llvm::ArrayRef<Level> candidates) {
  for (Level candidate : candidates) {
    if (numNodes == nodeLimit)
      return Outcome::Stopped;
    ++numNodes;
    int32_t item = itemOfRank[candidate.rank];
    size_t mark = trail.size();
    Outcome outcome = Outcome::Refuted;
    bool isLast = !hasOpenConflict(item);
    if (place(item, candidate.offset))
      outcome = searchBeyond(part, item, candidate);
    if (outcome != Outcome::Refuted)
      return outcome;
    undo(mark);
    // It stood in nobody's way, so that another place for it is no better.
    if (isLast)
      return Outcome::Refuted;
  }
  return Outcome::Refuted;
}

/// Splits what is left where nothing unplaced crosses, and searches each part by itself: if one has
/// no solution, no rearrangement of the others helps.
CapacitySearch::Outcome CapacitySearch::searchBeyond(const Part &part, int32_t placed,
                                                     Level level) {
  Part rest;
  Span hull = instance.items[placed].hull;
  int32_t lower = part.sections.lower;
  auto searchUpTo = [&](int32_t upper) {
    rest.items.clear();
    rest.sections = {lower, upper};
    for (int32_t item : part.items) {
      Span other = instance.items[item].hull;
      if (item != placed && floors[item] != kMaxBytes && other.lower >= lower &&
          other.upper <= upper)
        rest.items.push_back(item);
    }
    lower = upper;
    return search(rest, level);
  };
  for (int32_t section = hull.lower; section + 1 < hull.upper; ++section) {
    if (crossing[section] != 0)
      continue;
    Outcome outcome = searchUpTo(section + 1);
    if (outcome != Outcome::Solved)
      return outcome;
  }
  return searchUpTo(part.sections.upper);
}
