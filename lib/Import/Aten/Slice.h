// What `slice`, `slice_backward` and `slice_scatter` read alike.
#ifndef ABN_LIB_IMPORT_ATEN_SLICE_H
#define ABN_LIB_IMPORT_ATEN_SLICE_H

#include "AtenOp.h"

namespace mlir::abn::aten {

/// Positions start, start + step, ... (length of them) of dimension `dim`.
struct SliceRange {
  int64_t dim, start, length, step;
};

/// Reads `dim`, `start`, `end` and `step` for a tensor of `shape`; an empty range is an error.
FailureOr<SliceRange> readSlice(AtenOp &op, ArrayRef<int64_t> shape);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_SLICE_H
