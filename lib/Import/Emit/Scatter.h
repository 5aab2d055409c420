// Scatters as dense sums: out[p] = sum over b of [index(b) = p] * value(b). linalg has no scatter;
// comparing every pair costs (positions written) x (positions of an axis), which is small where
// networks use it, has a fixed order of summation, and fuses. Indices that run over different axes
// are summed one after the other, so that a resize's two indices cost the sum of both, not the
// product.
#ifndef ABN_LIB_IMPORT_EMIT_SCATTER_H
#define ABN_LIB_IMPORT_EMIT_SCATTER_H

#include "Emit.h"

namespace mlir::abn::emit {

/// A tensor whose axes have names.
struct LabelledValue {
  Value value;
  SmallVector<int64_t> labels;
};

/// One index tensor over axes `labels` (of the values that are scattered), which selects a position
/// of a new axis `newLabel` of `size` positions.
struct ScatterIndex {
  Value index;
  SmallVector<int64_t> labels;
  int64_t newLabel;
  int64_t size;
};

/// Replaces the axes that the indices run over by the axes that they select from.
LabelledValue emitScatterSum(ImplicitLocOpBuilder &b, LabelledValue values,
                             ArrayRef<ScatterIndex> indices, Type accumulator);

/// For each selected position the number of the last b that selects it, or -1: `space` names the
/// axes of b and their sizes, in row-major order. The result's axes are the indices' new ones, in
/// order. i64.
Value emitScatterWriter(ImplicitLocOpBuilder &b, ArrayRef<int64_t> spaceLabels,
                        ArrayRef<int64_t> spaceSizes, ArrayRef<ScatterIndex> indices);

/// The value with its axes in the given order.
Value emitOrdered(ImplicitLocOpBuilder &b, const LabelledValue &value, ArrayRef<int64_t> labels);

} // namespace mlir::abn::emit

#endif // ABN_LIB_IMPORT_EMIT_SCATTER_H
