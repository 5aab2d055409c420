// What a run found: a table for people, JSON for programs.
#ifndef ABN_TOOLS_ABN_RUN_REPORT_H
#define ABN_TOOLS_ABN_RUN_REPORT_H

#include "Compare.h"
#include "Execution.h"
#include "Target.h"

namespace mlir::abn::run {

/// All that is reported. No times and no paths: equal runs give equal reports.
struct Findings {
  const Step *step = nullptr;
  std::string target, chip;
  bool isInstrumented = false;
  std::vector<Schedule> schedules;
  /// Of the first schedule, or of the one that failed.
  Outcome outcome;
  std::vector<Verdict> verdicts;
  /// What is wrong, in the order in which it was found; empty: nothing is.
  std::vector<std::string> problems;
};

/// Whether the step took its arena and its constants of the device, and no more; nothing if the
/// plan or the target does not say.
std::optional<bool> isAsPlanned(const Findings &findings);

void printTable(llvm::raw_ostream &os, const Findings &findings);
std::string printJson(const Findings &findings);

} // namespace mlir::abn::run

#endif // ABN_TOOLS_ABN_RUN_REPORT_H
