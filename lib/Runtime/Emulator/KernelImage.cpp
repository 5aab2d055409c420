#include "KernelImage.h"
#include "DeviceFunctions.h"
#include "Retarget.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <sys/mman.h>

using namespace abn::emulator;
using namespace llvm;
using namespace llvm::orc;

KernelImage::KernelImage() = default;
KernelImage::~KernelImage() {
  if (lowMemory)
    munmap(lowMemory, lowBytes);
}

namespace {
/// Finds device functions by name; what code generation adds (memset) is looked for in the process
/// after it.
class DeviceFunctionGenerator : public DefinitionGenerator {
public:
  llvm::Error tryToGenerate(LookupState &, LookupKind, JITDylib &dylib, JITDylibLookupFlags,
                            const SymbolLookupSet &symbols) override {
    SymbolMap found;
    for (const auto &[symbol, flags] : symbols) {
      StringRef name = *symbol;
      name.consume_front("emulated.");
      if (void *address = findDeviceFunction(name))
        found[symbol] = {ExecutorAddr::fromPtr(address), JITSymbolFlags::Exported};
    }
    return found.empty() ? llvm::Error::success() : dylib.define(absoluteSymbols(std::move(found)));
  }
};
} // namespace

/// The kind of an image that is not bitcode.
static StringRef describeImage(StringRef image) {
  if (image.starts_with("\x7f"
                        "ELF"))
    return "a cubin";
  if (image.starts_with("\x50\xED\x55\xBA"))
    return "a fatbin";
  if (image.contains(".version") && image.contains(".target"))
    return "PTX text";
  return "of an unknown kind";
}

static Expected<std::unique_ptr<Module>> parse(StringRef image, LLVMContext &context) {
  if (!image.starts_with("BC\xC0\xDE"))
    return createStringError("the kernel image is " + describeImage(image) +
                             "; the emulator executes LLVM bitcode (abn-to-gpu{format="
                             "offload})");
  Expected<std::unique_ptr<Module>> module =
      parseBitcodeFile(MemoryBufferRef(image, "kernels"), context);
  if (!module)
    return module;
  const Triple &triple = (*module)->getTargetTriple();
  if (!triple.isNVPTX() && !triple.isAMDGCN() && !triple.isSPIRV())
    return createStringError("the kernel image is for " + triple.str() +
                             "; expected nvptx64, amdgcn or spirv64");
  return module;
}

/// One processor for all machines that have its instructions, so that results do not depend on
/// where they are computed.
static Expected<JITTargetMachineBuilder> makeTargetMachine() {
  static const bool isInitialized =
      !InitializeNativeTarget() && !InitializeNativeTargetAsmPrinter();
  if (!isInitialized)
    return createStringError("the emulator's LLVM cannot compile for this machine");
  Expected<JITTargetMachineBuilder> builder = JITTargetMachineBuilder::detectHost();
  if (!builder || !builder->getTargetTriple().isX86())
    return builder;
  std::string features = builder->getFeatures().getString();
  if (StringRef(features).contains("+avx2") && StringRef(features).contains("+fma") &&
      StringRef(features).contains("+f16c")) {
    builder->setCPU("x86-64-v3");
    builder->getFeatures() = SubtargetFeatures();
  }
  return builder;
}

static Expected<std::unique_ptr<LLJIT>> makeJit() {
  Expected<JITTargetMachineBuilder> machine = makeTargetMachine();
  if (!machine)
    return machine.takeError();
  Expected<std::unique_ptr<LLJIT>> jit =
      LLJITBuilder().setJITTargetMachineBuilder(std::move(*machine)).create();
  if (!jit)
    return jit;
  auto process = DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::make_unique<DeviceFunctionGenerator>());
  (*jit)->getMainJITDylib().addGenerator(std::move(*process));
  return jit;
}

Expected<std::unique_ptr<KernelImage>> KernelImage::load(StringRef image) {
  auto context = std::make_unique<LLVMContext>();
  Expected<std::unique_ptr<Module>> module = parse(image, *context);
  if (!module)
    return module.takeError();
  Expected<std::unique_ptr<LLJIT>> jit = makeJit();
  if (!jit)
    return jit.takeError();
  std::unique_ptr<KernelImage> loaded(new KernelImage());
  Expected<ModuleContents> contents =
      retarget(**module, (*jit)->getTargetTriple(), (*jit)->getDataLayout());
  if (!contents)
    return contents.takeError();
  if (llvm::Error error =
          (*jit)->addIRModule(ThreadSafeModule(std::move(*module), std::move(context))))
    return std::move(error);
  if (llvm::Error error = loaded->defineLowBuffers(**jit, *contents))
    return std::move(error);
  for (const ModuleContents::Kernel &kernel : contents->kernels) {
    auto entry = (*jit)->lookup(kernel.entrySymbol);
    if (!entry)
      return entry.takeError();
    Kernel made = {kernel.name, loaded.get(),      entry->toPtr<void (*)(void **)>(),
                   {},          kernel.maxThreads, kernel.warpSize};
    for (const ModuleContents::Buffer &buffer : kernel.workgroup) {
      auto address = (*jit)->lookup(buffer.symbol);
      if (!address)
        return address.takeError();
      made.workgroup.push_back({address->getValue(), buffer.bytes});
    }
    loaded->kernels.emplace(kernel.name, std::move(made));
  }
  loaded->jit = std::move(*jit);
  loaded->sites = std::move(contents->sites);
  return std::move(loaded);
}

llvm::Error KernelImage::defineLowBuffers(LLJIT &jit, const ModuleContents &contents) {
  constexpr uint64_t kAlignment = 256;
  std::map<std::string, uint64_t> offsets;
  for (const ModuleContents::Kernel &kernel : contents.kernels)
    for (const ModuleContents::Buffer &buffer : kernel.workgroup)
      if (buffer.isLow && offsets.try_emplace(buffer.symbol, lowBytes).second)
        lowBytes += alignTo(std::max<uint64_t>(buffer.bytes, 1), kAlignment);
  if (offsets.empty())
    return llvm::Error::success();
  void *memory = mmap(nullptr, lowBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED)
    return createStringError("no host memory below 2^31 for workgroup memory");
  lowMemory = static_cast<char *>(memory);
  SymbolMap symbols;
  for (const auto &[symbol, offset] : offsets)
    symbols[jit.mangleAndIntern(symbol)] = {ExecutorAddr::fromPtr(lowMemory + offset),
                                            JITSymbolFlags::Exported};
  return jit.getMainJITDylib().define(absoluteSymbols(std::move(symbols)));
}

const Kernel *KernelImage::find(StringRef name) const {
  auto found = kernels.find(name.str());
  return found == kernels.end() ? nullptr : &found->second;
}

std::string KernelImage::describeSite(uint32_t site) const {
  return site > 0 && site < sites.size() ? sites[site] : "an op without a location";
}
