// From LLVM IR for NVVM, ROCDL or SPIR-V to LLVM IR for this machine.
#ifndef ABN_RUNTIME_EMULATOR_RETARGET_H
#define ABN_RUNTIME_EMULATOR_RETARGET_H

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace abn::emulator {

/// What there is in a retargeted module.
struct ModuleContents {
  struct Buffer {
    std::string symbol;
    uint64_t bytes;
    /// Its address has 32 bits for the kernels: it is to be defined below 2^32.
    bool isLow;
  };
  struct Kernel {
    std::string name;
    /// Takes pointers to the arguments: `void (ptr)`.
    std::string entrySymbol;
    std::vector<Buffer> workgroup;
    uint64_t maxThreads;
    unsigned warpSize;
  };

  std::vector<Kernel> kernels;
  /// Of the instrumentation, from 1 on; [0] is unused.
  std::vector<std::string> sites;
};

/// Makes the module executable here: intrinsics become calls of device functions, workgroup memory
/// ordinary memory, kernels ordinary functions with an entry that unpacks their arguments. The
/// error names what the emulator does not have.
llvm::Expected<ModuleContents> retarget(llvm::Module &module, const llvm::Triple &triple,
                                        const llvm::DataLayout &layout);

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_RETARGET_H
