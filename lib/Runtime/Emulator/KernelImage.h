// A module of kernels: LLVM bitcode for NVVM, ROCDL or SPIR-V, compiled for this machine.
#ifndef ABN_RUNTIME_EMULATOR_KERNELIMAGE_H
#define ABN_RUNTIME_EMULATOR_KERNELIMAGE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace abn::emulator {

class KernelImage;
struct ModuleContents;

struct WorkgroupBuffer {
  uint64_t begin, bytes;
};

struct Kernel {
  std::string name;
  const KernelImage *image;
  /// Takes pointers to the arguments.
  void (*entry)(void **);
  /// The static workgroup memory that it uses.
  std::vector<WorkgroupBuffer> workgroup;
  uint64_t countWorkgroupBytes() const {
    uint64_t bytes = 0;
    for (const WorkgroupBuffer &buffer : workgroup)
      bytes += buffer.bytes;
    return bytes;
  }
  /// Threads per block that it was compiled for, or 1024.
  uint64_t maxThreads;
  /// Threads per warp: 32, or 64.
  unsigned warpSize;
};

class KernelImage {
public:
  /// Reads, retargets and compiles an image. The error names what cannot be executed.
  static llvm::Expected<std::unique_ptr<KernelImage>> load(llvm::StringRef image);
  ~KernelImage();

  /// Null if there is no such kernel.
  const Kernel *find(llvm::StringRef name) const;
  /// `op at location`, or "an op without a location" for 0 and unknown numbers.
  std::string describeSite(uint32_t site) const;

private:
  KernelImage();
  /// Memory for the workgroup buffers whose addresses have 32 bits.
  llvm::Error defineLowBuffers(llvm::orc::LLJIT &jit, const ModuleContents &contents);

  char *lowMemory = nullptr;
  uint64_t lowBytes = 0;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::map<std::string, Kernel, std::less<>> kernels;
  std::vector<std::string> sites;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_KERNELIMAGE_H
