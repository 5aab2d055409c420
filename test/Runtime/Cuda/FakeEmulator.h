// The emulator behind the fake driver.
#ifndef ABN_TEST_RUNTIME_CUDA_FAKEEMULATOR_H
#define ABN_TEST_RUNTIME_CUDA_FAKEEMULATOR_H

#include <cstddef>
#include <cstdint>
#include <dlfcn.h>

namespace abn::fake {

/// The emulator's host ABI, found in its own library: in the process these names are the CUDA
/// runtime's.
struct Emulator {
  void *handle = dlopen(ABN_EMULATOR, RTLD_NOW | RTLD_LOCAL);
  template <typename Function> Function *find(const char *name) const {
    return reinterpret_cast<Function *>(dlsym(handle, name));
  }
  void *(*load)(void *, size_t) = find<void *(void *, size_t)>("mgpuModuleLoad");
  void (*unload)(void *) = find<void(void *)>("mgpuModuleUnload");
  void *(*getFunction)(void *,
                       const char *) = find<void *(void *, const char *)>("mgpuModuleGetFunction");
  void (*launch)(void *, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, int32_t,
                 void *, void **, void **, size_t) =
      find<void(void *, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, int32_t, void *,
                void **, void **, size_t)>("mgpuLaunchKernel");
  void *(*allocate)(uint64_t, void *, bool) = find<void *(uint64_t, void *, bool)>("mgpuMemAlloc");
  void (*release)(void *, void *) = find<void(void *, void *)>("mgpuMemFree");
  void (*copy)(void *, void *, size_t,
               void *) = find<void(void *, void *, size_t, void *)>("mgpuMemcpy");
  void (*fill32)(void *, unsigned, size_t,
                 void *) = find<void(void *, unsigned, size_t, void *)>("mgpuMemset32");
  void (*fill16)(void *, unsigned short, size_t,
                 void *) = find<void(void *, unsigned short, size_t, void *)>("mgpuMemset16");
  const char *(*lastError)() = find<const char *()>("abnGpuLastError");
  void (*resetError)() = find<void()>("abnGpuResetError");
};

} // namespace abn::fake

#endif // ABN_TEST_RUNTIME_CUDA_FAKEEMULATOR_H
