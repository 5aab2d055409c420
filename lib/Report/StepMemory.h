// What a report says of a step on tensors: its chains, what crosses to the backward, what is live.
// Can be left on the function, for the report of a step that has buffers by then. Private to
// lib/Report.
#ifndef ABN_LIB_REPORT_STEPMEMORY_H
#define ABN_LIB_REPORT_STEPMEMORY_H

#include "abn/Analysis/TrainingStep.h"

namespace mlir::abn {

/// One batch norm with its activation as the report shows it.
struct ChainRow {
  std::string name, location, activation, strategy, reason, type;
  int64_t channels = 0, bytes = 0, savedBefore = 0, savedAfter = 0;
};

/// A value that crosses from forward to backward.
struct SavedTensor {
  std::string name, type;
  int64_t bytes = 0;
};

struct StepMemory {
  int64_t savedBytes = 0, peakLiveBytes = 0;
  SmallVector<SavedTensor> saved;
  SmallVector<ChainRow> chains;
  SmallVector<int64_t> live;

  /// What dynamic dimensions count as; 0 if there are none.
  int64_t dynamicSize = 0;

  /// The step as it is now.
  static StepMemory compute(const TrainingStep &step, int64_t dynamicSize);

  /// As a function attribute, and back; what the attribute does not have is empty.
  DictionaryAttr toAttribute(MLIRContext *context) const;
  static StepMemory fromAttribute(DictionaryAttr attribute);
};

} // namespace mlir::abn

#endif // ABN_LIB_REPORT_STEPMEMORY_H
