// Opening the libraries, and errors of theirs as text.
#include "Libraries.h"
#include "Device.h"
#include "Runtime/Dnn/Errors.h"
#include <cstdlib>
#include <dlfcn.h>
#include <vector>

using namespace abn::cuda;
using abn::runtime::Error;

namespace {
/// A library by the first of its names that can be opened, or by the path in `variable`.
class Library {
public:
  /// `advice` says what to do if there is none.
  Library(const char *variable, std::vector<const char *> names, const char *advice) {
    if (const char *path = std::getenv(variable); path && *path)
      names = {path};
    std::string reason;
    for (const char *each : names) {
      name = each;
      // Local: the names of its functions are not for the program's other libraries.
      if ((handle = dlopen(each, RTLD_NOW | RTLD_LOCAL)))
        return;
      const char *message = dlerror();
      reason += (reason.empty() ? "" : "; ") + std::string(message ? message : each);
    }
    throw Error(reason + ": " + advice);
  }

  template <typename Function> void findOptional(Function *&function, const char *symbol) {
    function = reinterpret_cast<Function *>(dlsym(handle, symbol));
  }

  template <typename Function>
  void find(Function *&function, const char *symbol, const char *advice) {
    findOptional(function, symbol);
    if (!function)
      throw Error(std::string(name) + " has no function " + symbol + ": " + advice);
  }

private:
  const char *name = nullptr;
  void *handle = nullptr;
};

/// What opening a library gave: its functions, or why there are none.
template <typename Table> struct Opened {
  template <typename Open> explicit Opened(Open open) {
    try {
      open(table);
    } catch (const std::exception &error) {
      problem = error.what();
    }
  }

  const Table &get() const {
    if (!problem.empty())
      throw Error(problem);
    return table;
  }

  Table table;
  std::string problem;
};
} // namespace

static constexpr const char *kOldDriver = "the driver is older than CUDA 11.0; update it";
static constexpr const char *kOldCudnn = "expected cuDNN 8 or 9";
static constexpr const char *kOldCublas = "expected cuBLAS 11.4 or later";

/// The driver's table while it is being opened: describing an error of cuInit needs it.
static const Driver *openDriver = nullptr;
static bool isInitialized = false;

static void open(Driver &table) {
  Library library("ABN_CUDA_LIBRARY", {"libcuda.so.1"},
                  "install NVIDIA's driver, or run the step on the emulator "
                  "(libabn_runtime_emulator.so)");
#define ABN_FIND(name, symbol, parameters) library.find(table.name, symbol, kOldDriver);
  ABN_DRIVER_FUNCTIONS(ABN_FIND)
#undef ABN_FIND
#define ABN_FIND(name, symbol, parameters) library.findOptional(table.name, symbol);
  ABN_DRIVER_OPTIONAL_FUNCTIONS(ABN_FIND)
#undef ABN_FIND
  openDriver = &table;
  checkDriver(table.cuInit(0), "cuInit");
  isInitialized = true;
}

static void open(Cudnn &table) {
  Library library(
      "ABN_CUDNN_LIBRARY", {"libcudnn.so.9", "libcudnn.so.8"},
      "install cuDNN (PyPI: nvidia-cudnn-cu13), and put its folder into LD_LIBRARY_PATH or its "
      "path into ABN_CUDNN_LIBRARY");
#define ABN_FIND(name, symbol, parameters) library.find(table.name, symbol, kOldCudnn);
  ABN_CUDNN_FUNCTIONS(ABN_FIND)
#undef ABN_FIND
  library.find(table.cudnnGetErrorString, "cudnnGetErrorString", kOldCudnn);
  library.findOptional(table.cudnnGetLastErrorString, "cudnnGetLastErrorString");
}

static void open(Cublas &table) {
  Library library(
      "ABN_CUBLAS_LIBRARY", {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"},
      "install cuBLAS (PyPI: nvidia-cublas), and put its folder into LD_LIBRARY_PATH or its path "
      "into ABN_CUBLAS_LIBRARY");
#define ABN_FIND(name, symbol, parameters) library.find(table.name, symbol, kOldCublas);
  ABN_CUBLAS_FUNCTIONS(ABN_FIND)
#undef ABN_FIND
  library.find(table.cublasGetStatusName, "cublasGetStatusName", kOldCublas);
  library.find(table.cublasGetStatusString, "cublasGetStatusString", kOldCublas);
}

// None is ever closed: modules are unloaded by global destructors.
template <typename Table> static const Table &get() {
  static auto *opened = new Opened<Table>([](Table &table) { open(table); });
  return opened->get();
}

const Driver &abn::cuda::driver() { return get<Driver>(); }
const Cudnn &abn::cuda::cudnn() { return get<Cudnn>(); }
const Cublas &abn::cuda::cublas() { return get<Cublas>(); }

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

std::string abn::cuda::describeDriverError(int code) {
  const char *name = nullptr, *text = nullptr;
  if (openDriver) {
    openDriver->cuGetErrorName(code, &name);
    openDriver->cuGetErrorString(code, &text);
  }
  if (!name && code == CUDA_ERROR_STUB_LIBRARY) // The stub's own functions say nothing.
    name = "CUDA_ERROR_STUB_LIBRARY", text = "the library is a stub";
  return "error " + std::to_string(code) + " (" + (name ? name : "unknown to the driver") +
         (text ? ": " + std::string(text) : "") + ")";
}

/// What can be done, or "".
static std::string advise(int code) {
  switch (code) {
  case CUDA_ERROR_NO_DEVICE:
    return "no GPU is visible: look at `nvidia-smi` and CUDA_VISIBLE_DEVICES";
  case CUDA_ERROR_INVALID_DEVICE:
    return "there is no GPU of that number";
  case CUDA_ERROR_STUB_LIBRARY:
    return "the toolkit's stub was loaded in place of the driver: install the driver, and take the "
           "folder "
           "`stubs` out of LD_LIBRARY_PATH";
  case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
    return "the driver's library and its kernel module differ in version: load the module again, "
           "or restart";
  case CUDA_ERROR_OUT_OF_MEMORY:
    return (isInitialized ? describeFreeMemory() + "; " : "") +
           "plan with a budget (abn-optimize{budget-bytes=...}), or use a smaller "
           "batch";
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
  case CUDA_ERROR_INVALID_IMAGE:
    return "the module has no code for this GPU" + describeChip() +
           ": name its chip when compiling (abn-to-gpu{chips=...})";
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
    return "the kernels' PTX is newer than the driver: update the driver, or compile to machine "
           "code "
           "(abn-to-gpu{format=fatbin})";
  case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES:
    return "the kernel needs more registers or threads than this GPU has" + describeChip();
  case CUDA_ERROR_ASSERT:
    return "an assertion of a kernel does not hold, which it printed (an alarm of "
           "gamma-policy=check?), and the process can use the GPU no more";
  case CUDA_ERROR_ILLEGAL_ADDRESS:
  case CUDA_ERROR_MISALIGNED_ADDRESS:
  case CUDA_ERROR_LAUNCH_FAILED:
    return "a kernel that was launched before failed, and the process can use the GPU no more: run "
           "the step on "
           "the emulator (abn-to-gpu{format=offload instrument=true}) or with compute-sanitizer to "
           "find it";
  }
  return "";
}

void abn::cuda::checkDriver(int code, const std::string &call) {
  if (!code)
    return;
  std::string advice = advise(code);
  throw Error(call + ": " + describeDriverError(code) + (advice.empty() ? "" : ": " + advice));
}

void abn::cuda::checkCudnn(int status, const std::string &call) {
  if (!status)
    return;
  char details[512] = "";
  if (cudnn().cudnnGetLastErrorString)
    cudnn().cudnnGetLastErrorString(details, sizeof details);
  throw Error(call + ": status " + std::to_string(status) + " (" +
              cudnn().cudnnGetErrorString(status) + ")" + (*details ? ": " : "") + details);
}

void abn::cuda::checkCublas(int status, const std::string &call) {
  if (status)
    throw Error(call + ": status " + std::to_string(status) + " (" +
                cublas().cublasGetStatusName(status) + ": " +
                cublas().cublasGetStatusString(status) + ")");
}

bool abn::cuda::isUnsupported(int cudnnStatus) {
  // cuDNN 8: CUDNN_STATUS_ARCH_MISMATCH, CUDNN_STATUS_NOT_SUPPORTED. 9:
  // CUDNN_STATUS_NOT_SUPPORTED_*.
  return cudnnStatus == 6 || cudnnStatus == 9 || (cudnnStatus >= 3000 && cudnnStatus < 4000);
}
