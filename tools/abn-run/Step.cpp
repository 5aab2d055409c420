// From a file to a host module, by the registered pipelines; see Step.h.
#include "Step.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/PrepareStep.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::abn::run;
using mlir::abn::AbnDialect;

std::string Slot::describe() const {
  std::string text = (Twine(isResult ? "result " : "argument ") + Twine(index)).str();
  return name.empty() ? text : text + " (`" + name + "`)";
}

//===----------------------------------------------------------------------===//
// Which function, and at which stage
//===----------------------------------------------------------------------===//

static llvm::Expected<func::FuncOp> findFunction(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> candidates;
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isDeclaration() && (func.isPublic() || func.getName() == name))
      candidates.push_back(func);
  StringRef wanted = name.empty() ? "main" : name;
  for (func::FuncOp func : candidates)
    if (func.getName() == wanted)
      return func;
  if (!name.empty())
    return llvm::createStringError("there is no function `" + name + "` with a body");
  if (candidates.size() == 1)
    return candidates.front();
  if (!candidates.empty())
    return llvm::createStringError("expected a function `main` or only one public function, got " +
                                   Twine(candidates.size()) + "; name one by --function");
  if (!module.getOps<LLVM::LLVMFuncOp>().empty())
    return llvm::createStringError(
        "expected a step on tensors or buffers, got a host module in the "
        "LLVM dialect, whose functions do not say what they take");
  return llvm::createStringError("expected a step, got a module without a public function");
}

/// Takes the step from where the file has it to buffers with a plan.
static llvm::Error planStep(ModuleOp module, const StepOptions &options, std::string &stage) {
  PassManager pm(module->getContext());
  mlir::abn::PrepareStepOptions front;
  front.optimize = options.optimize;
  front.plan = options.plan;
  front.chip = options.chip;
  FailureOr<StringRef> found = mlir::abn::addPreparation(pm, module, front);
  if (failed(found) || failed(pm.run(module)))
    return llvm::createStringError("the step could not be planned");
  stage = found->str();
  return llvm::Error::success();
}

static llvm::Error compileKernels(ModuleOp module, const std::string &options) {
  PassManager pm(module->getContext());
  std::string message = "`" + options + "`";
  auto keep = [&](const Twine &text) {
    message = text.str();
    return failure();
  };
  if (failed(PassPipelineInfo::lookup("abn-to-gpu")->addToPipeline(pm, options, keep)))
    return llvm::createStringError("expected options of `abn-to-gpu`, got " + message);
  if (failed(pm.run(module)))
    return llvm::createStringError("the step could not be compiled (abn-to-gpu)");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// What the planned step says of itself
//===----------------------------------------------------------------------===//

static std::string getText(DictionaryAttr attrs, StringRef name) {
  auto text = attrs ? attrs.getAs<StringAttr>(name) : StringAttr();
  return text ? text.str() : std::string();
}

static llvm::Expected<Slot> makeSlot(Type type, DictionaryAttr attrs, bool isResult,
                                     unsigned index) {
  Slot slot{isResult, index, getText(attrs, AbnDialect::kNameAttr),
            getText(attrs, AbnDialect::kRoleAttr), dyn_cast<MemRefType>(type)};
  if (slot.type)
    return slot;
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return llvm::createStringError("expected " + slot.describe() +
                                 " to be a tensor or a buffer of known rank, got `" + text + "`");
}

static llvm::Error readSignature(func::FuncOp func, Step &step) {
  for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i) {
    auto slot = makeSlot(func.getArgumentTypes()[i], func.getArgAttrDict(i), false, i);
    if (!slot)
      return slot.takeError();
    if (!func.getArgAttr(i, AbnDialect::kArenaAttr)) {
      step.arguments.push_back(std::move(*slot));
      continue;
    }
    if (!slot->type.hasStaticShape() || i + 1 != e)
      return llvm::createStringError("expected an arena of known size as the last argument; "
                                     "without one, the step allocates it (--abn-plan=arena=alloc)");
    step.arenaArgumentBytes = step.arenaBytes = slot->type.getNumElements();
  }
  for (unsigned i = 0, e = func.getNumResults(); i < e; ++i) {
    auto slot = makeSlot(func.getResultTypes()[i], func.getResultAttrDict(i), true, i);
    if (!slot)
      return slot.takeError();
    step.results.push_back(std::move(*slot));
  }
  if (step.results.empty())
    return llvm::createStringError("expected a step, got a function `" + func.getName() +
                                   "` without results");
  return llvm::Error::success();
}

static int64_t countBytes(MemRefType type) {
  return type.hasStaticShape()
             ? type.getNumElements() * mlir::abn::getElementBytes(type.getElementType()).value_or(0)
             : 0;
}

/// What a call takes of the device beside the arena: the constants that it reads, for as long as it
/// runs, and results with buffers of their own (abn-plan{outputs=outside}). Of the versions that
/// the function chooses between, `version` is called.
static int64_t countBesideArena(func::FuncOp func, StringRef version) {
  int64_t own = 0, called = 0;
  auto module = func->getParentOfType<ModuleOp>();
  func.walk([&](Operation *op) {
    if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
      own += countBytes(global.getType());
    } else if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      own += alloc->hasAttr(AbnDialect::kArenaAttr) ? 0 : countBytes(alloc.getType());
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      if (callee && callee != func &&
          (!mlir::abn::isDispatched(callee) || callee.getName() == version))
        called = std::max(called, countBesideArena(callee, version));
    }
  });
  return own + called;
}

static void readPlan(func::FuncOp func, Step &step) {
  func.walk([&](memref::AllocOp alloc) {
    if (alloc->hasAttr(AbnDialect::kArenaAttr) && alloc.getType().hasStaticShape())
      step.arenaBytes = alloc.getType().getNumElements();
  });
  if (!step.arenaBytes)
    return;
  llvm::SmallSetVector<int64_t, 2> planned;
  if (auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr))
    for (auto version : versions.getAsRange<FlatSymbolRefAttr>())
      planned.insert(*step.arenaBytes + countBesideArena(func, version.getValue()));
  else
    planned.insert(*step.arenaBytes + countBesideArena(func, ""));
  step.plannedBytes.assign(planned.begin(), planned.end());
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

llvm::Expected<Step> mlir::abn::run::compileStep(MLIRContext &context, const StepOptions &options) {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(options.path, &message);
  if (!file)
    return llvm::createStringError(message);
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(file), SMLoc());
  SourceMgrDiagnosticHandler diagnostics(*sources, &context);
  Step step;
  step.module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!step.module)
    return llvm::createStringError("`" + options.path + "` could not be read as MLIR");
  llvm::Expected<func::FuncOp> func = findFunction(*step.module, options.function);
  if (!func)
    return func.takeError();
  step.function = func->getName().str();
  if (llvm::Error error = planStep(*step.module, options, step.stage))
    return std::move(error);
  auto planned = step.module->lookupSymbol<func::FuncOp>(step.function);
  if (!planned)
    return llvm::createStringError("the step lost its function `" + step.function + "`");
  if (llvm::Error error = readSignature(planned, step))
    return std::move(error);
  readPlan(planned, step);
  planned->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), UnitAttr::get(&context));
  if (llvm::Error error = compileKernels(*step.module, options.toGpu))
    return std::move(error);
  return step;
}
