// The GPU that the calling thread uses, its context, and what is kept for it.
#ifndef ABN_LIB_RUNTIME_CUDA_DEVICE_H
#define ABN_LIB_RUNTIME_CUDA_DEVICE_H

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace abn::cuda {

/// Makes the primary context of the thread's GPU current until it goes out of scope, the one that
/// PyTorch and the CUDA runtime use too. Opens the driver on first use. Throws runtime::Error.
class ContextScope {
public:
  ContextScope();
  ~ContextScope();
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;
};

/// Which GPU the calling thread uses from now on; 0 until then.
void setDefaultDevice(int ordinal);

/// " (sm_90, NVIDIA H100)", or "" if it cannot be had.
std::string describeChip();
/// "1.0 MiB of 80.0 GiB are free", or words for that it is not known.
std::string describeFreeMemory();

//===----------------------------------------------------------------------===//
// For the primitives, inside of a ContextScope, by one thread at a time
//===----------------------------------------------------------------------===//

/// Held by whoever uses what follows.
std::mutex &primitivesMutex();

/// Handles of the current GPU that work on `stream`.
void *cudnnHandle(void *stream);
void *cublasHandle(void *stream);

/// Memory that the library keeps for primitives on `stream`, at least `bytes`, aligned to 256. It
/// is the next call's as well.
void *keptWorkspace(void *stream, int64_t bytes);
/// The stream is about to end: another one may have what was kept for it.
void releaseWorkspace(void *stream);
/// How much a primitive may take for itself if the step lends nothing: ABN_CUDA_WORKSPACE_MIB, or
/// 256 MiB.
int64_t workspaceLimit();

/// What a step lends, from its first address that is a multiple of 256.
struct Workspace {
  Workspace(void *data, int64_t bytes);
  char *data;
  int64_t bytes;
};

/// The lent workspace if it holds `bytes`, else memory that is kept.
void *takeWorkspace(const Workspace &lent, int64_t bytes, void *stream);

/// Whether f32 may be multiplied as TF32: ABN_CUDA_ALLOW_TF32=1.
bool allowsTf32();

/// Launches `name` (Kernels/Kernels.cpp) for `count` elements. `arguments` point to those behind
/// the count.
void launchKernel(const std::string &name, int64_t count, std::vector<const void *> arguments,
                  void *stream);

/// The number of the current GPU, as part of keys.
int currentDevice();

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_DEVICE_H
