// Device memory: host memory that is known by its ranges.
#ifndef ABN_RUNTIME_EMULATOR_DEVICEMEMORY_H
#define ABN_RUNTIME_EMULATOR_DEVICEMEMORY_H

#include <cstdint>
#include <deque>
#include <map>

namespace abn::emulator {

/// The allocations of a device, with a limit and a high-water mark. Freed ranges stay known for a
/// while (64 MiB of them), so that their use is found.
class DeviceMemory {
public:
  enum class State { Live, Freed, RegisteredHost };

  struct Range {
    bool contains(uint64_t address, uint64_t size) const {
      return address >= begin && address - begin <= bytes && size <= bytes - (address - begin);
    }

    uint64_t begin, bytes;
    State state;
  };

  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  ~DeviceMemory();

  /// Bytes that hold 0xFF, NaN in every float type, at a multiple of 256; null beyond the limit.
  void *allocate(uint64_t bytes);
  /// False if `pointer` is not the beginning of a live allocation.
  bool release(void *pointer);

  /// Host memory that kernels may use. Ranges do not overlap; what is known already stays as it is.
  void registerHost(void *pointer, uint64_t bytes);
  void unregisterHost(void *pointer);

  /// The range that begins at or before `address` and may contain it, or null.
  const Range *find(uint64_t address) const;

  void setLimit(uint64_t bytes) { limit = bytes; }
  uint64_t getLimit() const { return limit; }
  uint64_t getLive() const { return live; }
  uint64_t getHighWater() const { return highWater; }
  void resetHighWater() { highWater = live; }

private:
  void dropOldFreed();

  std::map<uint64_t, Range> ranges;
  std::deque<uint64_t> freed;
  uint64_t freedBytes = 0, live = 0, highWater = 0, limit = uint64_t(1) << 40;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_DEVICEMEMORY_H
