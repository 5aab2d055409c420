#include "Emulator.h"
#include "DeviceFunctions.h"
#include <cstring>

using namespace abn::emulator;

Emulator &Emulator::get() {
  static auto *emulator = new Emulator();
  return *emulator;
}

std::mutex &Emulator::getMutex() {
  static auto *mutex = new std::mutex();
  return *mutex;
}

void Emulator::addError(const char *kind, const std::string &message) {
  Error error;
  error.kind = kind;
  error.message = message;
  errors.push_back(std::move(error));
}

void Emulator::reset() {
  errors.clear();
  kernels.clear();
  memory.resetHighWater();
}

KernelImage *Emulator::loadModule(llvm::StringRef image) {
  llvm::Expected<std::unique_ptr<KernelImage>> loaded = KernelImage::load(image);
  if (!loaded) {
    addError("image", llvm::toString(loaded.takeError()));
    return nullptr;
  }
  KernelImage *made = loaded->get();
  modules[made] = {modulesLoaded++, std::move(*loaded)};
  return made;
}

void Emulator::unloadModule(KernelImage *image) { modules.erase(image); }

const Kernel *Emulator::findKernel(KernelImage *image, llvm::StringRef name) {
  if (!image) // An error already.
    return nullptr;
  const Kernel *kernel = image->find(name);
  if (!kernel)
    addError("unknown-kernel", "the module has no kernel " + name.str());
  return kernel;
}

/// What every chip of NVIDIA's grants without being asked.
static constexpr uint64_t kMaxStaticWorkgroupBytes = 48 << 10;

bool Emulator::checkShape(const Kernel &kernel, const std::array<int64_t, 3> &grid,
                          const std::array<int64_t, 3> &block, int64_t dynamicBytes) {
  // CUDA's limits, those that no chip exceeds.
  const std::array<int64_t, 3> maxGrid = {INT32_MAX, 65535, 65535}, maxBlock = {1024, 1024, 64};
  std::string problem;
  int64_t threads = 1;
  unsigned __int128 blocks = 1;
  for (unsigned dim = 0; dim < 3; ++dim) {
    if (grid[dim] < 1 || grid[dim] > maxGrid[dim])
      problem = "a grid of " + std::to_string(grid[dim]) + " blocks along one dimension";
    else if (block[dim] < 1 || block[dim] > maxBlock[dim])
      problem = "a block of " + std::to_string(block[dim]) + " threads along one dimension";
    else
      threads *= block[dim], blocks *= grid[dim];
  }
  if (problem.empty() && threads > int64_t(std::min<uint64_t>(kernel.maxThreads, 1024)))
    problem = std::to_string(threads) + " threads per block (the kernel was compiled for at most " +
              std::to_string(kernel.maxThreads) + ")";
  else if (uint64_t bytes = kernel.countWorkgroupBytes();
           problem.empty() && bytes > kMaxStaticWorkgroupBytes)
    problem = std::to_string(bytes) + " bytes of static workgroup memory";
  else if (problem.empty() && blocks > UINT32_MAX)
    problem = "more than 2^32 blocks";
  else if (problem.empty() &&
           (dynamicBytes < 0 || dynamicBytes > int64_t(kMaxDynamicWorkgroupBytes)))
    problem = std::to_string(dynamicBytes) + " bytes of dynamic workgroup memory";
  if (problem.empty())
    return true;
  Error error;
  error.kind = "launch-shape";
  error.kernel = kernel.name;
  error.message = "kernel " + kernel.name + " cannot be launched with " + problem;
  errors.push_back(std::move(error));
  return false;
}

void Emulator::launch(const Kernel *kernel, const std::array<int64_t, 3> &grid,
                      const std::array<int64_t, 3> &block, int64_t dynamicBytes, void **arguments) {
  if (!kernel || !errors.empty() || !checkShape(*kernel, grid, block, dynamicBytes))
    return;
  LaunchShape shape;
  for (unsigned dim = 0; dim < 3; ++dim) {
    shape.grid[dim] = grid[dim];
    shape.block[dim] = block[dim];
  }
  shape.dynamicBytes = dynamicBytes;
  KernelReport &kernelReport = kernels[{kernel->name, modules.at(kernel->image).first}];
  Launch run(*kernel, shape, schedule, memory, fibers, kernelReport.counters);
  std::optional<Error> error = run.run(arguments);
  for (const auto &[site, counters] : kernelReport.counters.sites)
    kernelReport.sites[site] = kernel->image->describeSite(site);
  if (error)
    errors.push_back(std::move(*error));
}

void *Emulator::allocate(uint64_t bytes) {
  void *pointer = memory.allocate(bytes);
  if (!pointer)
    addError("out-of-memory", "out of device memory: " + std::to_string(bytes) +
                                  " bytes were asked for, " + std::to_string(memory.getLive()) +
                                  " of " + std::to_string(memory.getLimit()) + " are in use");
  return pointer;
}

void Emulator::release(void *pointer) {
  if (pointer && !memory.release(pointer))
    addError("invalid-free", "what is freed is not a live allocation of device memory");
}

bool Emulator::checkRange(const void *pointer, uint64_t bytes, const char *what) {
  auto address = reinterpret_cast<uint64_t>(pointer);
  const DeviceMemory::Range *range = memory.find(address);
  if (!range || (!range->contains(address, 1) && !range->contains(address, bytes)) ||
      range->state == DeviceMemory::State::RegisteredHost)
    return true;
  if (range->state == DeviceMemory::State::Freed) {
    addError("use-after-free", std::string(what) + " uses freed device memory");
    return false;
  }
  if (range->contains(address, bytes))
    return true;
  addError("out-of-bounds", std::string(what) + " of " + std::to_string(bytes) +
                                " bytes goes beyond an allocation of " +
                                std::to_string(range->bytes));
  return false;
}

void Emulator::copy(void *destination, const void *source, uint64_t bytes) {
  if (errors.empty() && checkRange(source, bytes, "a copy") &&
      checkRange(destination, bytes, "a copy"))
    std::memmove(destination, source, bytes);
}

template <typename T> void Emulator::fill(void *destination, T value, uint64_t count) {
  if (!errors.empty() || !checkRange(destination, count * sizeof(T), "a fill"))
    return;
  for (uint64_t index = 0; index < count; ++index)
    std::memcpy(static_cast<char *>(destination) + index * sizeof(T), &value, sizeof(T));
}

template void Emulator::fill(void *, uint16_t, uint64_t);
template void Emulator::fill(void *, uint32_t, uint64_t);
