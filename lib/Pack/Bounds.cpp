// Lower bounds of the arena, all proved: the bytes that are live at once, what alignment must waste
// between them, and where fixed buffers end.
#include "Instance.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>
#include <set>

using namespace abn::pack;

__int128 abn::pack::computeWideMaxLive(const Problem &problem) {
  std::vector<std::pair<int64_t, int64_t>> changes;
  for (const Buffer &buffer : problem.buffers) {
    for (const Gap &part : computeLiveParts(buffer)) {
      changes.emplace_back(part.lower, buffer.size);
      changes.emplace_back(part.upper, -buffer.size);
    }
  }
  llvm::sort(changes); // ends before starts
  __int128 live = 0, most = 0;
  for (auto [time, change] : changes) {
    live += change;
    most = std::max(most, live);
  }
  return most;
}

int64_t abn::pack::computeMaxLive(const Problem &problem) {
  return std::min<__int128>(computeWideMaxLive(problem), kMaxBytes);
}

/// Offsets are multiples of `step`, so that a buffer wastes what its size lacks of one, unless
/// nothing live lies above it. Returns the largest, over the sections, of the rounded sizes without
/// the largest such waste.
static int64_t computeAlignedBound(const Instance &instance, int64_t step) {
  std::vector<std::vector<int32_t>> starts(instance.numSections + 1),
      ends(instance.numSections + 1);
  for (size_t item = 0; item != instance.items.size(); ++item) {
    for (Span span : instance.spansOf(item)) {
      starts[span.lower].push_back(item);
      ends[span.upper].push_back(item);
    }
  }
  __int128 rounded = 0, bound = 0;
  std::multiset<int64_t> wastes;
  for (int32_t section = 0; section != instance.numSections; ++section) {
    for (int32_t item : ends[section]) {
      int64_t size = instance.items[item].size, waste = (step - size % step) % step;
      rounded -= __int128(size) + waste;
      wastes.erase(wastes.find(waste));
    }
    for (int32_t item : starts[section]) {
      int64_t size = instance.items[item].size, waste = (step - size % step) % step;
      rounded += __int128(size) + waste;
      wastes.insert(waste);
    }
    if (!wastes.empty())
      bound = std::max(bound, rounded - *wastes.rbegin());
  }
  return bound > kMaxBytes ? kMaxBytes : int64_t(bound);
}

void abn::pack::computeBounds(Instance &instance) {
  int64_t step = 0, fixedEnd = 0;
  std::vector<__int128> changes(instance.numSections + 1);
  for (size_t item = 0; item != instance.items.size(); ++item) {
    const Item &it = instance.items[item];
    step = std::gcd(step, it.alignment);
    // A fixed offset need not be a multiple of the other alignments: it counts as one of its own.
    if (it.fixed != kNoOffset) {
      step = std::gcd(step, it.fixed);
      fixedEnd = std::max(fixedEnd, addSaturating(std::max<int64_t>(it.fixed, 0), it.size));
    }
    for (Span span : instance.spansOf(item)) {
      changes[span.lower] += it.size;
      changes[span.upper] -= it.size;
    }
  }
  instance.live.resize(instance.numSections);
  __int128 live = 0;
  for (int32_t section = 0; section != instance.numSections; ++section) {
    live += changes[section];
    instance.live[section] = live > kMaxBytes ? kMaxBytes : int64_t(live);
    instance.lowerBound = std::max(instance.lowerBound, instance.live[section]);
  }
  instance.lowerBound = std::max(instance.lowerBound, fixedEnd);
  if (step > 1)
    instance.lowerBound = std::max(instance.lowerBound, computeAlignedBound(instance, step));
}
