// What windows share: reading them, and the pools of dnn that they are.
#ifndef ABN_LIB_IMPORT_STABLEHLO_POOLING_H
#define ABN_LIB_IMPORT_STABLEHLO_POOLING_H

#include "HloOp.h"
#include "dnn/DnnDialect.h"

namespace mlir::abn::hlo {

/// A window over all dimensions of a tensor, as reduce_window and select_and_scatter have it.
struct Window {
  SmallVector<int64_t> sizes, strides, baseDilations, dilations, low, high;

  /// Reads and checks the attributes for an operand of `shape`.
  static FailureOr<Window> read(HloOp &op, ArrayRef<int64_t> shape);
  /// The shape of what the windows give.
  SmallVector<int64_t> outputShape(ArrayRef<int64_t> shape) const;
  bool isDilated() const;
};

/// The window as a pool's parameters: none if it covers batch and channels, has no spatial
/// dimension or more than three, dilates its base or crops.
std::optional<dnn::PoolParams> asPool(const Window &window, RankedTensorType type);

/// The pool of the same input and parameters in front of `op`, so that a gradient shares its
/// indices; null if there is none.
dnn::MaxPoolOp findMaxPool(Value input, const dnn::PoolParams &params, Operation *op);

/// A division of a window sum by one number as an average pool of that divisor; null if `op`, a
/// stablehlo.divide, is none.
Value foldDivisorIntoPool(HloOp &op);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_POOLING_H
