// abn-serialize-spirv: kernels as a SPIR-V module for OpenCL, by LLVM's back end.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Target/LLVM/ModuleToObject.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/SPIRV/Target.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::abn {
#define GEN_PASS_DEF_SERIALIZESPIRV
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

/// Of version 1.0, which every OpenCL driver that takes SPIR-V reads.
static constexpr StringLiteral kTriple = "spirv64v1.0-unknown-unknown";

static void initializeBackEnd() {
  static const bool once = [] {
    LLVMInitializeSPIRVTargetInfo();
    LLVMInitializeSPIRVTarget();
    LLVMInitializeSPIRVTargetMC();
    LLVMInitializeSPIRVAsmPrinter();
    return true;
  }();
  (void)once;
}

/// Moves all calls of printf, each of a constant and no arguments, into one function at the end of
/// the module: the back end looks the format's type up among the last function's registers, and
/// refuses the module if it finds another.
static void gatherPrints(llvm::Module &llvmModule) {
  SmallVector<llvm::CallInst *> calls;
  for (llvm::Function &function : llvmModule)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = dyn_cast<llvm::CallInst>(&instruction);
          call && call->getFunctionType()->isVarArg() && call->arg_size() == 1)
        calls.push_back(call);
  if (calls.empty())
    return;
  llvm::IRBuilder<> b(llvmModule.getContext());
  auto *print = llvm::Function::Create(
      llvm::FunctionType::get(b.getInt32Ty(), {b.getInt32Ty()}, /*isVarArg=*/false),
      llvm::GlobalValue::InternalLinkage, "abn_print", llvmModule);
  print->setCallingConv(llvm::CallingConv::SPIR_FUNC);
  print->addFnAttr(llvm::Attribute::NoInline);
  auto *entry = llvm::BasicBlock::Create(b.getContext(), "", print);
  auto *end = llvm::BasicBlock::Create(b.getContext(), "", print);
  b.SetInsertPoint(entry);
  llvm::SwitchInst *choice = b.CreateSwitch(print->getArg(0), end, calls.size());
  b.SetInsertPoint(end);
  b.CreateRet(b.getInt32(0));
  for (auto [number, call] : llvm::enumerate(calls)) {
    b.SetInsertPoint(call);
    llvm::CallInst *replacement = b.CreateCall(print, {b.getInt32(number)});
    replacement->setCallingConv(llvm::CallingConv::SPIR_FUNC);
    call->replaceAllUsesWith(replacement);
    auto *block = llvm::BasicBlock::Create(b.getContext(), "", print, end);
    choice->addCase(b.getInt32(number), block);
    call->removeFromParent();
    b.SetInsertPoint(block);
    b.Insert(call);
    b.CreateBr(end);
  }
}

namespace {
/// Not optimised: what LLVM's optimiser makes of 16-bit integers the back end writes with operands
/// of unequal widths, and drivers optimise themselves.
class SpirvSerializer : public LLVM::ModuleToObject {
public:
  SpirvSerializer(gpu::GPUModuleOp kernels, bool isBitcode)
      : ModuleToObject(*kernels, kTriple, /*chip=*/"", /*features=*/"", /*optLevel=*/0),
        isBitcode(isBitcode) {}

private:
  void handleModulePreLink(llvm::Module &llvmModule) override { gatherPrints(llvmModule); }

  FailureOr<SmallVector<char, 0>> moduleToObject(llvm::Module &llvmModule) override {
    if (isBitcode)
      return ModuleToObject::moduleToObject(llvmModule);
    FailureOr<llvm::TargetMachine *> machine = getOrCreateTargetMachine();
    if (failed(machine))
      return failure();
    SmallVector<char, 0> object;
    llvm::raw_svector_ostream stream(object);
    llvm::legacy::PassManager passes;
    if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                        llvm::CodeGenFileType::ObjectFile)) {
      getOperation().emitError("LLVM's SPIR-V back end writes no modules");
      return failure();
    }
    passes.run(llvmModule);
    return object;
  }

  bool isBitcode;
};

struct SerializeSpirv : mlir::abn::impl::SerializeSpirvBase<SerializeSpirv> {
  using SerializeSpirvBase::SerializeSpirvBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    SerializeSpirvBase::getDependentDialects(registry);
    registerAllGPUToLLVMIRTranslations(registry);
    spirv::registerSPIRVTargetInterfaceExternalModels(registry);
  }

  void runOnOperation() override {
    initializeBackEnd();
    for (auto kernels : llvm::to_vector(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(serialize(kernels)))
        return signalPassFailure();
  }

private:
  LogicalResult serialize(gpu::GPUModuleOp kernels) {
    ArrayAttr targets = kernels.getTargetsAttr();
    if (!targets || targets.size() != 1 || !isa<spirv::TargetEnvAttr>(targets[0]))
      return kernels.emitOpError("expected one target, of SPIR-V: run abn-attach-gpu-targets");
    std::optional<SmallVector<char, 0>> object = SpirvSerializer(kernels, bitcode).run();
    if (!object)
      return kernels.emitOpError("cannot be written as SPIR-V");
    OpBuilder b(kernels);
    auto format = bitcode ? gpu::CompilationTarget::Offload : gpu::CompilationTarget::Binary;
    Attribute made = gpu::ObjectAttr::get(
        targets[0], format, b.getStringAttr(StringRef(object->data(), object->size())));
    gpu::BinaryOp::create(b, kernels.getLoc(), kernels.getName(), Attribute(),
                          ArrayRef<Attribute>(made));
    kernels.erase();
    return success();
  }
};
} // namespace
