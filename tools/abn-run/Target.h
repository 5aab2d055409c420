// Where a step runs: the image of its kernels, and the libraries that load and launch them. They
// are opened when the tool runs; it links none of them.
#ifndef ABN_TOOLS_ABN_RUN_TARGET_H
#define ABN_TOOLS_ABN_RUN_TARGET_H

#include "abn/Runtime/Emulator.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::abn::run {

struct Target {
  llvm::StringLiteral name;
  /// The option `format` of abn-to-gpu.
  llvm::StringLiteral format;
  /// File names, in the order in which they are opened.
  llvm::ArrayRef<llvm::StringLiteral> libraries;
};

/// By name; an error that lists the names if there is no such target.
llvm::Expected<const Target *> findTarget(llvm::StringRef name);

/// One schedule of the emulator.
struct Schedule {
  AbnEmulatorSchedule kind;
  uint64_t seed;
  /// `forward`, `reverse`, `random 1`, ...
  std::string name() const;
};

/// The n-th of the schedules: forward, reverse, then random ones.
Schedule getSchedule(unsigned n);

/// The libraries of a target, open until the process ends.
class Runtime {
public:
  /// Looks for the libraries in `folder`, or, if that is empty, around the tool: where the build
  /// and an installation put them. The error names the library and where it was looked for.
  static llvm::Expected<Runtime> open(const Target &target, llvm::StringRef folder,
                                      const char *argv0);

  void *allocate(uint64_t bytes) const { return memAlloc(bytes, nullptr, false); }
  void release(void *pointer) const { memFree(pointer, nullptr); }
  void copy(void *to, const void *from, uint64_t bytes) const;

  bool isEmulator() const { return emulatorReset != nullptr; }
  /// Forgets errors and counters, and sets the schedule (of the emulator).
  void restart(const Schedule &schedule) const;
  /// The first error since the last restart, or nothing.
  std::string firstError() const;
  /// The emulator's report as JSON; empty elsewhere.
  std::string report() const { return emulatorReport ? emulatorReport() : ""; }
  /// The most device memory at a time since the last restart, in bytes (of the emulator).
  uint64_t highWaterBytes() const { return emulatorHighWater ? emulatorHighWater() : 0; }

private:
  void *(*memAlloc)(uint64_t, void *, bool) = nullptr;
  void (*memFree)(void *, void *) = nullptr;
  void (*memCopy)(void *, const void *, size_t, void *) = nullptr;
  void (*synchronize)(void *) = nullptr;
  const char *(*dnnLastError)() = nullptr;
  void (*dnnReset)() = nullptr;
  const char *(*gpuLastError)() = nullptr;
  void (*gpuReset)() = nullptr;
  void (*emulatorReset)() = nullptr;
  void (*emulatorSetSchedule)(AbnEmulatorSchedule, uint64_t) = nullptr;
  const char *(*emulatorFirstError)() = nullptr;
  const char *(*emulatorReport)() = nullptr;
  uint64_t (*emulatorHighWater)() = nullptr;
};

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_TARGET_H
