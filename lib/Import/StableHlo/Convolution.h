// One convolution of the graph, read and checked, and the forms that it can be raised to.
#ifndef ABN_LIB_IMPORT_STABLEHLO_CONVOLUTION_H
#define ABN_LIB_IMPORT_STABLEHLO_CONVOLUTION_H

#include "DimensionNumbers.h"
#include "dnn/DnnDialect.h"

namespace mlir::abn::hlo {

/// Spatial lists are in the order of the spatial labels. Shapes fit each other.
struct Convolution {
  ConvolutionDims dims;
  SmallVector<int64_t> strides, low, high, inputDilations, filterDilations;
  int64_t featureGroups = 1, batchGroups = 1;
  Value input, filter;
  /// Whether the window is `filter` turned around along all spatial dimensions.
  bool flipped = false;

  static FailureOr<Convolution> read(HloOp &op);
  size_t numSpatial() const { return strides.size(); }
};

/// Each gives null if the convolution is not of its kind: a plain one, ...
Value raiseForward(HloOp &op, const Convolution &conv);
/// ... one of the output gradient spread by the forward's strides with the flipped filter, ...
Value raiseInputGrad(HloOp &op, const Convolution &conv);
/// ... one of the input whose window is the output gradient.
Value raiseWeightGrad(HloOp &op, const Convolution &conv);
/// Any convolution, as a linalg.generic over the padded input.
Value emitGeneralConvolution(HloOp &op, const Convolution &conv);

/// `filter` turned around along its spatial dimensions.
Value emitFlip(HloOp &op, Value filter, const ConvolutionLayout &layout);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_CONVOLUTION_H
