#include "Retarget.h"
#include "DeviceFunctions.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Verifier.h"

using namespace abn::emulator;
using namespace llvm;

static constexpr unsigned kWorkgroupSpace = 3;

template <typename... Parts> static llvm::Error makeError(Parts &&...parts) {
  return createStringError(inconvertibleErrorCode(), (Twine() + ... + Twine(parts)));
}

namespace {
class Retargeter {
public:
  Retargeter(Module &module) : module(module), context(module.getContext()) {}

  llvm::Expected<ModuleContents> run(const Triple &triple, const DataLayout &layout);

private:
  void readSites();
  llvm::Error replaceAssembly();
  llvm::Error replaceDeclarations();
  void replaceDynamicWorkgroup();
  void defineWarpOp(Function &intrinsic, WarpOp op);
  void defineWaveOp(Function &intrinsic, WarpOp op);
  std::vector<ModuleContents::Buffer> exposeWorkgroup(Function &kernel);
  void makeEntry(Function &kernel);

  Module &module;
  LLVMContext &context;
  ModuleContents contents;
  /// Pointers to workgroup memory have 32 bits (AMD's), and the kernels may have computed with
  /// that.
  bool isNarrow = false;
};
} // namespace

void Retargeter::readSites() {
  contents.sites.emplace_back();
  GlobalVariable *table = module.getNamedGlobal(abn::instrumentation::kSiteTable);
  auto *text = table && table->hasInitializer()
                   ? dyn_cast<ConstantDataSequential>(table->getInitializer())
                   : nullptr;
  if (!text || !text->isString())
    return;
  SmallVector<StringRef> lines;
  text->getAsString().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    contents.sites.push_back(line.str());
}

/// {low, high} of x * y + z, all of 32 bits: what sin and cos of libdevice reduce large angles
/// with.
static Value *makeWideMultiplyAdd(CallInst &call) {
  IRBuilder<> b(&call);
  auto widen = [&](unsigned operand) {
    return b.CreateZExt(call.getArgOperand(operand), b.getInt64Ty());
  };
  Value *sum = b.CreateAdd(b.CreateMul(widen(0), widen(1)), widen(2));
  Value *low = b.CreateTrunc(sum, b.getInt32Ty());
  Value *high = b.CreateTrunc(b.CreateLShr(sum, 32), b.getInt32Ty());
  Value *pair = b.CreateInsertValue(PoisonValue::get(call.getType()), low, 0);
  return b.CreateInsertValue(pair, high, 1);
}

/// The same without PTX, or null.
static Value *translateAssembly(CallInst &call, StringRef assembly) {
  if (assembly.contains("rcp.approx.ftz.f32 $0,$1;")) {
    IRBuilder<> b(&call);
    return b.CreateFDiv(ConstantFP::get(call.getType(), 1.0), call.getArgOperand(0));
  }
  if (assembly.contains("mad.lo.cc.u32   $0, $2, $3, $4;") &&
      assembly.contains("madc.hi.u32     $1, $2, $3,  0;"))
    return makeWideMultiplyAdd(call);
  return nullptr;
}

llvm::Error Retargeter::replaceAssembly() {
  for (Function &function : module)
    for (Instruction &instruction : make_early_inc_range(instructions(function))) {
      auto *call = dyn_cast<CallInst>(&instruction);
      auto *assembly = call ? dyn_cast<InlineAsm>(call->getCalledOperand()) : nullptr;
      if (!assembly)
        continue;
      Value *result = translateAssembly(*call, assembly->getAsmString());
      if (!result)
        return makeError("the emulator cannot execute PTX assembly: ", assembly->getAsmString());
      call->replaceAllUsesWith(result);
      call->eraseFromParent();
    }
  return llvm::Error::success();
}

/// Gives a warp op a body: the runtime's one function takes and returns integers, because a
/// struct of a float and a bit is passed differently by C and by LLVM.
void Retargeter::defineWarpOp(Function &intrinsic, WarpOp op) {
  auto *function = Function::Create(intrinsic.getFunctionType(), GlobalValue::InternalLinkage,
                                    "emulated." + intrinsic.getName(), module);
  IRBuilder<> b(BasicBlock::Create(context, "", function));
  Type *i32 = b.getInt32Ty();
  SmallVector<Value *> operands = {b.getInt32(static_cast<uint32_t>(op))};
  for (Argument &argument : function->args()) {
    Value *value = &argument;
    if (value->getType()->isFloatTy())
      value = b.CreateBitCast(value, i32);
    operands.push_back(b.CreateZExt(value, i32));
  }
  // The only ones that name the value first.
  if (op >= WarpOp::ReduceAdd)
    std::swap(operands[1], operands[2]);
  operands.resize(5, b.getInt32(0));
  FunctionCallee callee =
      module.getOrInsertFunction(kWarpFunction, b.getInt64Ty(), i32, i32, i32, i32, i32);
  Value *packed = b.CreateCall(callee, operands);
  Type *type = function->getReturnType();
  auto *pair = dyn_cast<StructType>(type);
  Type *valueType = pair ? pair->getElementType(0) : type;
  Value *result = valueType->isIntegerTy(1)
                      ? b.CreateTrunc(packed, valueType)
                      : b.CreateBitCast(b.CreateTrunc(packed, i32), valueType);
  if (pair) {
    Value *predicate = b.CreateTrunc(b.CreateLShr(packed, 32), b.getInt1Ty());
    result = b.CreateInsertValue(PoisonValue::get(pair), result, 0);
    result = b.CreateInsertValue(result, predicate, 1);
  }
  b.CreateRet(result);
  intrinsic.replaceAllUsesWith(function);
}

/// Gives AMD's shuffles a body: llvm.amdgcn.ds.bpermute(address, value) and ds.swizzle(value,
/// pattern).
void Retargeter::defineWaveOp(Function &intrinsic, WarpOp op) {
  auto *function = Function::Create(intrinsic.getFunctionType(), GlobalValue::InternalLinkage,
                                    "emulated." + intrinsic.getName(), module);
  IRBuilder<> b(BasicBlock::Create(context, "", function));
  Type *i32 = b.getInt32Ty();
  Value *value = function->getArg(op == WarpOp::Permute ? 1 : 0);
  Value *lane = function->getArg(op == WarpOp::Permute ? 0 : 1);
  FunctionCallee callee =
      module.getOrInsertFunction(kWarpFunction, b.getInt64Ty(), i32, i32, i32, i32, i32);
  Value *packed = b.CreateCall(
      callee, {b.getInt32(static_cast<uint32_t>(op)), b.getInt32(0), value, lane, b.getInt32(0)});
  b.CreateRet(b.CreateTrunc(packed, i32));
  intrinsic.replaceAllUsesWith(function);
}

llvm::Error Retargeter::replaceDeclarations() {
  SmallVector<std::string> unknown;
  for (Function &function : make_early_inc_range(module)) {
    if (!function.isDeclaration())
      continue;
    StringRef name = function.getName();
    if (function.use_empty()) {
      function.eraseFromParent();
      continue;
    }
    if (std::optional<WarpOp> op = findWarpOp(name)) {
      if (*op == WarpOp::Permute || *op == WarpOp::Swizzle)
        defineWaveOp(function, *op);
      else
        defineWarpOp(function, *op);
      function.eraseFromParent();
    } else if (findDeviceFunction(name)) {
      // Not an intrinsic any more, but a function with what was true of the intrinsic.
      if (name.starts_with("llvm."))
        function.setName("emulated." + name);
    } else if (!name.starts_with("llvm.") || name.starts_with("llvm.nvvm.") ||
               name.starts_with("llvm.amdgcn.")) {
      unknown.push_back(name.str());
    }
  }
  if (!unknown.empty())
    return makeError("the emulator does not have: ", join(unknown, ", "));
  return llvm::Error::success();
}

/// Arrays without a size are the dynamic workgroup memory: all of them begin where it begins.
void Retargeter::replaceDynamicWorkgroup() {
  for (GlobalVariable &global : make_early_inc_range(module.globals())) {
    auto *array = dyn_cast<ArrayType>(global.getValueType());
    if (global.getAddressSpace() != kWorkgroupSpace || !array || array->getNumElements() != 0)
      continue;
    Constant *buffer = module.getOrInsertGlobal(kDynamicWorkgroup, Type::getInt8Ty(context));
    global.replaceAllUsesWith(ConstantExpr::getAddrSpaceCast(buffer, global.getType()));
    global.eraseFromParent();
  }
}

static bool isKernel(const Function &function) {
  CallingConv::ID convention = function.getCallingConv();
  return convention == CallingConv::PTX_Kernel || convention == CallingConv::AMDGPU_KERNEL ||
         convention == CallingConv::SPIR_KERNEL;
}

/// The functions that use the value, themselves or through constants.
static void findUsers(const Value &value, SmallSetVector<const Function *, 4> &functions) {
  for (const User *user : value.users()) {
    if (auto *instruction = dyn_cast<Instruction>(user))
      functions.insert(instruction->getFunction());
    else if (isa<Constant>(user) && !isa<GlobalValue>(user))
      findUsers(*user, functions);
  }
}

std::vector<ModuleContents::Buffer> Retargeter::exposeWorkgroup(Function &kernel) {
  std::vector<ModuleContents::Buffer> buffers;
  for (GlobalVariable &global : module.globals()) {
    if (global.getAddressSpace() != kWorkgroupSpace)
      continue;
    SmallSetVector<const Function *, 4> users;
    findUsers(global, users);
    // What a function uses that is not a kernel may be any kernel's.
    if (!users.contains(&kernel) &&
        llvm::all_of(users, [](const Function *user) { return isKernel(*user); }))
      continue;
    global.setLinkage(GlobalValue::ExternalLinkage);
    global.setDSOLocal(false);
    global.setInitializer(isNarrow ? nullptr : Constant::getNullValue(global.getValueType()));
    buffers.push_back({global.getName().str(),
                       module.getDataLayout().getTypeAllocSize(global.getValueType()), isNarrow});
  }
  return buffers;
}

/// What is passed for an argument whose bytes lie at `pointer`. A struct by value is its kernel's
/// own copy, in memory.
static Value *readArgument(IRBuilder<> &b, Argument &argument, Value *pointer) {
  Type *type = argument.getParamByValType();
  if (!type)
    return b.CreateAlignedLoad(argument.getType(), pointer, Align(1));
  argument.removeAttr(Attribute::ByVal);
  AllocaInst *copy = b.CreateAlloca(type);
  copy->setAlignment(argument.getParamAlign().valueOrOne());
  uint64_t bytes = b.GetInsertBlock()->getDataLayout().getTypeAllocSize(type);
  b.CreateMemCpy(copy, copy->getAlign(), pointer, Align(1), bytes);
  return copy;
}

/// Of a block: nvvm.maxntid, or the required size of AMD's and OpenCL's kernels.
static uint64_t getMaxThreads(const Function &kernel) {
  uint64_t maxThreads = 1;
  if (const MDNode *required = kernel.getMetadata("reqd_work_group_size")) {
    for (const MDOperand &extent : required->operands())
      maxThreads *= mdconst::extract<ConstantInt>(extent)->getZExtValue();
    return maxThreads;
  }
  SmallVector<StringRef> extents;
  kernel.getFnAttribute("nvvm.maxntid").getValueAsString().split(extents, ',');
  for (StringRef extent : extents) {
    uint64_t value = 0;
    maxThreads = extent.getAsInteger(10, value) ? 1024 : maxThreads * value;
  }
  return maxThreads;
}

void Retargeter::makeEntry(Function &kernel) {
  std::string name = "entry." + kernel.getName().str();
  IRBuilder<> b(context);
  auto *entry = Function::Create(FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false),
                                 GlobalValue::ExternalLinkage, name, module);
  b.SetInsertPoint(BasicBlock::Create(context, "", entry));
  SmallVector<Value *> arguments;
  for (Argument &argument : kernel.args()) {
    Value *slot = b.CreateConstGEP1_64(b.getPtrTy(), entry->getArg(0), argument.getArgNo());
    Value *pointer = b.CreateLoad(b.getPtrTy(), slot);
    arguments.push_back(readArgument(b, argument, pointer));
  }
  b.CreateCall(&kernel, arguments);
  b.CreateRetVoid();
  StringRef features = kernel.getFnAttribute("target-features").getValueAsString();
  contents.kernels.push_back({kernel.getName().str(), name, exposeWorkgroup(kernel),
                              getMaxThreads(kernel),
                              features.contains("+wavefrontsize64") ? kMaxWarpSize : kWarpSize});
}

/// What was said to the GPU's back end only.
static void removeTargetAttributes(Function &function) {
  for (StringRef name : {"target-cpu", "target-features", "tune-cpu"})
    function.removeFnAttr(name);
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction))
      call->setCallingConv(CallingConv::C);
}

llvm::Expected<ModuleContents> Retargeter::run(const Triple &triple, const DataLayout &layout) {
  isNarrow = module.getDataLayout().getPointerSize(kWorkgroupSpace) < sizeof(void *);
  module.setTargetTriple(triple);
  module.setDataLayout(layout);
  readSites();
  if (llvm::Error error = replaceAssembly())
    return std::move(error);
  if (llvm::Error error = replaceDeclarations())
    return std::move(error);
  replaceDynamicWorkgroup();
  SmallVector<Function *> kernels;
  for (Function &function : module)
    if (isKernel(function))
      kernels.push_back(&function);
  for (Function *kernel : kernels)
    makeEntry(*kernel);
  for (Function &function : module) {
    removeTargetAttributes(function);
    function.setCallingConv(CallingConv::C);
    // Names are the user's: one may be that of a function of libm.
    if (!function.isDeclaration() && !function.getName().starts_with("entry."))
      function.setName("device." + function.getName());
  }
  std::string message;
  raw_string_ostream stream(message);
  if (verifyModule(module, &stream))
    return makeError("the kernel image is not valid: ", message);
  return std::move(contents);
}

llvm::Expected<ModuleContents> abn::emulator::retarget(Module &module, const Triple &triple,
                                                       const DataLayout &layout) {
  return Retargeter(module).run(triple, layout);
}
