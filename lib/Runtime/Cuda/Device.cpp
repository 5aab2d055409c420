// Contexts, handles, kept workspaces and the library's own kernels, per GPU.
#include "Device.h"
#include "KernelImage.h"
#include "Libraries.h"
#include "Record.h"
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

using namespace abn::cuda;
using abn::runtime::Error;

namespace {
struct KeptWorkspace {
  void *stream; // who uses it
  bool isFree;
  DevicePointer data;
  int64_t bytes;
};

struct Device {
  void *context = nullptr;
  int chip = 0; // 90 for sm_90
  std::string name;
  void *cudnn = nullptr, *cublas = nullptr;
  void *kernels = nullptr;
  std::map<std::string, void *> functions;
  std::vector<KeptWorkspace> workspaces;
};

struct Devices {
  std::mutex mutex;
  std::map<int, Device> byOrdinal;
};
} // namespace

static thread_local int defaultDevice = 0;

/// Never destroyed, as modules are unloaded by global destructors.
static Devices &devices() {
  static auto *made = new Devices;
  return *made;
}

static Device &current() {
  std::lock_guard<std::mutex> lock(devices().mutex);
  return devices().byOrdinal[defaultDevice];
}

void abn::cuda::setDefaultDevice(int ordinal) { defaultDevice = ordinal; }
int abn::cuda::currentDevice() { return defaultDevice; }

static void retain(Device &device, int ordinal) {
  int handle = 0, major = 0, minor = 0;
  checkDriver(driver().cuDeviceGet(&handle, ordinal),
              "cuDeviceGet of GPU " + std::to_string(ordinal));
  char name[128] = "";
  if (!driver().cuDeviceGetName(name, sizeof name, handle))
    device.name = name;
  driver().cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, handle);
  driver().cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, handle);
  device.chip = major * 10 + minor;
  void *context = nullptr;
  checkDriver(driver().cuDevicePrimaryCtxRetain(&context, handle), "cuDevicePrimaryCtxRetain");
  device.context = context;
}

ContextScope::ContextScope() {
  const Driver &functions = driver();
  void *context = nullptr;
  {
    std::lock_guard<std::mutex> lock(devices().mutex);
    Device &device = devices().byOrdinal[defaultDevice];
    if (!device.context)
      retain(device, defaultDevice);
    context = device.context;
  }
  checkDriver(functions.cuCtxPushCurrent(context), "cuCtxPushCurrent");
}

ContextScope::~ContextScope() {
  void *context = nullptr;
  driver().cuCtxPopCurrent(&context);
}

std::string abn::cuda::describeChip() {
  // An error may be described while a device is being looked at.
  std::unique_lock<std::mutex> lock(devices().mutex, std::try_to_lock);
  if (!lock)
    return "";
  auto found = devices().byOrdinal.find(defaultDevice);
  if (found == devices().byOrdinal.end() || !found->second.chip)
    return "";
  return " (sm_" + std::to_string(found->second.chip) + ", " + found->second.name + ")";
}

static std::string inMebibytes(size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string abn::cuda::describeFreeMemory() {
  size_t free = 0, total = 0;
  if (driver().cuMemGetInfo(&free, &total))
    return "how much is free is not known";
  return inMebibytes(free) + " of " + inMebibytes(total) + " are free";
}

//===----------------------------------------------------------------------===//
// Handles and workspaces
//===----------------------------------------------------------------------===//

std::mutex &abn::cuda::primitivesMutex() {
  static auto *mutex = new std::mutex;
  return *mutex;
}

void *abn::cuda::cudnnHandle(void *stream) {
  Device &device = current();
  if (!device.cudnn)
    checkCudnn(cudnn().cudnnCreate(&device.cudnn), "cudnnCreate");
  checkCudnn(cudnn().cudnnSetStream(device.cudnn, stream), "cudnnSetStream");
  return device.cudnn;
}

void *abn::cuda::cublasHandle(void *stream) {
  Device &device = current();
  if (!device.cublas) {
    checkCublas(cublas().cublasCreate(&device.cublas), "cublasCreate");
    // Sums of halves that are split among blocks are to be f32 until the end.
    checkCublas(cublas().cublasSetMathMode(device.cublas,
                                           CUBLAS_DEFAULT_MATH |
                                               CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
                "cublasSetMathMode");
  }
  checkCublas(cublas().cublasSetStream(device.cublas, stream), "cublasSetStream");
  return device.cublas;
}

static int64_t readNumber(const char *variable, int64_t otherwise) {
  const char *text = std::getenv(variable);
  if (!text || !*text)
    return otherwise;
  char *end = nullptr;
  long long value = std::strtoll(text, &end, 10);
  if (*end || value < 0 || value > (1 << 24))
    throw Error("expected a number from 0 to 16777216 in " + std::string(variable) + ", got " +
                text);
  return value;
}

int64_t abn::cuda::workspaceLimit() { return readNumber("ABN_CUDA_WORKSPACE_MIB", 256) << 20; }

bool abn::cuda::allowsTf32() {
  int64_t value = readNumber("ABN_CUDA_ALLOW_TF32", 0);
  if (value > 1)
    throw Error("expected 0 or 1 in ABN_CUDA_ALLOW_TF32, got " + std::to_string(value));
  return value == 1;
}

static constexpr int64_t kAlignment = 256; // cuBLAS's for its workspace

Workspace::Workspace(void *data, int64_t bytes) : data(static_cast<char *>(data)), bytes(bytes) {
  if (!data || bytes <= 0) {
    this->data = nullptr;
    this->bytes = 0;
    return;
  }
  auto address = reinterpret_cast<uint64_t>(data);
  int64_t lost = (kAlignment - address % kAlignment) % kAlignment;
  this->data += std::min(lost, bytes);
  this->bytes -= std::min(lost, bytes);
}

void *abn::cuda::takeWorkspace(const Workspace &lent, int64_t bytes, void *stream) {
  if (!bytes)
    return nullptr;
  return lent.bytes >= bytes ? lent.data : keptWorkspace(stream, bytes);
}

/// The stream's own, else the largest that no stream has, else a new one.
static KeptWorkspace &findWorkspace(std::vector<KeptWorkspace> &workspaces, void *stream) {
  KeptWorkspace *best = nullptr;
  for (KeptWorkspace &each : workspaces) {
    if (!each.isFree && each.stream == stream)
      return each;
    if (each.isFree && (!best || each.bytes > best->bytes))
      best = &each;
  }
  if (!best)
    best = &workspaces.emplace_back(KeptWorkspace{stream, false, 0, 0});
  best->stream = stream;
  best->isFree = false;
  return *best;
}

void *abn::cuda::keptWorkspace(void *stream, int64_t bytes) {
  KeptWorkspace &kept = findWorkspace(current().workspaces, stream);
  if (kept.bytes < bytes) {
    // What was launched may still use the smaller one.
    checkDriver(driver().cuStreamSynchronize(stream), "cuStreamSynchronize");
    if (kept.data) {
      checkDriver(driver().cuMemFree(kept.data), "cuMemFree of a workspace");
      countWorkspace(-kept.bytes);
      kept.data = 0, kept.bytes = 0;
    }
    checkDriver(driver().cuMemAlloc(&kept.data, bytes),
                "cuMemAlloc of a workspace of " + std::to_string(bytes) + " bytes");
    kept.bytes = bytes;
    countWorkspace(bytes);
  }
  return reinterpret_cast<void *>(kept.data);
}

void abn::cuda::releaseWorkspace(void *stream) {
  for (KeptWorkspace &each : current().workspaces)
    if (!each.isFree && each.stream == stream) {
      checkDriver(driver().cuStreamSynchronize(stream), "cuStreamSynchronize");
      each.isFree = true;
    }
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static void *findKernel(const std::string &name) {
  Device &device = current();
  if (!device.kernels)
    checkDriver(driver().cuModuleLoadDataEx(&device.kernels, kernelImage(), 0, nullptr, nullptr),
                "cuModuleLoadDataEx of the runtime's kernels");
  void *&function = device.functions[name];
  if (!function)
    checkDriver(driver().cuModuleGetFunction(&function, device.kernels, name.c_str()),
                "cuModuleGetFunction of " + name);
  return function;
}

void abn::cuda::launchKernel(const std::string &name, int64_t count,
                             std::vector<const void *> arguments, void *stream) {
  constexpr int64_t threads = 256, mostBlocks = 1 << 20; // each thread takes several elements then
  void *function = findKernel(name);
  arguments.insert(arguments.begin(), &count);
  auto blocks = static_cast<unsigned>(std::min((count + threads - 1) / threads, mostBlocks));
  checkDriver(driver().cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, stream,
                                      const_cast<void **>(arguments.data()), nullptr),
              "cuLaunchKernel of " + name);
}
