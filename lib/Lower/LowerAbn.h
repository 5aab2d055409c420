// How each abn op is computed, as nests over its channels; one file for each group of ops. Private
// to lib/Lower.
#ifndef ABN_LIB_LOWER_LOWERABN_H
#define ABN_LIB_LOWER_LOWERABN_H

#include "ChannelNest.h"

namespace mlir::abn {

/// Emits what computes `op` and returns one value for each of its destinations; null for a result
/// on tensors that nobody uses. On memrefs they are the destinations themselves, and written.
SmallVector<Value> lowerAbnOp(ChannelNest &nest, Operation *op);

/// As lowerAbnOp, for one group of ops; nullopt for another's.
std::optional<SmallVector<Value>> lowerActivationOp(ChannelNest &nest, Operation *op);
std::optional<SmallVector<Value>> lowerBatchNormOp(ChannelNest &nest, Operation *op);
std::optional<SmallVector<Value>> lowerInplaceOp(ChannelNest &nest, Operation *op);

/// Whether somebody may read the op's result or destination `index`.
inline bool isNeeded(Operation *op, unsigned index) {
  return op->getNumResults() == 0 || !op->getResult(index).use_empty();
}

/// 1/sqrt(variance + epsilon).
inline Value inverseDeviation(ScalarBuilder &s, Value variance, double epsilon) {
  return s.div(s.constant(1.0), s.sqrt(s.add(variance, epsilon)));
}

/// lhs * rhs where a null rhs is 1.
inline Value mulIfPresent(ScalarBuilder &s, Value lhs, Value rhs) {
  return rhs ? s.mul(lhs, rhs) : lhs;
}

/// scale * ((x - center) - residue) + beta, inside a body.
Value normalize(ScalarBuilder &s, Elements &e, Value x, const BatchStatistics &statistics,
                Value beta);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_LOWERABN_H
