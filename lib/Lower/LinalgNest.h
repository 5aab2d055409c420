// The nests of convert-abn-to-linalg: linalg.generic on tensors. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_LINALGNEST_H
#define ABN_LIB_LOWER_LINALGNEST_H

#include "ChannelNest.h"

namespace mlir::abn {

class LinalgNest final : public ChannelNest {
public:
  /// Nests over the shape of `full`. Emits the number of positions per channel if it is dynamic.
  LinalgNest(OpBuilder &b, Location loc, Value full, int64_t channelDim);

  Value map(ArrayRef<Value> operands, Value out, Body body) override;
  /// In stages, from the innermost dimensions out, so that a sequential sum in f32 stays accurate.
  SmallVector<Value> sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) override;
  SmallVector<Value> perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits, Body body) override;
  void check(ArrayRef<Value> vectors, Condition condition, StringRef message) override;
  Value count(ScalarBuilder &s) override {
    return dynamicCount ? dynamicCount : s.constant(staticCount);
  }

private:
  Value emptyVector(Type elementType);
  /// The dimensions that each stage of a sum reduces, innermost first.
  SmallVector<SmallVector<unsigned>> getStages() const;
  /// One stage: sums over `reduced`, of `loops` (dimensions of the data). Operands are indexed by
  /// all of `loops` or, if of rank 1, by the channel.
  SmallVector<Value> sumStage(ArrayRef<Value> operands, ArrayRef<unsigned> loops,
                              ArrayRef<unsigned> reduced, ArrayRef<Value> inits, Body body);

  unsigned rank;
  double staticCount = 1.0;
  Value dynamicCount;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_LINALGNEST_H
