// The orders in which threads and blocks run.
#ifndef ABN_RUNTIME_EMULATOR_SCHEDULE_H
#define ABN_RUNTIME_EMULATOR_SCHEDULE_H

#include "abn/Runtime/Emulator.h"
#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace abn::emulator {

struct Schedule {
  AbnEmulatorSchedule kind = ABN_EMULATOR_FORWARD;
  uint64_t seed = 0;
};

/// Permutations of 0 ... count - 1: always the same one, or each time another of a sequence that
/// the seed determines.
class Order {
public:
  Order(const Schedule &schedule, uint32_t count)
      : isRandom(schedule.kind == ABN_EMULATOR_RANDOM), generator(schedule.seed), order(count) {
    std::iota(order.begin(), order.end(), 0);
    if (schedule.kind == ABN_EMULATOR_REVERSE)
      std::reverse(order.begin(), order.end());
  }

  const std::vector<uint32_t> &next() {
    // Not std::shuffle: its order is the library's own.
    if (isRandom)
      for (size_t left = order.size(); left > 1; --left)
        std::swap(order[left - 1], order[generator() % left]);
    return order;
  }

private:
  bool isRandom;
  std::mt19937_64 generator;
  std::vector<uint32_t> order;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_SCHEDULE_H
