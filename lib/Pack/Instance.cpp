// From a problem to its components: live parts, sections, and the split at empty times.
#include "Instance.h"
#include "llvm/ADT/STLExtras.h"
#include <tuple>

using namespace abn::pack;

std::vector<Gap> abn::pack::computeLiveParts(const Buffer &buffer) {
  std::vector<Gap> parts;
  if (buffer.size <= 0)
    return parts;
  int64_t start = buffer.lower;
  auto addPart = [&](int64_t upper) {
    if (start < upper)
      parts.push_back({start, upper});
  };
  if (!buffer.gaps.empty()) {
    std::vector<Gap> gaps = buffer.gaps;
    llvm::sort(gaps, [](const Gap &a, const Gap &b) {
      return std::tie(a.lower, a.upper) < std::tie(b.lower, b.upper);
    });
    for (const Gap &gap : gaps) {
      if (gap.lower >= gap.upper)
        continue;
      addPart(std::min(gap.lower, buffer.upper));
      start = std::max(start, gap.upper);
    }
  }
  addPart(buffer.upper);
  return parts;
}

namespace {
/// A buffer that needs bytes, with its live parts in the problem's time.
struct LiveBuffer {
  int32_t buffer;
  std::vector<Gap> parts;
};

/// Maps a live part to sections. There is one for each maximal set of live buffers: it begins after
/// the last start before an end.
class SectionMap {
public:
  explicit SectionMap(llvm::ArrayRef<LiveBuffer> live) {
    std::vector<std::pair<int64_t, bool>> events;
    for (const LiveBuffer &buffer : live) {
      for (const Gap &part : buffer.parts) {
        events.emplace_back(part.lower, true);
        events.emplace_back(part.upper, false);
      }
    }
    llvm::sort(events); // ends before starts
    bool started = false;
    int64_t lastStart = 0;
    for (auto [time, isStart] : events) {
      if (isStart) {
        started = true;
        lastStart = time;
      } else if (started) {
        starts.push_back(lastStart);
        started = false;
      }
    }
  }

  int32_t size() const { return starts.size(); }
  /// Every part contains the start of a section: the last start before the first end after its own.
  Span map(const Gap &part) const { return {firstFrom(part.lower), firstFrom(part.upper)}; }

private:
  int32_t firstFrom(int64_t time) const { return llvm::lower_bound(starts, time) - starts.begin(); }

  std::vector<int64_t> starts;
};
} // namespace

static std::vector<LiveBuffer> collectLive(const Problem &problem) {
  std::vector<LiveBuffer> live;
  for (const auto &[index, buffer] : llvm::enumerate(problem.buffers))
    if (std::vector<Gap> parts = computeLiveParts(buffer); !parts.empty())
      live.push_back({int32_t(index), std::move(parts)});
  auto compareParts = [](llvm::ArrayRef<Gap> a, llvm::ArrayRef<Gap> b) {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(), [](const Gap &x, const Gap &y) {
          return std::tie(x.lower, x.upper) < std::tie(y.lower, y.upper);
        });
  };
  llvm::sort(live, [&](const LiveBuffer &a, const LiveBuffer &b) {
    const Buffer &x = problem.buffers[a.buffer], &y = problem.buffers[b.buffer];
    auto key = [](const LiveBuffer &live, const Buffer &buffer) {
      return std::make_tuple(live.parts.front().lower, live.parts.back().upper, buffer.size,
                             buffer.alignment, buffer.offset.value_or(kNoOffset));
    };
    auto keyA = key(a, x), keyB = key(b, y);
    if (keyA != keyB)
      return keyA < keyB;
    if (compareParts(a.parts, b.parts))
      return true;
    return !compareParts(b.parts, a.parts) && a.buffer < b.buffer;
  });
  return live;
}

std::vector<Instance> abn::pack::buildComponents(const Problem &problem) {
  std::vector<LiveBuffer> live = collectLive(problem);
  SectionMap sections(live);
  std::vector<Instance> components;
  int32_t first = 0, end = 0; // of the current component, in sections of the whole problem
  auto close = [&] {
    if (!components.empty())
      components.back().numSections = end - first;
  };
  for (const LiveBuffer &buffer : live) {
    Span hull{sections.map(buffer.parts.front()).lower, sections.map(buffer.parts.back()).upper};
    if (components.empty() || hull.lower >= end) {
      close();
      components.emplace_back();
      first = hull.lower;
    }
    end = std::max(end, hull.upper);
    Instance &instance = components.back();
    const Buffer &source = problem.buffers[buffer.buffer];
    Item item;
    item.size = source.size;
    item.alignment = std::max<int64_t>(source.alignment, 1);
    item.fixed = source.offset.value_or(kNoOffset);
    item.hull = {hull.lower - first, hull.upper - first};
    item.duration = double(buffer.parts.back().upper) - double(buffer.parts.front().lower);
    item.buffer = buffer.buffer;
    item.firstSpan = instance.spans.size();
    for (const Gap &part : buffer.parts) {
      Span span = sections.map(part);
      instance.spans.push_back({span.lower - first, span.upper - first});
    }
    item.lastSpan = instance.spans.size();
    instance.items.push_back(item);
  }
  close();
  return components;
}
