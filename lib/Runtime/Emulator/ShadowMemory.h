// Who touched each byte last: finds data races between the threads of one launch.
#ifndef ABN_RUNTIME_EMULATOR_SHADOWMEMORY_H
#define ABN_RUNTIME_EMULATOR_SHADOWMEMORY_H

#include "abn/Runtime/Instrumentation.h"
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace abn::emulator {

using instrumentation::AccessKind;

/// One access as the shadow keeps it. Two accesses are ordered if they are of one thread, or of one
/// block with a barrier in between (another epoch).
struct Accessor {
  static constexpr uint16_t kNobody = 0xFFFF;

  bool isValid() const { return thread != kNobody; }
  bool isOrderedWith(const Accessor &other) const {
    return block == other.block && (epoch != other.epoch || thread == other.thread);
  }

  uint32_t block = 0;
  /// How many barriers the block had passed.
  uint32_t epoch = 0;
  uint16_t thread = kNobody;
  uint16_t site = 0;
};

/// Two accesses that race, of which the second has not been recorded.
struct Race {
  Accessor earlier;
  AccessKind earlierKind;
  /// The first byte that both touch.
  uint64_t address;
};

/// Shadow cells for the bytes that one launch touched. A race is found whatever the order in which
/// the threads run, if no race was found before it: what a cell forgets is ordered with, or races
/// with, something that it keeps.
class ShadowMemory {
public:
  ShadowMemory();
  ~ShadowMemory();

  /// Forgets all accesses: a new launch, or a new block's workgroup memory.
  void clear();

  /// Records the access, or returns an earlier one that it races with.
  std::optional<Race> record(uint64_t address, uint32_t bytes, AccessKind kind,
                             const Accessor &accessor);

private:
  struct Page;

  Page &getPage(uint64_t number);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
  uint64_t lastNumber = ~uint64_t(0);
  Page *lastPage = nullptr;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_SHADOWMEMORY_H
