// The host ABI that gpu-to-llvm calls, as upstream's CUDA runtime wrappers define it. Streams and
// events order nothing: every launch and copy is done when its call returns.
#include "Emulator.h"
#include "abn/Runtime/Gpu.h"

using namespace abn::emulator;

#define ABN_ABI extern "C" __attribute__((visibility("default")))

using Lock = std::lock_guard<std::mutex>;

ABN_ABI void *mgpuModuleLoad(void *data, size_t size) {
  Lock lock(Emulator::getMutex());
  return Emulator::get().loadModule(llvm::StringRef(static_cast<char *>(data), size));
}

ABN_ABI void *mgpuModuleLoadJIT(void *, int) {
  Lock lock(Emulator::getMutex());
  // Its caller passes text without a length.
  Emulator::get().addError("image", "the kernel image is PTX text; the emulator executes LLVM "
                                    "bitcode for NVVM (abn-to-gpu{format=offload})");
  return nullptr;
}

ABN_ABI void mgpuModuleUnload(void *module) {
  Lock lock(Emulator::getMutex());
  Emulator::get().unloadModule(static_cast<KernelImage *>(module));
}

ABN_ABI void *mgpuModuleGetFunction(void *module, const char *name) {
  Lock lock(Emulator::getMutex());
  return const_cast<Kernel *>(Emulator::get().findKernel(static_cast<KernelImage *>(module), name));
}

ABN_ABI void mgpuLaunchKernel(void *function, intptr_t gridX, intptr_t gridY, intptr_t gridZ,
                              intptr_t blockX, intptr_t blockY, intptr_t blockZ,
                              int32_t dynamicBytes, void *, void **arguments, void **, size_t) {
  Lock lock(Emulator::getMutex());
  // An empty tensor has no work.
  if (gridX == 0 || gridY == 0 || gridZ == 0)
    return;
  Emulator::get().launch(static_cast<Kernel *>(function), {gridX, gridY, gridZ},
                         {blockX, blockY, blockZ}, dynamicBytes, arguments);
}

// Null would be an error to some callers: one address stands for all streams and events.
static char handle;

ABN_ABI void *mgpuStreamCreate() { return &handle; }
ABN_ABI void mgpuStreamDestroy(void *) {}
ABN_ABI void mgpuStreamSynchronize(void *) {}
ABN_ABI void mgpuStreamWaitEvent(void *, void *) {}
ABN_ABI void *mgpuEventCreate() { return &handle; }
ABN_ABI void mgpuEventDestroy(void *) {}
ABN_ABI void mgpuEventSynchronize(void *) {}
ABN_ABI void mgpuEventRecord(void *, void *) {}
ABN_ABI void mgpuSetDefaultDevice(int32_t) {}

ABN_ABI void *mgpuMemAlloc(uint64_t bytes, void *, bool) {
  Lock lock(Emulator::getMutex());
  return Emulator::get().allocate(bytes);
}

ABN_ABI void mgpuMemFree(void *pointer, void *) {
  Lock lock(Emulator::getMutex());
  Emulator::get().release(pointer);
}

ABN_ABI void mgpuMemcpy(void *destination, void *source, size_t bytes, void *) {
  Lock lock(Emulator::getMutex());
  Emulator::get().copy(destination, source, bytes);
}

ABN_ABI void mgpuMemset32(void *destination, unsigned value, size_t count, void *) {
  Lock lock(Emulator::getMutex());
  Emulator::get().fill<uint32_t>(destination, value, count);
}

ABN_ABI void mgpuMemset16(void *destination, unsigned short value, size_t count, void *) {
  Lock lock(Emulator::getMutex());
  Emulator::get().fill<uint16_t>(destination, value, count);
}

ABN_ABI void mgpuMemHostRegister(void *pointer, uint64_t bytes) {
  Lock lock(Emulator::getMutex());
  Emulator::get().getMemory().registerHost(pointer, bytes);
}

ABN_ABI void mgpuMemHostUnregister(void *pointer) {
  Lock lock(Emulator::getMutex());
  Emulator::get().getMemory().unregisterHost(pointer);
}

namespace {
/// A memref descriptor: sizes, then strides, behind the offset.
struct Descriptor {
  char *base, *aligned;
  int64_t offset, sizes[1];
};
} // namespace

ABN_ABI void mgpuMemHostRegisterMemRef(int64_t rank, Descriptor *descriptor, int64_t elementBytes) {
  uint64_t bytes = elementBytes;
  for (int64_t dim = 0; dim < rank; ++dim)
    bytes *= descriptor->sizes[dim];
  mgpuMemHostRegister(descriptor->aligned + descriptor->offset * elementBytes, bytes);
}

ABN_ABI void mgpuMemHostUnregisterMemRef(int64_t, Descriptor *descriptor, int64_t elementBytes) {
  mgpuMemHostUnregister(descriptor->aligned + descriptor->offset * elementBytes);
}

//===----------------------------------------------------------------------===//
// abn/Runtime/Gpu.h
//===----------------------------------------------------------------------===//

ABN_ABI const char *abnGpuLastError(void) {
  Lock lock(Emulator::getMutex());
  const std::vector<Error> &errors = Emulator::get().getErrors();
  if (errors.empty())
    return nullptr;
  static thread_local std::string text;
  text = errors.front().message;
  return text.c_str();
}

ABN_ABI void abnGpuResetError(void) {
  Lock lock(Emulator::getMutex());
  Emulator::get().resetErrors();
}

//===----------------------------------------------------------------------===//
// abn/Runtime/Emulator.h
//===----------------------------------------------------------------------===//

ABN_ABI void abnEmulatorSetSchedule(AbnEmulatorSchedule schedule, uint64_t seed) {
  Lock lock(Emulator::getMutex());
  Emulator::get().setSchedule({schedule, seed});
}

ABN_ABI void abnEmulatorSetMemoryLimit(uint64_t bytes) {
  Lock lock(Emulator::getMutex());
  Emulator::get().getMemory().setLimit(bytes);
}

ABN_ABI void abnEmulatorReset(void) {
  Lock lock(Emulator::getMutex());
  Emulator::get().reset();
}

ABN_ABI uint64_t abnEmulatorErrorCount(void) {
  Lock lock(Emulator::getMutex());
  return Emulator::get().getErrors().size();
}

ABN_ABI const char *abnEmulatorFirstError(void) {
  Lock lock(Emulator::getMutex());
  const std::vector<Error> &errors = Emulator::get().getErrors();
  return errors.empty() ? "" : errors.front().message.c_str();
}

ABN_ABI uint64_t abnEmulatorHighWaterBytes(void) {
  Lock lock(Emulator::getMutex());
  return Emulator::get().getMemory().getHighWater();
}

ABN_ABI const char *abnEmulatorReport(void) {
  Lock lock(Emulator::getMutex());
  static auto *text = new std::string();
  *text = Emulator::get().report();
  return text->c_str();
}
