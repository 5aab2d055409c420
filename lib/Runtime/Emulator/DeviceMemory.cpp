#include "DeviceMemory.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace abn::emulator;

static constexpr uint64_t kAlignment = 256, kMaxFreedBytes = uint64_t(64) << 20;

DeviceMemory::~DeviceMemory() {
  for (const auto &[begin, range] : ranges)
    if (range.state != State::RegisteredHost)
      std::free(reinterpret_cast<void *>(begin));
}

void *DeviceMemory::allocate(uint64_t bytes) {
  if (bytes > limit || live > limit - bytes)
    return nullptr;
  uint64_t rounded = std::max((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  void *pointer = std::aligned_alloc(kAlignment, rounded);
  if (!pointer)
    return nullptr;
  std::memset(pointer, 0xFF, rounded);
  auto begin = reinterpret_cast<uint64_t>(pointer);
  ranges[begin] = {begin, bytes, State::Live};
  live += bytes;
  highWater = std::max(highWater, live);
  return pointer;
}

bool DeviceMemory::release(void *pointer) {
  auto found = ranges.find(reinterpret_cast<uint64_t>(pointer));
  if (found == ranges.end() || found->second.state != State::Live)
    return false;
  Range &range = found->second;
  range.state = State::Freed;
  std::memset(pointer, 0xFF, range.bytes);
  live -= range.bytes;
  freedBytes += range.bytes;
  freed.push_back(range.begin);
  dropOldFreed();
  return true;
}

void DeviceMemory::dropOldFreed() {
  while (freedBytes > kMaxFreedBytes) {
    auto oldest = ranges.find(freed.front());
    freed.pop_front();
    freedBytes -= oldest->second.bytes;
    std::free(reinterpret_cast<void *>(oldest->first));
    ranges.erase(oldest);
  }
}

void DeviceMemory::registerHost(void *pointer, uint64_t bytes) {
  auto begin = reinterpret_cast<uint64_t>(pointer);
  ranges.try_emplace(begin, Range{begin, bytes, State::RegisteredHost});
}

void DeviceMemory::unregisterHost(void *pointer) {
  auto found = ranges.find(reinterpret_cast<uint64_t>(pointer));
  if (found != ranges.end() && found->second.state == State::RegisteredHost)
    ranges.erase(found);
}

const DeviceMemory::Range *DeviceMemory::find(uint64_t address) const {
  auto next = ranges.upper_bound(address);
  return next == ranges.begin() ? nullptr : &std::prev(next)->second;
}
