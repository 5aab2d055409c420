// A libcuda.so.1 whose GPU is the emulator: memory, copies and kernels whose image is LLVM bitcode
// are real, machine code is only recorded. It keeps the driver's rules: a context has to be
// current, streams have to be alive, what is freed has to be allocated. With ABN_FAKE_OLD_DRIVER a
// function is missing.
#include "Fake.h"
#include "FakeEmulator.h"
#include "Runtime/Cuda/Declarations.h"
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <vector>

using namespace abn::cuda;
using abn::fake::Emulator;
using abn::fake::log;

static constexpr int kInvalidValue = 1, kInvalidContext = 201, kInvalidHandle = 400;
static constexpr int kIllegalAddress = CUDA_ERROR_ILLEGAL_ADDRESS;

namespace {
struct Module {
  void *emulated; // null for machine code
};
struct Function {
  std::string name;
  void *emulated;
};

struct State {
  std::mutex mutex;
  Emulator emulator;
  std::map<DevicePointer, size_t> allocations;
  std::set<void *> streams, events;
  std::map<void *, int> streamNumbers;
  int streamsMade = 0;
};
} // namespace

static State &state() {
  static auto *made = new State;
  return *made;
}

/// The calling thread's. Never destroyed: modules are unloaded by global destructors, which run
/// later.
static std::vector<void *> &contexts() {
  static thread_local auto *stack = new std::vector<void *>;
  return *stack;
}
static char primaryContext;

/// "stream 2", "stream 0" for the default one.
static int numberOf(void *stream) {
  auto found = state().streamNumbers.find(stream);
  return found == state().streamNumbers.end() ? 0 : found->second;
}

static bool isStream(void *stream) { return !stream || state().streams.count(stream); }

/// What the emulator found, as the driver would say it.
static int emulatorStatus() {
  const char *error = state().emulator.lastError();
  if (!error)
    return 0;
  log("emulator: %s", error);
  state().emulator.resetError();
  return kIllegalAddress;
}

#define REQUIRE_CONTEXT                                                                            \
  std::lock_guard<std::mutex> lock(state().mutex);                                                 \
  ABN_FAKE_FAILURE;                                                                                \
  if (contexts().empty())                                                                          \
  return kInvalidContext

ABN_FAKE int cuInit(unsigned) {
  ABN_FAKE_FAILURE;
  return 0;
}
static const std::map<int, std::pair<const char *, const char *>> kErrors = {
    {1, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {2, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {101, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {201, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {209,
     {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"}},
    {218, {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}},
    {222,
     {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
      "the provided PTX was compiled with an unsupported toolchain."}},
    {400, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {500, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {700, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {710, {"CUDA_ERROR_ASSERT", "device-side assert triggered"}},
    {719, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
    {803,
     {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
      "system has unsupported display driver / cuda driver combination"}},
};

ABN_FAKE int cuGetErrorName(int code, const char **name) {
  auto found = kErrors.find(code);
  *name = found == kErrors.end() ? nullptr : found->second.first;
  return *name ? 0 : kInvalidValue;
}
ABN_FAKE int cuGetErrorString(int code, const char **text) {
  auto found = kErrors.find(code);
  *text = found == kErrors.end() ? nullptr : found->second.second;
  return *text ? 0 : kInvalidValue;
}

ABN_FAKE int cuDeviceGet(int *device, int ordinal) {
  ABN_FAKE_FAILURE;
  *device = ordinal;
  return ordinal == 0 ? 0 : CUDA_ERROR_INVALID_DEVICE;
}
ABN_FAKE int cuDeviceGetName(char *name, int size, int) {
  std::snprintf(name, size, "Fake GPU");
  return 0;
}
ABN_FAKE int cuDeviceGetAttribute(int *value, int attribute, int) {
  // An H100's: compute capability 9.0, 2.619 GHz, 5120 bits.
  const std::map<int, int> values = {{75, 9}, {76, 0}, {36, 2619000}, {37, 5120}};
  auto found = values.find(attribute);
  *value = found == values.end() ? 0 : found->second;
  return found == values.end() ? kInvalidValue : 0;
}
ABN_FAKE int cuDevicePrimaryCtxRetain(void **context, int) {
  ABN_FAKE_FAILURE;
  *context = &primaryContext;
  return 0;
}
ABN_FAKE int cuCtxPushCurrent_v2(void *context) {
  ABN_FAKE_FAILURE;
  contexts().push_back(context);
  return 0;
}
ABN_FAKE int cuCtxPopCurrent_v2(void **context) {
  if (contexts().empty())
    return kInvalidContext;
  *context = contexts().back();
  contexts().pop_back();
  return 0;
}

//===----------------------------------------------------------------------===//
// Modules and launches
//===----------------------------------------------------------------------===//

/// Bytes of a bitcode file: its top-level blocks, each of which says its length in words.
static size_t bitcodeBytes(const char *data) {
  size_t at = 4;
  for (;;) {
    uint32_t head, words;
    std::memcpy(&head, data + at, 4);
    std::memcpy(&words, data + at + 4, 4);
    unsigned block = head >> 2 & 0xff; // behind the 2 bits that say that a block begins
    bool isBlock = (head & 3) == 1 && (block == 13 || block == 8 || block == 23 || block == 25);
    if (!isBlock)
      return at;
    at += 8 + 4 * static_cast<size_t>(words);
  }
}

static std::string readFile(const char *path) {
  std::string text;
  FILE *file = std::fopen(path, "rb");
  char buffer[4096];
  while (size_t count = file ? std::fread(buffer, 1, sizeof buffer, file) : 0)
    text.append(buffer, count);
  if (file)
    std::fclose(file);
  return text;
}

ABN_FAKE int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options,
                                void **values) {
  std::lock_guard<std::mutex> lock(state().mutex);
  auto *text = static_cast<const char *>(image);
  bool isPtx = std::strstr(text, ".version") && std::strstr(text, ".target");
  bool isOwn = isPtx && std::strstr(text, ".entry max_pool_f32");
  if (int code = abn::fake::plannedFailure(isOwn ? "own cuModuleLoadDataEx" : __func__)) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER && code == CUDA_ERROR_INVALID_PTX)
        std::strcpy(static_cast<char *>(values[i]), "ptxas fatal: line 1");
    return code;
  }
  if (contexts().empty())
    return kInvalidContext;
  auto *made = new Module{nullptr};
  const char *kind = isPtx ? "PTX" : "machine code";
  if (isOwn) {
    std::string bitcode = readFile(ABN_KERNEL_BITCODE);
    made->emulated = state().emulator.load(bitcode.data(), bitcode.size());
    kind = "the runtime's kernels";
  } else if (!std::memcmp(image, "BC\xC0\xDE", 4)) {
    made->emulated = state().emulator.load(const_cast<void *>(image), bitcodeBytes(text));
    kind = "bitcode";
  }
  if (int status = emulatorStatus())
    return status;
  log("cuModuleLoadDataEx %s", kind);
  *module = made;
  return 0;
}

ABN_FAKE int cuModuleUnload(void *module) {
  REQUIRE_CONTEXT;
  auto *loaded = static_cast<Module *>(module);
  if (loaded->emulated)
    state().emulator.unload(loaded->emulated);
  log("cuModuleUnload");
  return 0;
}

ABN_FAKE int cuModuleGetFunction(void **function, void *module, const char *name) {
  REQUIRE_CONTEXT;
  auto *loaded = static_cast<Module *>(module);
  void *emulated = nullptr;
  if (loaded->emulated) {
    emulated = state().emulator.getFunction(loaded->emulated, name);
    state().emulator.resetError();
    if (!emulated)
      return CUDA_ERROR_NOT_FOUND;
  }
  *function = new Function{name, emulated};
  return 0;
}

ABN_FAKE int cuFuncSetAttribute(void *function, int attribute, int value) {
  REQUIRE_CONTEXT;
  log("cuFuncSetAttribute %s %d %d", static_cast<Function *>(function)->name.c_str(), attribute,
      value);
  return 0;
}

static int launch(const char *call, void *function, const LaunchConfig &c, void **arguments) {
  auto *launched = static_cast<Function *>(function);
  if (!isStream(c.stream))
    return kInvalidHandle;
  log("%s %s grid %u,%u,%u block %u,%u,%u shared %u stream %d", call, launched->name.c_str(),
      c.gridX, c.gridY, c.gridZ, c.blockX, c.blockY, c.blockZ, c.sharedBytes, numberOf(c.stream));
  if (launched->emulated)
    state().emulator.launch(launched->emulated, c.gridX, c.gridY, c.gridZ, c.blockX, c.blockY,
                            c.blockZ, c.sharedBytes, nullptr, arguments, nullptr, 0);
  return emulatorStatus();
}

ABN_FAKE int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ,
                            unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                            void *stream, void **arguments, void **) {
  REQUIRE_CONTEXT;
  return launch("cuLaunchKernel", function,
                {gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, nullptr, 0},
                arguments);
}

ABN_FAKE int cuLaunchKernelEx(const LaunchConfig *config, void *function, void **arguments,
                              void **) {
  REQUIRE_CONTEXT;
  for (unsigned i = 0; i < config->attributeCount; ++i) {
    const LaunchAttribute &each = config->attributes[i];
    log("attribute %d %u,%u,%u", each.id, each.value.cluster.x, each.value.cluster.y,
        each.value.cluster.z);
  }
  return launch("cuLaunchKernelEx", function, *config, arguments);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static int allocate(const char *call, DevicePointer *pointer, size_t bytes) {
  if (!bytes)
    return kInvalidValue;
  void *memory = state().emulator.allocate(bytes, nullptr, false);
  if (!memory) {
    state().emulator.resetError();
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *pointer = reinterpret_cast<DevicePointer>(memory);
  state().allocations[*pointer] = bytes;
  log("%s %zu", call, bytes);
  return 0;
}

ABN_FAKE int cuMemAlloc_v2(DevicePointer *pointer, size_t bytes) {
  REQUIRE_CONTEXT;
  return allocate("cuMemAlloc", pointer, bytes);
}
ABN_FAKE int cuMemAllocManaged(DevicePointer *pointer, size_t bytes, unsigned flags) {
  REQUIRE_CONTEXT;
  return flags == CU_MEM_ATTACH_GLOBAL ? allocate("cuMemAllocManaged", pointer, bytes)
                                       : kInvalidValue;
}
ABN_FAKE int cuMemFree_v2(DevicePointer pointer) {
  REQUIRE_CONTEXT;
  auto found = state().allocations.find(pointer);
  if (found == state().allocations.end())
    return kInvalidValue;
  log("cuMemFree %zu", found->second);
  state().allocations.erase(found);
  state().emulator.release(reinterpret_cast<void *>(pointer), nullptr);
  return emulatorStatus();
}
ABN_FAKE int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *free = size_t(3) << 20;
  *total = size_t(80) << 30;
  return 0;
}

ABN_FAKE int cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes, void *stream) {
  REQUIRE_CONTEXT;
  if (!isStream(stream))
    return kInvalidHandle;
  log("cuMemcpyAsync %zu stream %d", bytes, numberOf(stream));
  state().emulator.copy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes,
                        nullptr);
  return emulatorStatus();
}
ABN_FAKE int cuMemsetD16Async(DevicePointer to, unsigned short value, size_t count, void *stream) {
  REQUIRE_CONTEXT;
  if (!isStream(stream))
    return kInvalidHandle;
  log("cuMemsetD16Async %u %zu stream %d", value, count, numberOf(stream));
  state().emulator.fill16(reinterpret_cast<void *>(to), value, count, nullptr);
  return emulatorStatus();
}
ABN_FAKE int cuMemsetD32Async(DevicePointer to, unsigned value, size_t count, void *stream) {
  REQUIRE_CONTEXT;
  if (!isStream(stream))
    return kInvalidHandle;
  log("cuMemsetD32Async %u %zu stream %d", value, count, numberOf(stream));
  state().emulator.fill32(reinterpret_cast<void *>(to), value, count, nullptr);
  return emulatorStatus();
}
ABN_FAKE int cuMemHostRegister_v2(void *, size_t bytes, unsigned flags) {
  REQUIRE_CONTEXT;
  log("cuMemHostRegister %zu %u", bytes, flags);
  return 0;
}
#ifndef ABN_FAKE_OLD_DRIVER
ABN_FAKE int cuMemHostUnregister(void *) {
  REQUIRE_CONTEXT;
  log("cuMemHostUnregister");
  return 0;
}
#endif

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

ABN_FAKE int cuStreamCreate(void **stream, unsigned flags) {
  REQUIRE_CONTEXT;
  *stream = new char;
  state().streams.insert(*stream);
  state().streamNumbers[*stream] = ++state().streamsMade;
  log("cuStreamCreate %u stream %d", flags, state().streamsMade);
  return 0;
}
ABN_FAKE int cuStreamDestroy_v2(void *stream) {
  REQUIRE_CONTEXT;
  if (!state().streams.erase(stream))
    return kInvalidHandle;
  log("cuStreamDestroy stream %d", numberOf(stream));
  return 0;
}
ABN_FAKE int cuStreamSynchronize(void *stream) {
  REQUIRE_CONTEXT;
  if (!isStream(stream))
    return kInvalidHandle;
  log("cuStreamSynchronize stream %d", numberOf(stream));
  return 0;
}
ABN_FAKE int cuStreamWaitEvent(void *stream, void *event, unsigned) {
  REQUIRE_CONTEXT;
  return isStream(stream) && state().events.count(event) ? 0 : kInvalidHandle;
}
ABN_FAKE int cuEventCreate(void **event, unsigned) {
  REQUIRE_CONTEXT;
  state().events.insert(*event = new char);
  return 0;
}
ABN_FAKE int cuEventDestroy_v2(void *event) {
  REQUIRE_CONTEXT;
  return state().events.erase(event) ? 0 : kInvalidHandle;
}
ABN_FAKE int cuEventRecord(void *event, void *stream) {
  REQUIRE_CONTEXT;
  return isStream(stream) && state().events.count(event) ? 0 : kInvalidHandle;
}
ABN_FAKE int cuEventSynchronize(void *event) {
  REQUIRE_CONTEXT;
  return state().events.count(event) ? 0 : kInvalidHandle;
}
