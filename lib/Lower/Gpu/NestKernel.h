// A kernel over one group of channels per block: where its threads are in the tensor, what they
// read there, and the loops over their vectors. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_NESTKERNEL_H
#define ABN_LIB_LOWER_GPU_NESTKERNEL_H

#include "ChannelTemplate.h"
#include "KernelBuilder.h"
#include "Tiling.h"

namespace mlir::abn {

/// What all kernels of one op share.
struct NestContext {
  OpBuilder &host;
  Location loc;
  KernelModule &kernels;
  const Chip &chip;
  NestShape shape;
  Type computeType;
  /// The host's extent of the outer dimensions if it is dynamic, else null.
  Value outer;
  ChannelTemplate &channels;
};

class NestKernel : public KernelBuilder {
public:
  /// Blocks walk one of `splits` parts of a group.
  NestKernel(const NestContext &context, const Tiling &tiling, int64_t splits);

  void launch(StringRef stem);

  /// The terms of one position, from the elements there.
  using Body = ChannelNest::Body;

  /// For each of the thread's vectors, carrying values: `body` gets the lanes of each of `full` and
  /// the carried values.
  using Lanes = llvm::MapVector<Value, SmallVector<Value>>;
  using VectorBody = llvm::function_ref<SmallVector<Value>(Lanes &, ValueRange)>;
  SmallVector<Value> forEachVector(ArrayRef<Value> full, ValueRange initial, VectorBody body,
                                   bool isFirstDone = false);

  /// The lanes of the thread's first vector, which forEachVector then leaves out if told so.
  Lanes loadFirst(ArrayRef<Value> full);
  Value hasVectors() { return isLess(begin, end); }

  /// Numbers that belong to the channels of a thread's lanes, one for each of `keys`.
  struct ChannelValues {
    SmallVector<Value> keys;
    /// By slot, in registers; none if each lane has a channel of its own.
    SmallVector<SmallVector<Value>> slots;
    /// By key, in workgroup memory, lane by lane: as many as lanes would fill the registers. The
    /// thread's are number `index` of `count` (placeOfSlot); null if there are none.
    SmallVector<Value> buffers;
    Value index;
    int64_t count = 0;
  };
  /// Evaluates `body` at each lane of a vector, with `values` by their keys.
  SmallVector<SmallVector<Value>> evaluate(Lanes &lanes, const ChannelValues &values, Body body);
  /// The elements of per-channel operands: rank 1 memrefs, or own values of the template.
  ChannelValues readChannels(ArrayRef<Value> vectors);
  /// Those of one channel.
  SmallVector<Value> readChannel(ArrayRef<Value> vectors, Value channel);
  /// Writes the channel's element of a per-channel result.
  void storeChannel(Value value, Value memref, Value channel);

  // Slots: the channels that a thread has sums of. One if all lanes of a vector have one channel;
  // two if a row of a channel is longer than a vector, whose lanes then have at most two channels;
  // else one for each lane.
  unsigned numSlots() const;
  bool hasSlotPerLane() const {
    return tiling.isColumnwise() && context.shape.inner < tiling.vector;
  }
  /// Where a slot of the `index`-th of `count` threads is in workgroup memory: beside that of the
  /// next thread, so that neighbours meet different banks.
  Value placeOfSlot(Value index, Value slot, int64_t count);
  /// Asks for few registers if the kernel's `numSums` per slot are many, but not so many that they
  /// would not fit: what streams needs threads more.
  void boundRegisters(unsigned numSums);
  /// For each slot the sum of its lanes' numbers.
  SmallVector<Value> addBySlot(ScalarBuilder &s, ArrayRef<Value> lanes);
  /// How many lanes a slot has.
  Value numLanes(unsigned slot);
  /// The channel of a slot, by its number in the group.
  Value channelOf(unsigned slot);

  /// Writes out(position) = body(position) for all of the thread's vectors.
  void map(ArrayRef<Value> full, ArrayRef<Value> vectors, Value out, Body body);

  /// Keeps what forEachVector reads of `full` in workgroup memory, or reads it from there.
  void keep(ArrayRef<Value> full);
  bool keeps(Value full) const { return kept.contains(full); }

  // Where the thread is.
  const Tiling &getTiling() const { return tiling; }
  const NestContext &getContext() const { return context; }
  Value group() { return groupNumber; }
  Value split() { return splitNumber; }
  /// Vectors that this thread walks, or another one with columns in the tensor.
  Value numVectors() { return numVectors(begin, end); }
  Value numVectors(Value thread) { return numVectors(add(partBegin, thread), partEnd); }
  /// Whether this thread has columns in the tensor.
  Value isActive();
  /// The first vector of this thread in its part, as a column of the group.
  Value column() { return firstColumn; }
  /// The channels of this group: the first, and how many.
  Value firstChannel() { return mul(groupNumber, integer(tiling.channelsPerGroup)); }
  Value numChannels();
  /// Deals them out to the block's threads.
  void forEachChannel(llvm::function_ref<void(Value channel, Value inGroup)> body);
  Value countPerChannel(Type type);
  Value hostArgument(Value value) { return argument(context.host, value); }

private:
  Value numVectors(Value from, Value to);
  Value isInFirstSlot(unsigned lane);
  Value getChannelValue(const ChannelValues &values, unsigned index, unsigned lane, Value place);
  Value channelAt(Value place);
  Value offsetOf(Value number);
  /// How a thread goes through its vectors.
  struct Walk {
    Value from, to;
    int64_t step;
  };
  Walk getWalk();
  bool walksOffsets() const { return tiling.isColumnwise() && kept.empty(); }
  Value offsetAt(Value position) { return walksOffsets() ? position : offsetOf(position); }
  Lanes loadLanes(ArrayRef<Value> full, Value position, bool isKeeping);
  Value rowsOuter();

  const NestContext &context;
  Tiling tiling;
  int64_t splits;
  Value groupNumber, splitNumber, firstColumn, partBegin, partEnd, begin, end;
  llvm::MapVector<Value, Value> kept; // workgroup buffers by memref
  bool isFilled = false;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_NESTKERNEL_H
