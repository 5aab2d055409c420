// The segment tree of occupied offsets, and first fit and best fit on it.
#include "Occupancy.h"
#include "llvm/ADT/STLExtras.h"

using namespace abn::pack;

Occupancy::Occupancy(const Instance &instance) : instance(instance) {
  while (numLeaves < instance.numSections)
    numLeaves *= 2;
  covering.resize(2 * size_t(numLeaves));
  touching.resize(2 * size_t(numLeaves));
}

void Occupancy::RangeSet::insert(int64_t lower, int64_t upper) {
  // The ranges that touch [lower, upper) become one with it.
  auto first = std::partition_point(ranges.begin(), ranges.end(),
                                    [&](const Range &range) { return range.upper < lower; });
  auto last = first;
  while (last != ranges.end() && last->lower <= upper)
    ++last;
  if (first == last) {
    ranges.insert(first, {lower, upper});
    return;
  }
  first->lower = std::min(first->lower, lower);
  first->upper = std::max(std::prev(last)->upper, upper);
  ranges.erase(std::next(first), last);
}

bool Occupancy::Cursor::advance(int64_t offset) {
  const std::vector<Range> &ranges = set->ranges;
  // Galloping: most steps are short.
  size_t step = 1;
  while (next + step < ranges.size() && ranges[next + step].upper <= offset) {
    next += step;
    step *= 2;
  }
  while (next < ranges.size() && ranges[next].upper <= offset)
    ++next;
  return next < ranges.size();
}

/// The canonical nodes of the span, and all above them: an item that overlaps the span either
/// touches a canonical node from within or covers one of its ancestors.
void Occupancy::collect(Span span) {
  auto add = [&](const RangeSet &set) {
    if (!set.ranges.empty())
      cursors.push_back({&set, 0});
  };
  int32_t lower = span.lower + numLeaves, upper = span.upper + numLeaves;
  for (; lower < upper; lower /= 2, upper /= 2) {
    if (lower & 1)
      add(touching[lower++]);
    if (upper & 1)
      add(touching[--upper]);
  }
  // Every ancestor of a canonical node is an ancestor of one of the two outermost leaves.
  lower = (span.lower + numLeaves) / 2;
  upper = (span.upper - 1 + numLeaves) / 2;
  for (; lower != upper; lower /= 2, upper /= 2) {
    add(covering[lower]);
    add(covering[upper]);
  }
  for (; lower >= 1; lower /= 2)
    add(covering[lower]);
}

void Occupancy::insert(Span span, Range range) {
  int32_t lower = span.lower + numLeaves, upper = span.upper + numLeaves;
  for (; lower < upper; lower /= 2, upper /= 2) {
    auto add = [&](int32_t node) {
      covering[node].insert(range.lower, range.upper);
      touching[node].insert(range.lower, range.upper);
    };
    if (lower & 1)
      add(lower++);
    if (upper & 1)
      add(--upper);
  }
  lower = (span.lower + numLeaves) / 2;
  upper = (span.upper - 1 + numLeaves) / 2;
  for (; lower != upper; lower /= 2, upper /= 2) {
    touching[lower].insert(range.lower, range.upper);
    touching[upper].insert(range.lower, range.upper);
  }
  for (; lower >= 1; lower /= 2)
    touching[lower].insert(range.lower, range.upper);
}

void Occupancy::insert(int32_t item, int64_t offset) {
  for (Span span : instance.spansOf(item))
    insert(span, {offset, offset + instance.items[item].size});
}

int64_t Occupancy::skipTaken(int64_t offset, int64_t size, int64_t alignment) {
  bool moved = true;
  while (moved) {
    moved = false;
    for (Cursor &cursor : cursors) {
      ++numSteps;
      while (cursor.advance(offset)) {
        ++numSteps;
        const Range &range = cursor.set->ranges[cursor.next];
        if (range.lower >= addSaturating(offset, size))
          break;
        offset = alignUp(range.upper, alignment);
        moved = true;
      }
    }
  }
  return offset;
}

int64_t Occupancy::findBest(const Item &item) {
  int64_t best = kNoOffset, leastRest = kMaxBytes, offset = 0;
  while (true) {
    offset = skipTaken(offset, item.size, item.alignment);
    int64_t end = kMaxBytes;
    for (Cursor &cursor : cursors)
      if (cursor.advance(offset))
        end = std::min(end, cursor.set->ranges[cursor.next].lower);
    int64_t rest = end - offset - item.size;
    if (best == kNoOffset || (end != kMaxBytes && rest < leastRest)) {
      best = offset;
      leastRest = rest;
    }
    if (end == kMaxBytes || rest == 0)
      return best;
    offset = alignUp(end, item.alignment);
  }
}

int64_t Occupancy::find(int32_t index, Fit fit) {
  const Item &item = instance.items[index];
  cursors.clear();
  for (Span span : instance.spansOf(index))
    collect(span);
  int64_t offset = fit == Fit::First ? skipTaken(0, item.size, item.alignment) : findBest(item);
  return offset > kMaxBytes - item.size ? kNoOffset : offset;
}

bool Occupancy::isFree(int32_t index, int64_t offset) {
  cursors.clear();
  for (Span span : instance.spansOf(index))
    collect(span);
  return skipTaken(offset, instance.items[index].size, /*alignment=*/1) == offset;
}
