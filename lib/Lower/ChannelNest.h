// Loop nests over a tensor with a channel dimension, as linalg.generic: elementwise maps, sums over
// all but the channel, and arithmetic on per-channel vectors. Everything that convert-abn-to-linalg
// builds is one of the three. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_CHANNELNEST_H
#define ABN_LIB_LOWER_CHANNELNEST_H

#include "abn/ScalarBuilder.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::abn {

/// The elements at one iteration, by the tensor that they come from, in the compute type. They are
/// converted when first asked for, so that a destination that nobody asks for is not read.
class Elements {
public:
  Elements(OpBuilder &b, Location loc, Type computeType)
      : b(b), loc(loc), computeType(computeType) {}
  void add(Value tensor, Value element) { elements.insert({tensor, element}); }
  /// Null for a null tensor (an absent gamma or beta).
  Value operator()(Value tensor);
  SmallVector<Value> operator()(ValueRange tensors);

private:
  OpBuilder &b;
  Location loc;
  Type computeType;
  llvm::MapVector<Value, Value> elements;
};

class ChannelNest {
public:
  /// The values that one iteration yields, in the compute type.
  using Body = function_ref<SmallVector<Value>(ScalarBuilder &, Elements &)>;

  /// Nests over the shape of `full`. Emits the number of positions per channel if it is dynamic.
  ChannelNest(OpBuilder &b, Location loc, Value full, int64_t channelDim);

  /// f64 for f64 data, f32 otherwise: also the type of statistics.
  Type getComputeType() const { return computeType; }
  OpBuilder &getBuilder() { return b; }
  Location getLoc() const { return loc; }

  /// One value per position, written over `out`, which the body may read through its elements.
  /// Operands of rank 1 are per-channel; null ones are skipped.
  Value map(ArrayRef<Value> operands, Value out, Body body);

  /// Sums of `numSums` values over all positions of each channel, as per-channel tensors of the
  /// compute type. They are taken in stages, from the innermost dimensions out, so that a
  /// sequential sum in f32 stays accurate however many positions there are.
  SmallVector<Value> sum(ArrayRef<Value> operands, unsigned numSums, Body body);

  /// Arithmetic on per-channel vectors, into the inits; null ones are new tensors of the compute
  /// type.
  SmallVector<Value> perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits, Body body);

  /// Whether `condition` (an i1) holds for all channels: an i1 value.
  Value allChannels(ArrayRef<Value> vectors,
                    function_ref<Value(ScalarBuilder &, Elements &)> condition);

  /// The number of positions per channel, inside a body.
  Value count(ScalarBuilder &s) { return dynamicCount ? dynamicCount : s.constant(staticCount); }

private:
  Value emptyVector(Type elementType);
  /// The dimensions that each stage of a sum reduces, innermost first.
  SmallVector<SmallVector<unsigned>> getStages() const;
  /// One stage: sums over `reduced`, of `loops` (dimensions of the data). Operands are indexed by
  /// all of `loops` or, if of rank 1, by the channel.
  SmallVector<Value> sumStage(ArrayRef<Value> operands, ArrayRef<unsigned> loops,
                              ArrayRef<unsigned> reduced, ArrayRef<Value> inits, Body body);

  OpBuilder &b;
  Location loc;
  Value full;
  unsigned rank, channelDim;
  Type computeType;
  double staticCount = 1.0;
  Value dynamicCount;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CHANNELNEST_H
