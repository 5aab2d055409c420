// The independent checker: a sweep over time with the live buffers ordered by offset. It shares no
// code with the solver, so that a mistake there cannot hide here.
#include "abn/Pack/PackSolver.h"
#include "llvm/ADT/STLExtras.h"
#include <map>

using namespace abn::pack;

namespace {
/// A buffer that becomes live or dies. Deaths come first, because lifetimes are half-open.
struct Event {
  int64_t time;
  bool isStart;
  size_t buffer;
};
} // namespace

static std::string describe(const Problem &problem, llvm::ArrayRef<int64_t> offsets,
                            llvm::ArrayRef<std::string> names, size_t index) {
  // A wrong offset may be anything: only unsigned does its end always have room.
  int64_t offset = offsets[index];
  uint64_t end = uint64_t(offset) + uint64_t(problem.buffers[index].size);
  std::string text =
      int64_t(end) < 0 && offset < 0 ? std::to_string(int64_t(end)) : std::to_string(end);
  std::string name = names.empty() ? std::to_string(index) : "`" + names[index] + "`";
  return "buffer " + name + " at [" + std::to_string(offset) + ", " + text + ")";
}

/// Adds the events of a buffer: its lifetime without its gaps.
static void addEvents(const Buffer &buffer, size_t index, std::vector<Event> &events) {
  std::vector<Gap> gaps = buffer.gaps;
  llvm::sort(gaps, [](const Gap &a, const Gap &b) { return a.lower < b.lower; });
  int64_t start = buffer.lower;
  auto addLive = [&](int64_t lower, int64_t upper) {
    if (lower >= upper)
      return;
    events.push_back({lower, true, index});
    events.push_back({upper, false, index});
  };
  for (const Gap &gap : gaps) {
    if (gap.lower >= gap.upper)
      continue;
    addLive(start, std::min(gap.lower, buffer.upper));
    start = std::max(start, gap.upper);
  }
  addLive(start, buffer.upper);
}

/// The errors of one buffer alone.
static std::string checkAlone(const Problem &problem, llvm::ArrayRef<int64_t> offsets,
                              llvm::ArrayRef<std::string> names, size_t index, int64_t arena) {
  const Buffer &buffer = problem.buffers[index];
  int64_t offset = offsets[index];
  std::string what = describe(problem, offsets, names, index);
  if (offset < 0)
    return what + " has a negative offset";
  if (buffer.offset && offset != *buffer.offset)
    return what + " is not at its fixed offset " + std::to_string(*buffer.offset);
  if (buffer.alignment > 1 && offset % buffer.alignment != 0)
    return what + " is not aligned to " + std::to_string(buffer.alignment);
  if (buffer.size > arena || offset > arena - buffer.size)
    return what + " ends beyond the arena of " + std::to_string(arena) + " bytes";
  return "";
}

std::string abn::pack::check(const Problem &problem, llvm::ArrayRef<int64_t> offsets, int64_t arena,
                             llvm::ArrayRef<std::string> names) {
  if (offsets.size() != problem.buffers.size())
    return "expected " + std::to_string(problem.buffers.size()) + " offsets, got " +
           std::to_string(offsets.size());
  std::vector<Event> events;
  for (const auto &[index, buffer] : llvm::enumerate(problem.buffers)) {
    size_t before = events.size();
    if (buffer.size > 0)
      addEvents(buffer, index, events);
    if (events.size() == before)
      continue;
    if (std::string error = checkAlone(problem, offsets, names, index, arena); !error.empty())
      return error;
  }
  llvm::sort(events, [](const Event &a, const Event &b) {
    return std::tie(a.time, a.isStart, a.buffer) < std::tie(b.time, b.isStart, b.buffer);
  });

  // The live buffers never overlap, so a newcomer can only overlap its two neighbours by offset.
  std::map<int64_t, size_t> live;
  auto overlap = [&](size_t a, size_t b, int64_t time) {
    return describe(problem, offsets, names, std::min(a, b)) + " overlaps " +
           describe(problem, offsets, names, std::max(a, b)) + " at time " + std::to_string(time);
  };
  for (const Event &event : events) {
    int64_t offset = offsets[event.buffer];
    if (!event.isStart) {
      live.erase(offset);
      continue;
    }
    auto next = live.lower_bound(offset);
    if (next != live.end() && next->first < offset + problem.buffers[event.buffer].size)
      return overlap(event.buffer, next->second, event.time);
    if (next != live.begin()) {
      auto previous = std::prev(next);
      if (previous->first + problem.buffers[previous->second].size > offset)
        return overlap(event.buffer, previous->second, event.time);
    }
    live.emplace(offset, event.buffer);
  }
  return "";
}
