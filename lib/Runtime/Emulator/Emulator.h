// The emulated device: what the host ABI and the C API act on.
#ifndef ABN_RUNTIME_EMULATOR_EMULATOR_H
#define ABN_RUNTIME_EMULATOR_EMULATOR_H

#include "Counters.h"
#include "DeviceMemory.h"
#include "Error.h"
#include "Fibers.h"
#include "KernelImage.h"
#include "Launch.h"
#include "Schedule.h"
#include <mutex>

namespace abn::emulator {

class Emulator {
public:
  /// The one device, for whoever holds `getMutex()`. It is never destroyed: modules are unloaded by
  /// global destructors.
  static Emulator &get();
  static std::mutex &getMutex();

  KernelImage *loadModule(llvm::StringRef image);
  void unloadModule(KernelImage *image);
  const Kernel *findKernel(KernelImage *image, llvm::StringRef name);
  void launch(const Kernel *kernel, const std::array<int64_t, 3> &grid,
              const std::array<int64_t, 3> &block, int64_t dynamicBytes, void **arguments);

  void *allocate(uint64_t bytes);
  void release(void *pointer);
  void copy(void *destination, const void *source, uint64_t bytes);
  template <typename T> void fill(void *destination, T value, uint64_t count);
  DeviceMemory &getMemory() { return memory; }

  void setSchedule(const Schedule &newSchedule) { schedule = newSchedule; }
  void reset();
  void resetErrors() { errors.clear(); }
  const std::vector<Error> &getErrors() const { return errors; }
  void addError(Error error) { errors.push_back(std::move(error)); }
  void addError(const char *kind, const std::string &message);
  /// Errors, counters and memory as JSON.
  std::string report() const;

private:
  /// Counters of a kernel and what its sites are called; kept when its module is unloaded.
  struct KernelReport {
    KernelCounters counters;
    std::map<uint32_t, std::string> sites;
  };

  bool checkShape(const Kernel &kernel, const std::array<int64_t, 3> &grid,
                  const std::array<int64_t, 3> &block, int64_t dynamicBytes);
  /// Whether the bytes are in a live allocation, or not in device memory at all.
  bool checkRange(const void *pointer, uint64_t bytes, const char *what);

  DeviceMemory memory;
  Fibers fibers;
  Schedule schedule;
  /// With the number of each.
  std::map<const KernelImage *, std::pair<uint64_t, std::unique_ptr<KernelImage>>> modules;
  std::vector<Error> errors;
  /// By name and module: two modules may have kernels of one name.
  std::map<std::pair<std::string, uint64_t>, KernelReport> kernels;
  uint64_t modulesLoaded = 0;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_EMULATOR_H
