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

  /// For each of the thread's vectors, carrying values: `body` gets the number of the vector in the
  /// group, the lanes of each of `full` and the carried values.
  using Lanes = llvm::MapVector<Value, SmallVector<Value>>;
  using VectorBody = llvm::function_ref<SmallVector<Value>(Value, Lanes &, ValueRange)>;
  SmallVector<Value> forEachVector(ArrayRef<Value> full, ValueRange initial, VectorBody body);

  /// Evaluates `body` at each lane of a vector. `perChannel` holds the elements of the per-channel
  /// operands, by lane (one for all if the group is one channel).
  SmallVector<SmallVector<Value>> evaluate(Lanes &lanes, ArrayRef<SmallVector<Value>> perChannel,
                                           ArrayRef<Value> vectors, Body body);
  /// The elements of per-channel operands (rank 1 memrefs, or own values of the template) for each
  /// lane that has a channel of its own.
  SmallVector<SmallVector<Value>> readChannels(ArrayRef<Value> vectors);
  /// Those of one channel.
  SmallVector<Value> readChannel(ArrayRef<Value> vectors, Value channel);

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
  /// Vectors that this thread walks.
  Value numVectors();
  /// Whether this thread has columns in the tensor.
  Value isActive();
  /// The first vector of this thread in its part, as a column of the group.
  Value column() { return firstColumn; }
  /// How many lanes have sums of their own: all, or one if the group is one channel.
  unsigned numOwnLanes() const { return tiling.isColumnwise() ? tiling.vector : 1; }
  Value countPerChannel(Type type);
  Value hostArgument(Value value) { return argument(context.host, value); }

private:
  Value offsetOf(Value number);
  Lanes loadLanes(ArrayRef<Value> full, Value number, bool isKeeping);
  Value rowsOuter();

  const NestContext &context;
  Tiling tiling;
  int64_t splits;
  Value groupNumber, splitNumber, firstColumn, begin, end;
  llvm::MapVector<Value, Value> kept; // workgroup buffers by memref
  bool isFilled = false;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_NESTKERNEL_H
