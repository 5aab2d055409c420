// See PrepareStep.h.
#include "abn/PrepareStep.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"

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

static LogicalResult addPipeline(OpPassManager &pm, ModuleOp module, StringRef name,
                                 StringRef options) {
  std::string text = (name + (options.empty() ? "" : "{" + options + "}")).str(), error;
  llvm::raw_string_ostream stream(error);
  if (succeeded(parsePassPipeline(text, pm, stream)))
    return success();
  return module.emitError("`") << text << "` is not a pipeline: " << StringRef(error).rtrim();
}

static LogicalResult refuse(ModuleOp module, StringRef pipeline, StringRef options) {
  if (options.empty())
    return success();
  return module.emitError("the step is planned already: `")
         << pipeline << "` does not run, and its options `" << options << "` have no meaning";
}

static std::string getPlanOptions(const PrepareStepOptions &options) {
  SmallVector<StringRef> words;
  StringRef(options.plan).split(words, ' ', -1, /*KeepEmpty=*/false);
  auto isChip = [](StringRef word) { return word.starts_with("chip="); };
  if (!options.chip.empty() && llvm::none_of(words, isChip))
    return options.plan + (words.empty() ? "" : " ") + "chip=" + options.chip;
  return options.plan;
}

LogicalResult mlir::abn::addPreparation(OpPassManager &pm, ModuleOp module,
                                        const PrepareStepOptions &options) {
  Contents contents = inspect(module);
  if (contents.hasAten && failed(addPipeline(pm, module, "abn-import-aten", "")))
    return failure();
  if (contents.hasStableHlo && failed(addPipeline(pm, module, "abn-import-stablehlo", "")))
    return failure();
  bool isImported = contents.hasAten || contents.hasStableHlo;
  bool optimizes = isImported || (contents.hasTensors && !contents.isPlanned);
  bool plans = isImported || contents.hasTensors;
  if (failed(optimizes ? addPipeline(pm, module, "abn-optimize", options.optimize)
                       : refuse(module, "abn-optimize", options.optimize)))
    return failure();
  return plans ? addPipeline(pm, module, "abn-plan", getPlanOptions(options))
               : refuse(module, "abn-plan", options.plan);
}
