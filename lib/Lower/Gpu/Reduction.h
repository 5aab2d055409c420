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
  /// Whether the first number is how many samples there are: it need not be stored where that is
  /// known from the place.
  virtual bool startsWithCount() const { return false; }
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
  bool startsWithCount() const override { return true; }
  SmallVector<Value> merge(ScalarBuilder &s, ValueRange a, ValueRange b) const override;
};

/// By slot of a thread (NestKernel).
using States = SmallVector<SmallVector<Value>>;

/// The sums over the thread's vectors of the `numSums` numbers that `body` makes of each element,
/// on top of `initial`, by slot.
States sumThread(NestKernel &kernel, ArrayRef<Value> full, const NestKernel::ChannelValues &values,
                 const States &initial, ChannelNest::Body body, bool isFirstDone = false);

/// Adds each lane's terms to its slot's sums, slot by slot.
SmallVector<Value> addTerms(NestKernel &kernel, ArrayRef<SmallVector<Value>> terms,
                            ValueRange sums);

/// Merges the block's states and calls `emit` with each channel of the group and its state, in one
/// thread per channel. `buffers` are makeStateBuffers' that each thread is done with.
void mergeBlock(NestKernel &kernel, const Merge &merge, const States &states,
                llvm::function_ref<void(Value channel, Value inGroup, ValueRange state)> emit,
                ArrayRef<Value> buffers = {});

/// Workgroup buffers of a number for each slot of each thread, in the order of the threads, `count`
/// of them; none if the group is one channel.
SmallVector<Value> makeStateBuffers(NestKernel &kernel, unsigned count);
/// Writes one number of each slot to the thread's place in such a buffer.
void storeSlots(NestKernel &kernel, ArrayRef<Value> slots, Value buffer);
/// Reads one again, once `before` is known.
Value loadSlot(NestKernel &kernel, Value buffer, unsigned slot, Value before);

/// A sample of each channel of the group, from the block's first threads, to which the other
/// threads relate what they have.
struct Centers {
  Value buffer;
  /// Of a channel, by its number in the group.
  Value of(NestKernel &kernel, Value inGroup) const;
  /// Of a slot of this thread, loaded only once `before` is known.
  Value ofSlot(NestKernel &kernel, unsigned slot, Value before) const;

private:
  Value getPlace(NestKernel &kernel, Value inGroup) const;
};
/// Of what each thread has for its slots. Ends with a barrier.
Centers shareCenters(NestKernel &kernel, ArrayRef<Value> slots);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_REDUCTION_H
