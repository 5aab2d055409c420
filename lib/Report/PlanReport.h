// What a report says of a step whose buffers lie in an arena. Private to lib/Report.
#ifndef ABN_LIB_REPORT_PLANREPORT_H
#define ABN_LIB_REPORT_PLANREPORT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::abn {

/// One buffer of the arena.
struct BufferRow {
  std::string name, location, type, kind, aliveBecause;
  int64_t bytes = 0, offset = 0;
  unsigned lower = 0, upper = 0; // steps, inclusive
};

/// One op of the schedule.
struct StepRow {
  std::string op, location;
  bool isBackward = false, isRecomputed = false;
};

struct PlanReport {
  std::vector<StepRow> steps;
  std::vector<BufferRow> buffers;
  /// Bytes live at each step.
  std::vector<int64_t> live;
  unsigned peakStep = 0, backwardFrom = 0;
  /// Four numbers for each plan of the curve: abn.plan's.
  SmallVector<int64_t> curve;
  int64_t chosen = 0;

  /// Of a function whose arena has been materialized; nullopt if it has none.
  static std::optional<PlanReport> compute(func::FuncOp func);

  /// Writes the object `plan` (docs/Report.md). `before` is the timeline of the step as it came.
  void write(llvm::json::OStream &json, ArrayRef<int64_t> before) const;
};

} // namespace mlir::abn

#endif // ABN_LIB_REPORT_PLANREPORT_H
