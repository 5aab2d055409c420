// What the functions of abn/Runtime/Dnn.h have in common here.
#ifndef ABN_LIB_RUNTIME_CUDA_PRIMITIVES_H
#define ABN_LIB_RUNTIME_CUDA_PRIMITIVES_H

#include "Device.h"
#include "Record.h"
#include "Runtime/Dnn/Descriptors.h"
#include <mutex>

namespace abn::cuda {

/// Runs a primitive: its GPU's context is current, and it is the only one that is being prepared.
template <typename Describe, typename Body>
void runPrimitive(const char *function, Describe describe, Body body) noexcept {
  runtime::guarded(function, describe, [&] {
    requireNoGpuError();
    ContextScope scope;
    std::lock_guard<std::mutex> lock(primitivesMutex());
    body();
  });
}

inline const char *suffixOf(int64_t element) {
  return element == ABN_DNN_F32 ? "f32" : element == ABN_DNN_F16 ? "f16" : "bf16";
}
inline int64_t bytesOf(int64_t element) { return element == ABN_DNN_F32 ? 4 : 2; }

/// Throws Error if an operand is null.
inline void requireOperands(const void *input, const void *result) {
  runtime::require(input, "expected an input, got null");
  runtime::require(result, "expected a result, got null");
}

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_PRIMITIVES_H
