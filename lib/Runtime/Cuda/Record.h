// What abnGpuLastError and abnCudaReport tell.
#ifndef ABN_LIB_RUNTIME_CUDA_RECORD_H
#define ABN_LIB_RUNTIME_CUDA_RECORD_H

#include "Runtime/Dnn/Errors.h"
#include <cstdint>
#include <string>

namespace abn::cuda {

/// Keeps `message` for abnGpuLastError, unless an earlier one stands there.
void recordGpuError(const std::string &message) noexcept;
bool hasGpuError() noexcept;

/// Runs `body`; whatever it throws is recorded as "function: reason", and `otherwise` returned.
template <typename Result, typename Body>
Result guardedGpu(const char *function, Result otherwise, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception &error) {
    try {
      recordGpuError(std::string(function) + ": " + error.what());
    } catch (...) {
      recordGpuError(function);
    }
  } catch (...) {
    recordGpuError(function);
  }
  return otherwise;
}
template <typename Body> void guardedGpu(const char *function, Body body) noexcept {
  guardedGpu(function, 0, [&] {
    body();
    return 0;
  });
}

/// Throws if an earlier call of the host ABI failed: what a primitive would read was never written.
void requireNoGpuError();

// Counts for the report.
void countAllocation(const void *pointer, uint64_t bytes);
void countRelease(const void *pointer);
void countWorkspace(int64_t bytes);
/// A primitive's call, by how it was computed.
void countCall(const char *function, const std::string &path);

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_RECORD_H
