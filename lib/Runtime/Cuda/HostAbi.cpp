// The host ABI that gpu-to-llvm calls, as upstream's CUDA runtime wrappers define it, on the
// driver. Differences: nothing aborts or prints (abn/Runtime/Gpu.h), and streams are ordered with
// the default stream, on which primitives work that were given none.
#include "Device.h"
#include "Libraries.h"
#include "Record.h"
#include <mutex>

using namespace abn::cuda;
using abn::runtime::Error;

#define ABN_ABI extern "C" __attribute__((visibility("default")))

static DevicePointer toDevice(const void *pointer) {
  return reinterpret_cast<DevicePointer>(pointer);
}

static std::string ofBytes(const char *call, uint64_t bytes) {
  return std::string(call) + " of " + std::to_string(bytes) + " bytes";
}

//===----------------------------------------------------------------------===//
// Modules and launches
//===----------------------------------------------------------------------===//

static void *loadModule(const void *data, int optimizationLevel) {
  ContextScope scope;
  char log[4096] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                   CU_JIT_OPTIMIZATION_LEVEL};
  // Numbers are passed as pointers of their value.
  void *values[] = {log, reinterpret_cast<void *>(sizeof log),
                    reinterpret_cast<void *>(static_cast<intptr_t>(optimizationLevel))};
  void *module = nullptr;
  int code =
      driver().cuModuleLoadDataEx(&module, data, optimizationLevel < 0 ? 2 : 3, options, values);
  log[sizeof log - 1] = 0;
  if (code && *log)
    throw Error("cuModuleLoadDataEx: " + describeDriverError(code) + ": " + log);
  checkDriver(code, "cuModuleLoadDataEx");
  return module;
}

ABN_ABI void *mgpuModuleLoad(void *data, size_t) {
  return guardedGpu("mgpuModuleLoad", static_cast<void *>(nullptr),
                    [&] { return loadModule(data, -1); });
}

ABN_ABI void *mgpuModuleLoadJIT(void *data, int optimizationLevel) {
  return guardedGpu("mgpuModuleLoadJIT", static_cast<void *>(nullptr),
                    [&] { return loadModule(data, optimizationLevel); });
}

ABN_ABI void mgpuModuleUnload(void *module) {
  if (!module) // Its loading failed, which is recorded.
    return;
  guardedGpu("mgpuModuleUnload", [&] {
    // A global destructor calls this: the driver may be gone already, and the module with it.
    int device = 0;
    if (driver().cuDeviceGet(&device, 0) == CUDA_ERROR_DEINITIALIZED)
      return;
    ContextScope scope;
    checkDriver(driver().cuModuleUnload(module), "cuModuleUnload");
  });
}

ABN_ABI void *mgpuModuleGetFunction(void *module, const char *name) {
  if (!module)
    return nullptr;
  return guardedGpu("mgpuModuleGetFunction", static_cast<void *>(nullptr), [&] {
    ContextScope scope;
    void *function = nullptr;
    checkDriver(driver().cuModuleGetFunction(&function, module, name),
                "cuModuleGetFunction of " + std::string(name));
    return function;
  });
}

static unsigned toUnsigned(intptr_t size, const char *what) {
  if (size < 1 || size > INT32_MAX)
    throw Error(std::string("expected ") + what + " from 1 to 2147483647, got " +
                std::to_string(size));
  return static_cast<unsigned>(size);
}

static LaunchConfig makeLaunch(intptr_t gridX, intptr_t gridY, intptr_t gridZ, intptr_t blockX,
                               intptr_t blockY, intptr_t blockZ, int32_t sharedBytes,
                               void *stream) {
  if (sharedBytes < 0)
    throw Error("expected dynamic shared memory of 0 bytes or more, got " +
                std::to_string(sharedBytes));
  return {toUnsigned(gridX, "a grid"),
          toUnsigned(gridY, "a grid"),
          toUnsigned(gridZ, "a grid"),
          toUnsigned(blockX, "a block"),
          toUnsigned(blockY, "a block"),
          toUnsigned(blockZ, "a block"),
          static_cast<unsigned>(sharedBytes),
          stream,
          nullptr,
          0};
}

static std::string describeLaunch(const char *call, const LaunchConfig &c) {
  auto shape = [](unsigned x, unsigned y, unsigned z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
  };
  return std::string(call) + " of " + shape(c.gridX, c.gridY, c.gridZ) + " blocks of " +
         shape(c.blockX, c.blockY, c.blockZ) + " threads with " + std::to_string(c.sharedBytes) +
         " bytes of dynamic shared memory";
}

/// More than 48 KiB have to be asked for, once per function; doing so again costs little.
static void allowSharedMemory(void *function, const LaunchConfig &config) {
  constexpr unsigned alwaysAllowed = 48 << 10;
  if (config.sharedBytes > alwaysAllowed)
    checkDriver(driver().cuFuncSetAttribute(function,
                                            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                            static_cast<int>(config.sharedBytes)),
                ofBytes("cuFuncSetAttribute for dynamic shared memory", config.sharedBytes));
}

ABN_ABI void mgpuLaunchKernel(void *function, intptr_t gridX, intptr_t gridY, intptr_t gridZ,
                              intptr_t blockX, intptr_t blockY, intptr_t blockZ,
                              int32_t sharedBytes, void *stream, void **arguments, void **extra,
                              size_t) {
  // An empty tensor has no work, which the driver would call an error.
  if (!function || hasGpuError() || gridX == 0 || gridY == 0 || gridZ == 0)
    return;
  guardedGpu("mgpuLaunchKernel", [&] {
    ContextScope scope;
    LaunchConfig c = makeLaunch(gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream);
    allowSharedMemory(function, c);
    checkDriver(driver().cuLaunchKernel(function, c.gridX, c.gridY, c.gridZ, c.blockX, c.blockY,
                                        c.blockZ, c.sharedBytes, stream, arguments, extra),
                describeLaunch("cuLaunchKernel", c));
  });
}

ABN_ABI void mgpuLaunchClusterKernel(void *function, intptr_t clusterX, intptr_t clusterY,
                                     intptr_t clusterZ, intptr_t gridX, intptr_t gridY,
                                     intptr_t gridZ, intptr_t blockX, intptr_t blockY,
                                     intptr_t blockZ, int32_t sharedBytes, void *stream,
                                     void **arguments, void **extra, size_t) {
  if (!function || hasGpuError() || gridX == 0 || gridY == 0 || gridZ == 0)
    return;
  guardedGpu("mgpuLaunchClusterKernel", [&] {
    ContextScope scope;
    if (!driver().cuLaunchKernelEx)
      throw Error("the driver has no function cuLaunchKernelEx: clusters need CUDA 11.8 or later");
    LaunchConfig c = makeLaunch(gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream);
    LaunchAttribute cluster = {};
    cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    cluster.value.cluster = {toUnsigned(clusterX, "a cluster"), toUnsigned(clusterY, "a cluster"),
                             toUnsigned(clusterZ, "a cluster")};
    c.attributes = &cluster;
    c.attributeCount = 1;
    allowSharedMemory(function, c);
    checkDriver(driver().cuLaunchKernelEx(&c, function, arguments, extra),
                describeLaunch("cuLaunchKernelEx", c));
  });
}

//===----------------------------------------------------------------------===//
// Streams, events, the device
//===----------------------------------------------------------------------===//

ABN_ABI void *mgpuStreamCreate() {
  return guardedGpu("mgpuStreamCreate", static_cast<void *>(nullptr), [&] {
    ContextScope scope;
    void *stream = nullptr;
    checkDriver(driver().cuStreamCreate(&stream, CU_STREAM_DEFAULT), "cuStreamCreate");
    return stream;
  });
}

ABN_ABI void mgpuStreamDestroy(void *stream) {
  if (!stream)
    return;
  guardedGpu("mgpuStreamDestroy", [&] {
    ContextScope scope;
    std::lock_guard<std::mutex> lock(primitivesMutex());
    releaseWorkspace(stream);
    checkDriver(driver().cuStreamDestroy(stream), "cuStreamDestroy");
  });
}

ABN_ABI void mgpuStreamSynchronize(void *stream) {
  if (!stream && hasGpuError()) // Its creation may have failed.
    return;
  guardedGpu("mgpuStreamSynchronize", [&] {
    ContextScope scope;
    checkDriver(driver().cuStreamSynchronize(stream), "cuStreamSynchronize");
  });
}

ABN_ABI void mgpuStreamWaitEvent(void *stream, void *event) {
  if (!event)
    return;
  guardedGpu("mgpuStreamWaitEvent", [&] {
    ContextScope scope;
    checkDriver(driver().cuStreamWaitEvent(stream, event, 0), "cuStreamWaitEvent");
  });
}

ABN_ABI void *mgpuEventCreate() {
  return guardedGpu("mgpuEventCreate", static_cast<void *>(nullptr), [&] {
    ContextScope scope;
    void *event = nullptr;
    checkDriver(driver().cuEventCreate(&event, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
    return event;
  });
}

ABN_ABI void mgpuEventDestroy(void *event) {
  if (!event)
    return;
  guardedGpu("mgpuEventDestroy", [&] {
    ContextScope scope;
    checkDriver(driver().cuEventDestroy(event), "cuEventDestroy");
  });
}

ABN_ABI void mgpuEventSynchronize(void *event) {
  if (!event)
    return;
  guardedGpu("mgpuEventSynchronize", [&] {
    ContextScope scope;
    checkDriver(driver().cuEventSynchronize(event), "cuEventSynchronize");
  });
}

ABN_ABI void mgpuEventRecord(void *event, void *stream) {
  if (!event)
    return;
  guardedGpu("mgpuEventRecord", [&] {
    ContextScope scope;
    checkDriver(driver().cuEventRecord(event, stream), "cuEventRecord");
  });
}

ABN_ABI void mgpuSetDefaultDevice(int32_t device) { setDefaultDevice(device); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

ABN_ABI void *mgpuMemAlloc(uint64_t bytes, void *, bool isHostShared) {
  if (!bytes)
    return nullptr;
  return guardedGpu("mgpuMemAlloc", static_cast<void *>(nullptr), [&] {
    ContextScope scope;
    DevicePointer pointer = 0;
    if (isHostShared)
      checkDriver(driver().cuMemAllocManaged(&pointer, bytes, CU_MEM_ATTACH_GLOBAL),
                  ofBytes("cuMemAllocManaged", bytes));
    else
      checkDriver(driver().cuMemAlloc(&pointer, bytes), ofBytes("cuMemAlloc", bytes));
    auto *memory = reinterpret_cast<void *>(pointer);
    countAllocation(memory, bytes);
    return memory;
  });
}

ABN_ABI void mgpuMemFree(void *pointer, void *stream) {
  if (!pointer)
    return;
  guardedGpu("mgpuMemFree", [&] {
    ContextScope scope;
    // cuMemFree knows no stream: what was launched before may still use the memory.
    if (stream)
      checkDriver(driver().cuStreamSynchronize(stream), "cuStreamSynchronize");
    // Before it is free: another thread may be given the address at once.
    countRelease(pointer);
    checkDriver(driver().cuMemFree(toDevice(pointer)), "cuMemFree");
  });
}

ABN_ABI void mgpuMemcpy(void *destination, void *source, size_t bytes, void *stream) {
  if (!bytes || hasGpuError())
    return;
  guardedGpu("mgpuMemcpy", [&] {
    ContextScope scope;
    // Addresses say whose memory it is: the driver finds the direction.
    checkDriver(driver().cuMemcpyAsync(toDevice(destination), toDevice(source), bytes, stream),
                ofBytes("cuMemcpyAsync", bytes));
  });
}

ABN_ABI void mgpuMemset32(void *destination, unsigned value, size_t count, void *stream) {
  if (!count || hasGpuError())
    return;
  guardedGpu("mgpuMemset32", [&] {
    ContextScope scope;
    checkDriver(driver().cuMemsetD32Async(toDevice(destination), value, count, stream),
                ofBytes("cuMemsetD32Async", 4 * count));
  });
}

ABN_ABI void mgpuMemset16(void *destination, unsigned short value, size_t count, void *stream) {
  if (!count || hasGpuError())
    return;
  guardedGpu("mgpuMemset16", [&] {
    ContextScope scope;
    checkDriver(driver().cuMemsetD16Async(toDevice(destination), value, count, stream),
                ofBytes("cuMemsetD16Async", 2 * count));
  });
}

ABN_ABI void mgpuMemHostRegister(void *pointer, uint64_t bytes) {
  if (!bytes)
    return;
  guardedGpu("mgpuMemHostRegister", [&] {
    ContextScope scope;
    checkDriver(driver().cuMemHostRegister(pointer, bytes, 0), ofBytes("cuMemHostRegister", bytes));
  });
}

ABN_ABI void mgpuMemHostUnregister(void *pointer) {
  guardedGpu("mgpuMemHostUnregister", [&] {
    ContextScope scope;
    checkDriver(driver().cuMemHostUnregister(pointer), "cuMemHostUnregister");
  });
}

namespace {
/// A memref descriptor: sizes, then strides, behind the offset.
struct MemRef {
  char *base, *aligned;
  int64_t offset, sizes[1];
};
} // namespace

ABN_ABI void mgpuMemHostRegisterMemRef(int64_t rank, MemRef *memref, int64_t elementBytes) {
  uint64_t bytes = elementBytes;
  for (int64_t dim = 0; dim < rank; ++dim)
    bytes *= memref->sizes[dim];
  mgpuMemHostRegister(memref->aligned + memref->offset * elementBytes, bytes);
}

ABN_ABI void mgpuMemHostUnregisterMemRef(int64_t, MemRef *memref, int64_t elementBytes) {
  mgpuMemHostUnregister(memref->aligned + memref->offset * elementBytes);
}
