// Loop nests over a tensor or memref with a channel dimension: elementwise maps, sums over all but
// the channel, and arithmetic on per-channel vectors. Every abn op is lowered as some of them
// (LowerAbn.h), once for all targets: LinalgNest builds linalg on tensors, KernelNest gpu kernels
// on memrefs. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_CHANNELNEST_H
#define ABN_LIB_LOWER_CHANNELNEST_H

#include "abn/AbnDialect.h"
#include "abn/ScalarBuilder.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::abn {

/// The elements at one iteration, by the tensor or memref that they come from, in the compute type.
/// They are converted when first asked for, so that a destination that nobody asks for is not read.
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

/// The batch's statistics and what the normalisation needs of them, per channel. The mean comes in
/// two parts, a rounded one and the mean of what is left: where |mean| is much larger than the
/// deviation their sum would round, and xhat would not sum to 0.
struct BatchStatistics {
  Value mean, variance;  // the op's results
  Value center, residue; // mean = center + residue
  Value scale;           // gamma / sqrt(variance + epsilon)
};

/// What an op's statistics are taken of, and where they go.
struct StatisticsRequest {
  Value x, gamma; // gamma is null if absent
  double epsilon;
  Value meanInit, varianceInit;
  /// Emits the factor that is used for gamma's element, null if it is 1.
  llvm::function_ref<Value(ScalarBuilder &, Value)> effectiveGamma;
};

class ChannelNest {
public:
  /// The values that one iteration yields, in the compute type.
  using Body = llvm::function_ref<SmallVector<Value>(ScalarBuilder &, Elements &)>;
  /// An i1.
  using Condition = llvm::function_ref<Value(ScalarBuilder &, Elements &)>;

  ChannelNest(OpBuilder &b, Location loc, Value full, int64_t channelDim)
      : b(b), loc(loc), full(full), channelDim(channelDim),
        computeType(getStatisticsType(getElementTypeOrSelf(full.getType()))) {}
  virtual ~ChannelNest() = default;

  /// f64 for f64 data, f32 otherwise: also the type of statistics.
  Type getComputeType() const { return computeType; }
  OpBuilder &getBuilder() { return b; }
  Location getLoc() const { return loc; }

  /// One value per position, written over `out`, which the body may read through its elements.
  /// Operands of rank 1 are per-channel; null ones are skipped.
  virtual Value map(ArrayRef<Value> operands, Value out, Body body) = 0;

  /// Sums of as many values as there are `inits` over all positions of each channel, per channel,
  /// in the compute type. Where they are memrefs they are written to the inits; null ones are new.
  /// The sums are accurate however many positions there are: not one running sum.
  virtual SmallVector<Value> sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) = 0;

  /// Arithmetic on per-channel vectors, into the inits; null ones are new vectors of the compute
  /// type.
  virtual SmallVector<Value> perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits,
                                        Body body) = 0;

  /// Stops the program with `message` unless `condition` holds for all channels.
  virtual void check(ArrayRef<Value> vectors, Condition condition, StringRef message) = 0;

  /// The batch's statistics. Unless a nest knows better, two passes over x: its sum, then the sums
  /// of x - center and its square (the corrected two-pass algorithm of Chan, Golub and LeVeque,
  /// 1983).
  virtual BatchStatistics takeStatistics(const StatisticsRequest &request);

  /// The number of positions per channel, inside a body.
  virtual Value count(ScalarBuilder &s) = 0;

protected:
  OpBuilder &b;
  Location loc;
  Value full;
  unsigned channelDim;
  Type computeType;
};

/// Each value once, without the null ones: an op may get one value as gamma and beta.
SmallVector<Value> dropNull(ArrayRef<Value> values);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CHANNELNEST_H
