// Padding and cropping, which windows and convolutions need too.
#ifndef ABN_LIB_IMPORT_STABLEHLO_SLICES_H
#define ABN_LIB_IMPORT_STABLEHLO_SLICES_H

#include "HloOp.h"

namespace mlir::abn::hlo {

/// The padding of one value: `interior` positions between any two elements, then `low` and `high`
/// at the edges, which crop if negative.
struct PadSpec {
  SmallVector<int64_t> low, high, interior;

  explicit PadSpec(size_t rank) : low(rank, 0), high(rank, 0), interior(rank, 0) {}
  /// The padded shape.
  SmallVector<int64_t> shapeOf(ArrayRef<int64_t> from) const;
};

/// `value` padded with the rank-0 tensor `fill`.
Value emitPad(ImplicitLocOpBuilder &b, Value value, Value fill, const PadSpec &spec);
/// A rank-0 constant.
Value emitScalar(ImplicitLocOpBuilder &b, Type type, double value);
/// Its element, as a scalar that is defined outside of any region.
Value emitScalarValue(ImplicitLocOpBuilder &b, Value rankZero);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_SLICES_H
