// What gathers and scatters share: a tensor of index vectors, one per position of a batch, each of
// which says where a slice of the operand starts.
#ifndef ABN_LIB_IMPORT_STABLEHLO_INDEXVECTORS_H
#define ABN_LIB_IMPORT_STABLEHLO_INDEXVECTORS_H

#include "HloOp.h"

namespace mlir::abn::hlo {

struct IndexVectors {
  /// Per indexed dimension of the operand, the tensor of its starts, of the batch's shape.
  SmallVector<Value> starts;
  /// The operand dimensions that they index.
  SmallVector<int64_t> indexed;
  SmallVector<int64_t> batchShape;
  /// Operand dimensions that go along with a dimension of the batch: pairs of both numbers, the
  /// second counted in the batch.
  SmallVector<std::pair<int64_t, int64_t>> along;

  /// `batching`: operand dimensions and the dimensions of `indices` that they go along with.
  static FailureOr<IndexVectors> read(HloOp &op, Value indices, int64_t vectorDim,
                                      ArrayRef<int64_t> indexed, ArrayRef<int64_t> operandBatching,
                                      ArrayRef<int64_t> indexBatching, RankedTensorType operand);
};

/// The dimensions below `rank` that are not in `dims`.
SmallVector<int64_t> otherDims(int64_t rank, ArrayRef<int64_t> dims);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_INDEXVECTORS_H
