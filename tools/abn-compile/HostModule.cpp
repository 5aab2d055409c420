// See HostModule.h.
#include "HostModule.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::registerHostTranslations(DialectRegistry &registry) {
  registerAllToLLVMIRTranslations(registry);
}

/// A machine for position-independent code that every processor of this kind runs. Code is selected
/// fast: the host calls kernels, in functions so long that better code takes half a minute.
static std::unique_ptr<llvm::TargetMachine> makeMachine(std::string &error) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, "generic", "", {}, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::None));
}

/// Names and roles of arguments have done their work; the translation would warn of each.
static void dropArgumentNotes(ModuleOp module) {
  for (auto func : module.getOps<LLVM::LLVMFuncOp>())
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      for (NamedAttribute attribute :
           llvm::to_vector(mlir::function_interface_impl::getArgAttrs(func, i)))
        if (attribute.getNameDialect() &&
            attribute.getNameDialect()->getNamespace() == AbnDialect::getDialectNamespace())
          func.removeArgAttr(i, attribute.getName());
}

static FailureOr<std::unique_ptr<llvm::Module>>
translate(ModuleOp module, llvm::LLVMContext &context, llvm::TargetMachine &machine) {
  dropArgumentNotes(module);
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "step");
  if (!translated)
    return module.emitError("the host module cannot be written as LLVM IR");
  translated->setTargetTriple(machine.getTargetTriple());
  translated->setDataLayout(machine.createDataLayout());
  auto optimize = makeOptimizingTransformer(/*optLevel=*/1, /*sizeLevel=*/0, &machine);
  if (llvm::Error error = optimize(translated.get()))
    return module.emitError("the host module cannot be optimised: ")
           << llvm::toString(std::move(error));
  return translated;
}

static FailureOr<std::string> emit(ModuleOp module, bool isObject) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(error);
  if (!machine)
    return module.emitError("LLVM has no back end for this machine: ") << error;
  llvm::LLVMContext context;
  FailureOr<std::unique_ptr<llvm::Module>> translated = translate(module, context, *machine);
  if (failed(translated))
    return failure();
  if (!isObject) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    (*translated)->print(stream, nullptr);
    return text;
  }
  SmallString<0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return module.emitError("LLVM writes no objects for this machine");
  passes.run(**translated);
  return object.str().str();
}

FailureOr<std::string> mlir::abn::emitLlvm(ModuleOp module) {
  return emit(module, /*isObject=*/false);
}

FailureOr<std::string> mlir::abn::emitObject(ModuleOp module) {
  return emit(module, /*isObject=*/true);
}

LogicalResult mlir::abn::checkImages(ModuleOp module) {
  for (auto binary : module.getOps<gpu::BinaryOp>())
    if (binary.getObjects().size() > 1)
      return emitError(module.getLoc(), "expected one image of kernels, got ")
             << binary.getObjects().size()
             << ": only a fatbin of target `cuda` holds several chips' code, give one chip";
  return success();
}

FailureOr<std::string> mlir::abn::getKernels(ModuleOp module) {
  SmallVector<gpu::ObjectAttr> objects;
  for (auto binary : module.getOps<gpu::BinaryOp>())
    llvm::append_range(objects, binary.getObjects().getAsRange<gpu::ObjectAttr>());
  if (objects.size() != 1)
    return emitError(module.getLoc(), "expected one image of kernels to write, got ")
           << objects.size();
  return objects.front().getObject().getValue().str();
}
