// Per-channel reductions of a nest: what a thread accumulates, how the threads of a block and the
// parts of a group are merged, in a fixed order and without atomics. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_REDUCTION_H
#define ABN_LIB_LOWER_GPU_REDUCTION_H

#include "NestKernel.h"

namespace mlir::abn {

/// A commutative merge of states of `size()` numbers, of which all zeros is the empty one.
class Merge {
public:
  virtual ~Merge() = default;
  virtual unsigned size() const = 0;
  virtual SmallVector<Value> merge(ScalarBuilder &s, ValueRange a, ValueRange b) const = 0;
};

/// Independent sums.
class SumMerge final : public Merge {
public:
  explicit SumMerge(unsigned numSums) : numSums(numSums) {}
  unsigned size() const override { return numSums; }
  SmallVector<Value> merge(ScalarBuilder &s, ValueRange a, ValueRange b) const override;

private:
  unsigned numSums;
};

/// The count, mean and sum of squared deviations of samples (Chan, Golub and LeVeque, 1979,
/// equation 2.1). Means are relative to a center that all samples of a channel share.
class MomentMerge final : public Merge {
public:
  unsigned size() const override { return 3; }
  SmallVector<Value> merge(ScalarBuilder &s, ValueRange a, ValueRange b) const override;
};

/// Merges the block's states, one list per own lane, and calls `emit` with each channel of the
/// group and its state, in one thread per channel.
void mergeBlock(NestKernel &kernel, const Merge &merge, ArrayRef<SmallVector<Value>> states,
                llvm::function_ref<void(Value channel, Value inGroup, ValueRange state)> emit);

/// For each own lane, the value that the first thread with vectors of the lane's channel holds in
/// `values`; and a way to read it again by the channel's number in the group.
struct Centers {
  SmallVector<Value> own;
  Value buffer;
  /// Of a channel, by its number in the group.
  Value of(NestKernel &kernel, Value inGroup) const;
};
Centers shareCenters(NestKernel &kernel, ArrayRef<Value> values);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_REDUCTION_H
