// abn-verify-gpu-binaries: no kernel calls a function that nobody has.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"

namespace mlir::abn {
#define GEN_PASS_DEF_VERIFYGPUBINARIES
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

using Names = llvm::SmallSetVector<StringRef, 8>;

/// The functions that are looked for at run time by PTX text: `.extern .func  (.param .b32 r)
/// __nv_expf`. What the driver has itself is not among them.
static void findExternPtx(StringRef assembly, Names &names) {
  for (StringRef rest = assembly; !rest.empty();) {
    rest = rest.split(".extern .func").second;
    StringRef declaration = rest.split(';').first;
    // Behind the result, if there is one.
    StringRef signature = declaration.ltrim();
    if (signature.starts_with("("))
      signature = signature.split(')').second.ltrim();
    StringRef name = signature.take_until([](char c) { return c == '(' || llvm::isSpace(c); });
    if (!name.empty() && name != "__assertfail" && name != "vprintf" && name != "malloc" &&
        name != "free")
      names.insert(name);
  }
}

/// Those that a code object of AMD's leaves undefined.
static void findUndefined(StringRef object, Names &names) {
  auto elf = llvm::object::ELF64LEObjectFile::create(llvm::MemoryBufferRef(object, "kernels"));
  if (!elf)
    return llvm::consumeError(elf.takeError());
  for (llvm::object::ELFSymbolRef symbol : elf->getDynamicSymbolIterators()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<StringRef> name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      continue;
    }
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty())
      names.insert(*name);
  }
}

namespace {
struct VerifyGpuBinaries : mlir::abn::impl::VerifyGpuBinariesBase<VerifyGpuBinaries> {
  void runOnOperation() override {
    for (auto binary : getOperation().getOps<gpu::BinaryOp>())
      for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>())
        if (failed(verify(binary, object)))
          return signalPassFailure();
  }

private:
  static LogicalResult verify(gpu::BinaryOp binary, gpu::ObjectAttr object) {
    Names names;
    StringRef bytes = object.getObject().getValue();
    if (object.getFormat() == gpu::CompilationTarget::Assembly)
      findExternPtx(bytes, names);
    else if (bytes.starts_with("\x7f"
                               "ELF"))
      findUndefined(bytes, names);
    if (names.empty())
      return success();
    return binary.emitOpError("calls ")
           << llvm::join(names, ", ")
           << ", which is in the vendor's device library: pass the toolkit's folder as `toolkit`";
  }
};
} // namespace
