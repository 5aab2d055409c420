// A problem's lifetimes in the fewest points of time that keep who is live together with whom.
#include "abn/Pack/PackSolver.h"
#include <algorithm>
#include <tuple>

using namespace abn::pack;

Problem abn::pack::compressTimes(const Problem &problem) {
  struct Event {
    int64_t time;
    bool isBirth; // deaths come first
    size_t buffer;
  };
  Problem compressed = problem;
  std::vector<Event> events;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const Buffer &buffer = problem.buffers[i];
    if (!buffer.gaps.empty())
      return problem;
    if (buffer.lower >= buffer.upper) {
      compressed.buffers[i].lower = compressed.buffers[i].upper = 0;
      continue;
    }
    events.push_back({buffer.lower, true, i});
    events.push_back({buffer.upper, false, i});
  }
  std::sort(events.begin(), events.end(), [](const Event &a, const Event &b) {
    return std::tie(a.time, a.isBirth, a.buffer) < std::tie(b.time, b.isBirth, b.buffer);
  });
  // A new point begins with the first birth behind a death.
  int64_t point = 0;
  bool hasDied = false;
  for (const Event &event : events) {
    if (!event.isBirth) {
      compressed.buffers[event.buffer].upper = point + 1;
      hasDied = true;
      continue;
    }
    point += hasDied;
    hasDied = false;
    compressed.buffers[event.buffer].lower = point;
  }
  return compressed;
}
