// Counts the bytes of a training step: what crosses from forward to backward, and the peak of live
// bytes over the given order.
#ifndef ABN_ANALYSIS_MEMORYCENSUS_H
#define ABN_ANALYSIS_MEMORYCENSUS_H

#include "abn/Analysis/TrainingStep.h"

namespace mlir::abn {

/// The census of one function. A value crosses if the forward computes it (it is no argument and
/// no constant) and a backward op reads it; a view counts as its base, once.
struct MemoryCensus {
  /// The values that cross, in program order.
  SmallVector<Value> saved;
  /// The sum of their bytes.
  int64_t savedBytes = 0;
  /// The largest sum of bytes that are live at one op, arguments and constants apart. A value is
  /// live from its op to its last reader, or to the end if it is returned; an op in destination
  /// style takes over a destination that dies with it.
  int64_t peakLiveBytes = 0;
  /// The bytes live at each op of the block, the terminator included.
  SmallVector<int64_t> liveBytes;

  /// Dynamic dimensions count as `dynamicSize`.
  static MemoryCensus compute(const TrainingStep &step, int64_t dynamicSize);
};

/// Leaves the census of `func` as it is now on the function, as the attribute `abn.memory_before`:
/// a dictionary of `saved_bytes`, `peak_live_bytes`, `batch_norms`, `saved`, an array of
/// {name, type, bytes}, and `live`, the bytes live along the step (see sampleTimeline); where there
/// are dynamic dimensions, `dynamic_size`, what they count as. Does nothing if the attribute is
/// there or the function is not one block.
void recordMemoryBefore(func::FuncOp func, std::optional<int64_t> lossResult = {},
                        ViewPredicate isView = isGraphView,
                        int64_t dynamicSize = kDefaultDynamicSize);

/// Whether a value of the step has a dynamic dimension.
bool hasDynamicSizes(func::FuncOp func);

/// At most 512 points of a timeline: each the largest of the ops that it stands for.
SmallVector<int64_t> sampleTimeline(ArrayRef<int64_t> live);

/// What reports call a value: its location, or the argument's `abn.name`.
std::string describeValue(Value value);

} // namespace mlir::abn

#endif // ABN_ANALYSIS_MEMORYCENSUS_H
