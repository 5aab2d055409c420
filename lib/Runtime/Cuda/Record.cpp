// The record of errors and counts, one for the process.
#include "Record.h"
#include "abn/Runtime/Cuda.h"
#include "abn/Runtime/Gpu.h"
#include <map>
#include <mutex>
#include <unordered_map>

using namespace abn::cuda;

#define ABN_ABI extern "C" __attribute__((visibility("default")))

namespace {
struct Record {
  std::mutex mutex;
  std::string firstError;
  std::unordered_map<const void *, uint64_t> allocations;
  uint64_t live = 0, highWater = 0, allocationCount = 0;
  int64_t workspace = 0;
  std::map<std::pair<std::string, std::string>, uint64_t> calls;
};
} // namespace

/// Never destroyed: modules are unloaded by global destructors.
static Record &record() {
  static auto *made = new Record;
  return *made;
}

using Lock = std::lock_guard<std::mutex>;

void abn::cuda::recordGpuError(const std::string &message) noexcept {
  Lock lock(record().mutex);
  // The first error is the cause of those that follow.
  if (record().firstError.empty())
    record().firstError = message;
}

bool abn::cuda::hasGpuError() noexcept {
  Lock lock(record().mutex);
  return !record().firstError.empty();
}

void abn::cuda::requireNoGpuError() {
  Lock lock(record().mutex);
  if (!record().firstError.empty())
    throw runtime::Error("not done, because an earlier call failed: " + record().firstError);
}

ABN_ABI const char *abnGpuLastError(void) {
  static thread_local std::string text;
  Lock lock(record().mutex);
  text = record().firstError;
  return text.empty() ? nullptr : text.c_str();
}

ABN_ABI void abnGpuResetError(void) {
  Lock lock(record().mutex);
  record().firstError.clear();
}

void abn::cuda::countAllocation(const void *pointer, uint64_t bytes) {
  Lock lock(record().mutex);
  Record &r = record();
  r.allocations[pointer] = bytes;
  ++r.allocationCount;
  r.live += bytes;
  r.highWater = std::max(r.highWater, r.live);
}

void abn::cuda::countRelease(const void *pointer) {
  Lock lock(record().mutex);
  auto found = record().allocations.find(pointer);
  if (found == record().allocations.end())
    return;
  record().live -= found->second;
  record().allocations.erase(found);
}

void abn::cuda::countWorkspace(int64_t bytes) {
  Lock lock(record().mutex);
  record().workspace += bytes;
}

void abn::cuda::countCall(const char *function, const std::string &path) {
  Lock lock(record().mutex);
  ++record().calls[{function, path}];
}

ABN_ABI const char *abnCudaReport(void) {
  static thread_local std::string text;
  Lock lock(record().mutex);
  const Record &r = record();
  text = "{\"memory\": {\"live_bytes\": " + std::to_string(r.live) +
         ", \"high_water_bytes\": " + std::to_string(r.highWater) +
         ", \"allocations\": " + std::to_string(r.allocationCount) +
         ", \"workspace_bytes\": " + std::to_string(r.workspace) + "}, \"calls\": [";
  const char *separator = "";
  // Functions and paths are this library's own words: nothing in them needs escaping.
  for (const auto &[call, count] : r.calls) {
    text += separator;
    text += "{\"function\": \"" + call.first + "\", \"path\": \"" + call.second +
            "\", \"count\": " + std::to_string(count) + "}";
    separator = ", ";
  }
  text += "]}";
  return text.c_str();
}
