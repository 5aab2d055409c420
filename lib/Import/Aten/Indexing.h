// What indexed reads and writes read alike.
#ifndef ABN_LIB_IMPORT_ATEN_INDEXING_H
#define ABN_LIB_IMPORT_ATEN_INDEXING_H

#include "AtenOp.h"

namespace mlir::abn::aten {

class Registry;

/// The meaning of a list of index tensors, some of them None, for a tensor: advanced indexing.
struct IndexSpace {
  /// The dimensions that are indexed, with their index tensors, which broadcast to `sizes`.
  SmallVector<int64_t> dims;
  SmallVector<Value> indices;
  SmallVector<int64_t> sizes;
  /// The dimensions that are not, in order.
  SmallVector<int64_t> keptDims;
  /// The result: `position` kept dimensions, then `sizes`, then the other kept dimensions.
  int64_t position = 0;
  SmallVector<int64_t> resultShape;
};

/// Reads `indices` for a tensor of `shape`.
FailureOr<IndexSpace> readIndexSpace(AtenOp &op, ArrayRef<int64_t> shape);

/// Checks gather's and scatter's `index`: of the tensor's rank, and no larger but along `dim`.
LogicalResult checkGatherIndex(AtenOp &op, RankedTensorType type, int64_t dim);

void addScatters(Registry &registry);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_INDEXING_H
