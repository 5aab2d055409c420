// abn-report-memory: the bytes of a training step before and after, its plan and its arena, as JSON
// and as a page.
#include "MemoryPage.h"
#include "PlanReport.h"
#include "StepMemory.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Output/OutputFiles.h"
#include "abn/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::abn {
#define GEN_PASS_DEF_REPORTMEMORY
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// The whole report.
struct MemoryReport {
  std::string function;
  DictionaryAttr before;
  StepMemory after;
  int64_t argumentBytes = 0;
  /// abn.plan of the step, and of each of its versions by name if it has several.
  DictionaryAttr plan;
  SmallVector<std::pair<std::string, DictionaryAttr>> versions;
  std::optional<PlanReport> arena;
};
} // namespace

static int64_t getInt(DictionaryAttr dict, StringRef key) {
  auto attr = dict ? dict.getAs<IntegerAttr>(key) : IntegerAttr();
  return attr ? attr.getInt() : 0;
}

/// The version of a step that runs unless a gamma is too small; the step itself if it has only one.
static func::FuncOp getFirstVersion(func::FuncOp func) {
  auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr);
  auto first = versions && !versions.empty() ? dyn_cast<FlatSymbolRefAttr>(versions[0])
                                             : FlatSymbolRefAttr();
  auto found = first ? func->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(first.getAttr())
                     : func::FuncOp();
  return found ? found : func;
}

/// Fails without a diagnostic if `func` is no training step.
static FailureOr<MemoryReport> buildReport(func::FuncOp func, std::optional<int64_t> loss,
                                           int64_t dynamicSize) {
  MemoryReport report;
  report.function = func.getName().str();
  report.before = func->getAttrOfType<DictionaryAttr>(AbnDialect::kMemoryBeforeAttr);
  func::FuncOp version = getFirstVersion(func);
  if (auto recorded = version->getAttrOfType<DictionaryAttr>(AbnDialect::kMemoryAfterAttr)) {
    report.after = StepMemory::fromAttribute(recorded);
  } else {
    FailureOr<TrainingStep> step = TrainingStep::get(version, loss);
    if (failed(step))
      return failure();
    report.after = StepMemory::compute(*step, getDynamicSize(version, dynamicSize));
  }
  int64_t size = report.after.dynamicSize ? report.after.dynamicSize : kDefaultDynamicSize;
  for (BlockArgument argument : func.getArguments())
    if (!func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
      report.argumentBytes += getByteSize(argument.getType(), size);
  report.plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
  if (auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr))
    for (auto name : versions.getAsRange<FlatSymbolRefAttr>())
      if (auto other = func->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(name.getAttr()))
        report.versions.push_back(
            {name.getValue().str(), other->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr)});
  report.arena = PlanReport::compute(version);
  return report;
}

static void writeTensors(llvm::json::OStream &json, StringRef key, ArrayRef<SavedTensor> tensors) {
  json.attributeArray(key, [&] {
    for (const SavedTensor &tensor : tensors)
      json.object([&] {
        json.attribute("name", tensor.name);
        json.attribute("type", tensor.type);
        json.attribute("bytes", tensor.bytes);
      });
  });
}

static void writeChains(llvm::json::OStream &json, const MemoryReport &report) {
  json.attributeArray("chains", [&] {
    for (const ChainRow &row : report.after.chains)
      json.object([&] {
        json.attribute("name", row.name);
        json.attribute("location", row.location);
        json.attribute("channels", row.channels);
        json.attribute("type", row.type);
        json.attribute("activation", row.activation);
        json.attribute("strategy", row.strategy);
        if (!row.reason.empty())
          json.attribute("reason", row.reason);
        json.attribute("bytes", row.bytes);
        json.attribute("saved_bytes_before", row.savedBefore);
        json.attribute("saved_bytes_after", row.savedAfter);
      });
  });
}

/// The plan's numbers, as attributes of the object that is open.
static void writePlanFigures(llvm::json::OStream &json, DictionaryAttr plan) {
  for (StringRef key : {"numerics", "objective", "arena_formula"})
    if (auto text = plan.getAs<StringAttr>(key))
      json.attribute(key, text.getValue());
  for (StringRef key :
       {"arena_bytes", "max_live_bytes", "lower_bound_bytes", "plan_lower_bound_bytes",
        "recompute_bytes", "recompute_flops", "convolutions_recomputed", "dynamic_size"})
    if (auto number = plan.getAs<IntegerAttr>(key))
      json.attribute(key, number.getInt());
  if (auto symbols = plan.getAs<ArrayAttr>("arena_symbols"))
    json.attributeArray("arena_symbols", [&] {
      for (auto symbol : symbols.getAsRange<StringAttr>())
        json.value(symbol.getValue());
    });
}

static void writeReport(llvm::raw_ostream &os, const MemoryReport &report) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  // Without a record the graph is as it came.
  bool recorded = static_cast<bool>(report.before);
  StepMemory before = recorded ? StepMemory::fromAttribute(report.before) : report.after;
  json.object([&] {
    json.attribute("version", 2);
    json.attribute("function", report.function);
    json.attribute("batch_norms", static_cast<int64_t>(report.after.chains.size()));
    json.attribute("argument_bytes", report.argumentBytes);
    json.attribute("saved_bytes_before", before.savedBytes);
    json.attribute("saved_bytes_after", report.after.savedBytes);
    json.attribute("peak_live_bytes_before", before.peakLiveBytes);
    json.attribute("peak_live_bytes_after", report.after.peakLiveBytes);
    // What the plan's sizes are for it says itself.
    if (report.after.dynamicSize && !(report.plan && report.plan.contains("dynamic_size")))
      json.attribute("dynamic_size", report.after.dynamicSize);
    if (report.plan)
      writePlanFigures(json, report.plan);
    if (!report.versions.empty())
      json.attributeArray("versions", [&] {
        for (const auto &[name, plan] : report.versions)
          json.object([&, &name = name, &plan = plan] {
            json.attribute("function", name);
            if (plan)
              writePlanFigures(json, plan);
          });
      });
    writeChains(json, report);
    writeTensors(json, "saved_after", report.after.saved);
    writeTensors(json, "saved_before", recorded ? before.saved : ArrayRef<SavedTensor>());
    if (report.arena)
      report.arena->write(json, before.live);
  });
  os << "\n";
}

namespace {
struct ReportMemory : mlir::abn::impl::ReportMemoryBase<ReportMemory> {
  using ReportMemoryBase::ReportMemoryBase;

  void runOnOperation() override {
    func::FuncOp func = findFunction();
    if (!func)
      return signalPassFailure();
    FailureOr<std::optional<int64_t>> loss = readLossOption(func.getLoc(), lossResult);
    if (failed(loss))
      return signalPassFailure();
    if (failed(checkDynamicSize(func.getLoc(), dynamicSize, 0)))
      return signalPassFailure();
    // A step that has its record is not looked at again.
    if (isOutOfRange(*loss, func)) {
      emitError(func.getLoc()) << "expected the loss among the function's " << func.getNumResults()
                               << " results, got result " << **loss;
      return signalPassFailure();
    }
    FailureOr<MemoryReport> report = buildReport(func, *loss, dynamicSize);
    if (failed(report)) {
      emitError(func.getLoc()) << "expected a training step: a function of one block";
      return signalPassFailure();
    }
    warnOfSizes(func, *report);
    remark::analysis(func.getLoc(), remark::RemarkOpts::name("ReportMemory").category("abn"))
        << "bytes saved for the backward: " +
               std::to_string(report->before ? getInt(report->before, "saved_bytes")
                                             : report->after.savedBytes) +
               " before, " + std::to_string(report->after.savedBytes) + " after";
    std::string json, page;
    llvm::raw_string_ostream jsonStream(json), pageStream(page);
    writeReport(jsonStream, *report);
    if (!html.empty())
      writeMemoryPage(pageStream, json);
    // Not of the function: that would print all of it.
    if (llvm::Error error = ::abn::writeFiles({{output, json}, {html, page}}, "the report")) {
      emitError(func.getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  /// Sizes of different batches are not to be compared.
  static void warnOfSizes(func::FuncOp func, const MemoryReport &report) {
    int64_t before = getInt(report.before, "dynamic_size"), after = report.after.dynamicSize;
    if (before && after && before != after)
      emitWarning(func.getLoc()) << "dynamic dimensions count as " << before
                                 << " in what was saved before, as " << after
                                 << " after: give all passes the same `dynamic-size`";
  }

  /// Versions of a step and other private functions are reported with the one that calls them.
  bool isStep(func::FuncOp func) {
    if (func->hasAttr(AbnDialect::kVersionsAttr) || func->hasAttr(AbnDialect::kMemoryAfterAttr))
      return !func.isPrivate();
    FailureOr<TrainingStep> step = TrainingStep::get(func);
    return !func.isPrivate() && succeeded(step) && (step->getLossResult() || lossResult >= 0);
  }

  /// The function named by the option, else the only one that is a training step.
  func::FuncOp findFunction() {
    func::FuncOp found;
    unsigned steps = 0;
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (!function.empty()) {
        if (func.getName() == function)
          return func;
        continue;
      }
      if (!isStep(func))
        continue;
      ++steps;
      found = func;
    }
    if (steps == 1)
      return found;
    if (!function.empty())
      emitError(getOperation().getLoc()) << "there is no function `" << function << "`";
    else
      emitError(getOperation().getLoc())
          << "expected one function with a loss among its results, got " << steps
          << "; name one with the option `function`";
    return nullptr;
  }
};
} // namespace
