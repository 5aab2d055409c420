// See PrepareStep.h.
#include "abn/PrepareStep.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::abn;

namespace {
/// What a module has of each stage.
struct Contents {
  bool hasAten = false, hasStableHlo = false, hasTensors = false, isPlanned = false;
};
} // namespace

static bool isTensor(Type type) { return isa<TensorType>(type); }

static Contents inspect(ModuleOp module) {
  Contents contents;
  module.walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    contents.hasAten |= dialect == "aten";
    contents.hasStableHlo |= dialect == "stablehlo" || dialect == "chlo" || dialect == "mhlo";
    contents.hasTensors |= llvm::any_of(op->getResultTypes(), isTensor);
    if (auto func = dyn_cast<func::FuncOp>(op)) {
      contents.hasTensors |= llvm::any_of(func.getArgumentTypes(), isTensor);
      contents.isPlanned |= func->hasAttr(AbnDialect::kPlanAttr);
    }
  });
  return contents;
}

/// Adds a pass or pipeline by its name, with options as on a command line.
static LogicalResult addByName(OpPassManager &pm, ModuleOp module, StringRef name,
                               StringRef options) {
  const PassRegistryEntry *entry = PassPipelineInfo::lookup(name);
  if (!entry)
    entry = PassInfo::lookup(name);
  assert(entry && "expected registered passes");
  std::string message = ("`" + options + "`").str();
  auto keep = [&](const Twine &text) {
    message = text.str();
    return failure();
  };
  if (succeeded(entry->addToPipeline(pm, options, keep)))
    return success();
  return emitError(module.getLoc())
         << "expected options of `" << name << "`, got " << StringRef(message).rtrim();
}

static LogicalResult refuse(ModuleOp module, StringRef pipeline, StringRef options,
                            StringRef reason) {
  if (options.empty())
    return success();
  return emitError(module.getLoc()) << "`" << pipeline << "` has nothing to do with its options `"
                                    << options << "`: " << reason;
}

static std::string getPlanOptions(const PrepareStepOptions &options) {
  SmallVector<StringRef> words;
  StringRef(options.plan).split(words, ' ', -1, /*KeepEmpty=*/false);
  auto isChip = [](StringRef word) { return word.starts_with("chip="); };
  if (!options.chip.empty() && llvm::none_of(words, isChip))
    return options.plan + (words.empty() ? "" : " ") + "chip=" + options.chip;
  return options.plan;
}

FailureOr<StringRef> mlir::abn::addPreparation(OpPassManager &pm, ModuleOp module,
                                               const PrepareStepOptions &options) {
  Contents contents = inspect(module);
  if ((contents.hasAten && failed(addByName(pm, module, "abn-import-aten", ""))) ||
      (contents.hasStableHlo && failed(addByName(pm, module, "abn-import-stablehlo", ""))))
    return failure();
  bool isImported = contents.hasAten || contents.hasStableHlo;
  bool optimizes = isImported || (contents.hasTensors && !contents.isPlanned);
  bool plans = isImported || contents.hasTensors;
  if (failed(optimizes ? addByName(pm, module, "abn-optimize", options.optimize)
                       : refuse(module, "abn-optimize", options.optimize,
                                "the step has a plan already")) ||
      failed(plans ? addByName(pm, module, "abn-plan", getPlanOptions(options))
                   : refuse(module, "abn-plan", options.plan, "the step is on buffers already")))
    return failure();
  if (isImported)
    return StringRef(contents.hasAten ? "aten" : "stablehlo");
  return StringRef(plans ? "tensors" : "buffers");
}
