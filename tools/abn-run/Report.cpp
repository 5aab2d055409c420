// The table and the JSON of a run; docs/Runtime.md describes both.
#include "Report.h"
#include "Inputs.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InterleavedRange.h"
#include "llvm/Support/JSON.h"
#include <cmath>

using namespace mlir::abn::run;
using llvm::format;
using llvm::json::Array;
using llvm::json::Object;
using Json = llvm::json::Value;

std::optional<bool> mlir::abn::run::isAsPlanned(const Findings &findings) {
  const Step &step = *findings.step;
  if (!step.arenaBytes || findings.target != "emulator" || !findings.outcome.error.empty())
    return std::nullopt;
  return llvm::is_contained(step.plannedBytes, int64_t(findings.outcome.stepBytes));
}

/// The emulator's report, or nothing.
static Object parseReport(const Findings &findings) {
  llvm::Expected<Json> value = llvm::json::parse(findings.outcome.report);
  if (!value) {
    llvm::consumeError(value.takeError());
    return Object();
  }
  return value->getAsObject() ? std::move(*value->getAsObject()) : Object();
}

static std::string printType(const Slot &slot) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : slot.type.getShape())
    os << (size < 0 ? "?" : std::to_string(size)) << 'x';
  os << slot.type.getElementType();
  return text;
}

//===----------------------------------------------------------------------===//
// For people
//===----------------------------------------------------------------------===//

static std::string label(const Slot &slot) {
  std::string text = slot.role;
  if (!slot.name.empty())
    text += (text.empty() ? "" : " ") + slot.name;
  return text.empty() ? printType(slot) : text;
}

static void printVerdict(llvm::raw_ostream &os, const Verdict &verdict) {
  os << format("%4u  %-44s", verdict.slot->index, label(*verdict.slot).c_str());
  double scale = std::max(verdict.scale, 1e-300);
  if (!verdict.isFloating)
    os << format("  %-35s", "integers");
  else
    os << format("  %9.2e  %11.2e  %11.2e", verdict.maxAbsoluteError, verdict.error / scale,
                 verdict.tolerance / scale);
  os << (verdict.agrees ? "  ok" : "  DIFFERS")
     << (verdict.isFloating && verdict.isDegenerate ? " (zero but for rounding)" : "") << '\n';
}

static void printVerdicts(llvm::raw_ostream &os, llvm::ArrayRef<Verdict> verdicts) {
  os << format("%4s  %-44s  %9s  %11s  %11s\n", "", "result", "max abs", "error / ref",
               "tolerance");
  size_t agreeing = 0;
  double worst = 0;
  for (const Verdict &verdict : verdicts) {
    printVerdict(os, verdict);
    agreeing += verdict.agrees;
    if (verdict.isFloating && !verdict.isDegenerate && verdict.scale > 0)
      worst = std::max(worst, verdict.error / verdict.scale);
  }
  os << agreeing << " of " << verdicts.size() << " results agree, worst relative error "
     << format("%.2e", worst) << '\n';
}

/// Without a reference: what came out.
static void printResults(llvm::raw_ostream &os, const Findings &findings) {
  os << format("%4s  %-44s  %12s  %12s\n", "", "result", "mean", "max abs");
  for (auto [slot, array] : llvm::zip(findings.step->results, findings.outcome.results)) {
    double sum = 0, largest = 0;
    for (int64_t i = 0, e = array.size(); i < e; ++i) {
      double value = getElement(array, i, slot.type.getElementType().isBF16());
      sum += value;
      // NaN stays.
      largest = std::abs(value) <= largest ? largest : std::abs(value);
    }
    os << format("%4u  %-44s  %12.5g  %12.5g\n", slot.index, label(slot).c_str(),
                 sum / double(std::max<int64_t>(array.size(), 1)), largest);
  }
}

void mlir::abn::run::printTable(llvm::raw_ostream &os, const Findings &findings) {
  if (!findings.verdicts.empty())
    printVerdicts(os, findings.verdicts);
  else if (findings.outcome.error.empty())
    printResults(os, findings);
  if (findings.target != "emulator" || !findings.outcome.error.empty())
    return;
  Object report = parseReport(findings);
  Object *total = report.getObject("total");
  Array *kernels = report.getArray("kernels");
  os << (total ? total->getInteger("launches").value_or(0) : 0) << " launches of "
     << (kernels ? kernels->size() : 0) << " kernels under " << findings.schedules.size()
     << (findings.schedules.size() == 1 ? " schedule" : " schedules") << ", detectors "
     << (findings.isInstrumented ? "on" : "off") << '\n'
     << findings.outcome.stepBytes << " bytes of device memory beside the arguments";
  std::optional<bool> asPlanned = isAsPlanned(findings);
  if (asPlanned && *asPlanned)
    os << ", as planned";
  else if (asPlanned)
    os << ", planned: " << llvm::interleaved(findings.step->plannedBytes, " or ");
  os << '\n';
}

//===----------------------------------------------------------------------===//
// For programs
//===----------------------------------------------------------------------===//

/// JSON has no NaN and no infinity.
static Json toJson(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

static Object toJson(const Verdict &verdict) {
  Object object{{"agrees", verdict.agrees}, {"unequal_elements", verdict.unequal}};
  if (!verdict.problem.empty())
    object["problem"] = verdict.problem;
  if (!verdict.isFloating)
    return object;
  object["max_absolute_error"] = toJson(verdict.maxAbsoluteError);
  object["error"] = toJson(verdict.error);
  object["tolerance"] = toJson(verdict.tolerance);
  object["scale"] = toJson(verdict.scale);
  object["degenerate"] = verdict.isDegenerate;
  if (verdict.nativeError)
    object["native_error"] = toJson(*verdict.nativeError);
  return object;
}

static Array getResults(const Findings &findings) {
  Array results;
  for (const Slot &slot : findings.step->results) {
    Object object{{"index", slot.index}, {"type", printType(slot)}};
    if (!slot.name.empty())
      object["name"] = slot.name;
    if (!slot.role.empty())
      object["role"] = slot.role;
    if (slot.index < findings.verdicts.size())
      object["comparison"] = toJson(findings.verdicts[slot.index]);
    results.push_back(std::move(object));
  }
  return results;
}

static Object getMemory(const Findings &findings) {
  const Step &step = *findings.step;
  Object memory{{"argument_bytes", int64_t(findings.outcome.argumentBytes)}};
  if (step.arenaBytes) {
    memory["arena_bytes"] = *step.arenaBytes;
    memory["planned_bytes"] = Array(step.plannedBytes);
  }
  if (findings.target == "emulator")
    memory["step_bytes"] = int64_t(findings.outcome.stepBytes);
  if (std::optional<bool> asPlanned = isAsPlanned(findings))
    memory["as_planned"] = *asPlanned;
  return memory;
}

std::string mlir::abn::run::printJson(const Findings &findings) {
  Array schedules, problems;
  for (const Schedule &schedule : findings.schedules)
    schedules.push_back(schedule.name());
  for (const std::string &problem : findings.problems)
    problems.push_back(problem);
  Object root{{"function", findings.step->function}, {"input", findings.step->stage},
              {"target", findings.target},           {"chip", findings.chip},
              {"passed", findings.problems.empty()}, {"problems", std::move(problems)},
              {"results", getResults(findings)},     {"memory", getMemory(findings)}};
  if (findings.target == "emulator") {
    Object report = parseReport(findings);
    root["schedules"] = std::move(schedules);
    root["instrumented"] = findings.isInstrumented;
    if (Array *kernels = report.getArray("kernels"))
      for (Json &kernel : *kernels)
        if (Object *object = kernel.getAsObject())
          object->erase("sites");
    for (StringRef key : {"errors", "kernels", "total"})
      if (Json *value = report.get(key))
        root[key] = std::move(*value);
  }
  return llvm::formatv("{0:2}\n", Json(std::move(root))).str();
}
