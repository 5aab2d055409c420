// Opens a target's libraries and finds their functions; see Target.h.
#include "Target.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <dlfcn.h>
#include <vector>

using namespace mlir::abn::run;
using llvm::StringRef;
using llvm::Twine;

static constexpr llvm::StringLiteral kEmulatorLibraries[] = {"libabn_runtime_emulator.so",
                                                             "libabn_runtime_dnnl.so"};
static constexpr llvm::StringLiteral kCudaLibraries[] = {"libabn_runtime_cuda.so"};
static const Target kTargets[] = {{"emulator", "offload", kEmulatorLibraries},
                                  {"cuda", "fatbin", kCudaLibraries}};

llvm::Expected<const Target *> mlir::abn::run::findTarget(StringRef name) {
  std::string names;
  for (const Target &target : kTargets) {
    if (target.name == name)
      return &target;
    names += (names.empty() ? "`" : " or `") + target.name.str() + "`";
  }
  return llvm::createStringError("unknown target `" + name + "`; expected " + names);
}

std::string Schedule::name() const {
  switch (kind) {
  case ABN_EMULATOR_FORWARD:
    return "forward";
  case ABN_EMULATOR_REVERSE:
    return "reverse";
  case ABN_EMULATOR_RANDOM:
    return "random " + std::to_string(seed);
  }
  return "";
}

Schedule mlir::abn::run::getSchedule(unsigned n) {
  if (n < 2)
    return {n == 0 ? ABN_EMULATOR_FORWARD : ABN_EMULATOR_REVERSE, 0};
  return {ABN_EMULATOR_RANDOM, n - 1};
}

static std::vector<std::string> getFolders(StringRef folder, const char *argv0) {
  if (!folder.empty())
    return {folder.str()};
  static int anchor;
  std::string tool = llvm::sys::fs::getMainExecutable(argv0, &anchor);
  std::vector<std::string> folders;
  for (StringRef relative : {StringRef(ABN_LIBRARY_FOLDER), StringRef("../lib")}) {
    llvm::SmallString<256> path(llvm::sys::path::parent_path(tool));
    llvm::sys::path::append(path, relative);
    llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
    if (folders.empty() || folders.back() != path)
      folders.push_back(path.str().str());
  }
  return folders;
}

/// The library's handle. It stays open: threads of oneDNN wait in the code of what it brings along,
/// also while the process ends.
static llvm::Expected<void *> openLibrary(const Target &target, StringRef name,
                                          llvm::ArrayRef<std::string> folders) {
  std::string looked;
  for (const std::string &folder : folders) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, name);
    if (!llvm::sys::fs::exists(path)) {
      looked += (looked.empty() ? "`" : " and `") + folder + "`";
      continue;
    }
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    if (!library)
      return llvm::createStringError("cannot load `" + path + "`: " + dlerror());
    return library;
  }
  return llvm::createStringError("target `" + target.name + "` needs the library `" + name +
                                 "`, which is not in " + looked +
                                 "; build it, or say by --runtime where it is");
}

llvm::Expected<Runtime> Runtime::open(const Target &target, StringRef folder, const char *argv0) {
  std::vector<void *> libraries;
  for (StringRef name : target.libraries) {
    auto library = openLibrary(target, name, getFolders(folder, argv0));
    if (!library)
      return library.takeError();
    libraries.push_back(*library);
  }
  Runtime runtime;
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *symbol, bool isNeeded) {
    void *address = nullptr;
    for (void *library : libraries)
      if (!address)
        address = dlsym(library, symbol);
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
    if (!address && isNeeded)
      missing = symbol;
  };
  find(runtime.memAlloc, "mgpuMemAlloc", true);
  find(runtime.memFree, "mgpuMemFree", true);
  find(runtime.memCopy, "mgpuMemcpy", true);
  find(runtime.synchronize, "mgpuStreamSynchronize", true);
  find(runtime.dnnLastError, "abnDnnLastError", true);
  find(runtime.dnnReset, "abnDnnResetError", true);
  bool isEmulator = target.name == "emulator";
  // abn/Runtime/Gpu.h; the emulator has its own as well.
  find(runtime.gpuLastError, "abnGpuLastError", !isEmulator);
  find(runtime.gpuReset, "abnGpuResetError", !isEmulator);
  if (isEmulator) {
    find(runtime.emulatorReset, "abnEmulatorReset", true);
    find(runtime.emulatorSetSchedule, "abnEmulatorSetSchedule", true);
    find(runtime.emulatorFirstError, "abnEmulatorFirstError", true);
    find(runtime.emulatorReport, "abnEmulatorReport", true);
    find(runtime.emulatorHighWater, "abnEmulatorHighWaterBytes", true);
  }
  if (missing)
    return llvm::createStringError("the libraries of target `" + target.name +
                                   "` have no function `" + missing + "`");
  return runtime;
}

void Runtime::copy(void *to, const void *from, uint64_t bytes) const {
  if (bytes == 0)
    return;
  memCopy(to, from, bytes, nullptr);
  synchronize(nullptr);
}

void Runtime::restart(const Schedule &schedule) const {
  dnnReset();
  if (gpuReset)
    gpuReset();
  if (!isEmulator())
    return;
  emulatorReset();
  emulatorSetSchedule(schedule.kind, schedule.seed);
}

std::string Runtime::firstError() const {
  if (isEmulator() && *emulatorFirstError())
    return emulatorFirstError();
  if (const char *error = gpuLastError ? gpuLastError() : nullptr)
    return error;
  const char *error = dnnLastError();
  return error ? error : "";
}
