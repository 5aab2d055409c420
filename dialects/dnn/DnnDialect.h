// Declarations of the dnn dialect: enumerations, ops, shape inference and convenience builders.
#ifndef DNN_DNNDIALECT_H
#define DNN_DNNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dnn/DnnDialect.h.inc"
#include "dnn/DnnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dnn/DnnAttrs.h.inc"

namespace mlir {
class DialectRegistry;
namespace dnn {

/// The attributes of a convolution and of its two gradients. One entry per spatial dimension.
struct ConvolutionParams {
  SmallVector<int64_t> strides;
  SmallVector<int64_t> paddingLow;
  SmallVector<int64_t> paddingHigh;
  SmallVector<int64_t> dilations;
  int64_t groups = 1;
  Layout layout = Layout::ChannelsFirst;
};

/// The attributes of a pool and of its gradient. An average pool's dilations are 1.
struct PoolParams {
  SmallVector<int64_t> kernelSize;
  SmallVector<int64_t> strides;
  SmallVector<int64_t> paddingLow;
  SmallVector<int64_t> paddingHigh;
  SmallVector<int64_t> dilations;
  Layout layout = Layout::ChannelsFirst;
  /// Average pools only.
  bool countIncludePad = false;
  std::optional<int64_t> divisorOverride;
};

/// The attributes of a resize and of its gradient. `scales` is empty or has one source/destination
/// ratio per spatial dimension.
struct ResizeParams {
  ResizeMode mode = ResizeMode::Nearest;
  Coordinates coordinates = Coordinates::Asymmetric;
  SmallVector<double> scales;
  Layout layout = Layout::ChannelsFirst;
};

/// Starts a diagnostic; the functions below call it at most once.
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

/// The channel dimension of a full-size operand, and the dimension of a filter that holds the
/// channels of one group.
inline int64_t getChannelDim(Layout layout, int64_t rank) {
  return layout == Layout::ChannelsFirst ? 1 : rank - 1;
}

/// The `i`-th spatial dimension of a full-size operand or of a filter.
inline int64_t getSpatialDim(Layout layout, int64_t i) {
  return i + (layout == Layout::ChannelsFirst ? 2 : 1);
}

//===----------------------------------------------------------------------===//
// Shape inference
//===----------------------------------------------------------------------===//
// Shapes may hold ShapedType::kDynamic; what follows from a dynamic size is dynamic. Each function
// checks everything that it reads (constraints c3, c4, c5, c7 of the dialect) and fails with a
// diagnostic from `emitError`.

/// The shape of `dnn.convolution`'s result.
FailureOr<SmallVector<int64_t>> inferConvolutionShape(ArrayRef<int64_t> input,
                                                      ArrayRef<int64_t> filter,
                                                      const ConvolutionParams &params,
                                                      EmitError emitError);

/// The shape of a transposed convolution's result, i.e. of `dnn.convolution_input_grad`'s, with
/// `outputPadding` more positions per axis than the smallest input that gives `outputGrad`.
FailureOr<SmallVector<int64_t>> inferTransposedConvolutionShape(ArrayRef<int64_t> outputGrad,
                                                                ArrayRef<int64_t> filter,
                                                                ArrayRef<int64_t> outputPadding,
                                                                const ConvolutionParams &params,
                                                                EmitError emitError);

/// The shape of a pool's result. With `ceilMode` sizes are rounded up, less one where the last
/// window would start behind the input and the low padding (as in PyTorch).
FailureOr<SmallVector<int64_t>> inferPoolShape(ArrayRef<int64_t> input, const PoolParams &params,
                                               bool ceilMode, EmitError emitError);

//===----------------------------------------------------------------------===//
// Builders
//===----------------------------------------------------------------------===//
// They create the op with a tensor.empty destination of the right, possibly dynamic, shape. The
// ones that infer that shape fail with a diagnostic at `loc`. Gradients take the destination's
// sizes, e.g. tensor::getMixedSizes of the forward operand. All operands are ranked tensors of rank
// 3 to 5.

FailureOr<Value> createConvolution(OpBuilder &b, Location loc, Value input, Value filter,
                                   Value bias, const ConvolutionParams &params);
Value createConvolutionInputGrad(OpBuilder &b, Location loc, Value outputGrad, Value filter,
                                 ArrayRef<OpFoldResult> inputSizes,
                                 const ConvolutionParams &params);
Value createConvolutionWeightGrad(OpBuilder &b, Location loc, Value outputGrad, Value input,
                                  ArrayRef<OpFoldResult> filterSizes,
                                  const ConvolutionParams &params);
/// As createConvolutionInputGrad, with the sizes from inferTransposedConvolutionShape.
FailureOr<Value> createTransposedConvolution(OpBuilder &b, Location loc, Value input, Value filter,
                                             ArrayRef<int64_t> outputPadding,
                                             const ConvolutionParams &params);

/// The values and the i64 indices.
FailureOr<std::pair<Value, Value>> createMaxPool(OpBuilder &b, Location loc, Value input,
                                                 const PoolParams &params, bool ceilMode);
Value createMaxPoolGrad(OpBuilder &b, Location loc, Value outputGrad, Value indices,
                        ArrayRef<OpFoldResult> inputSizes, const PoolParams &params);
FailureOr<Value> createAvgPool(OpBuilder &b, Location loc, Value input, const PoolParams &params,
                               bool ceilMode);
Value createAvgPoolGrad(OpBuilder &b, Location loc, Value outputGrad,
                        ArrayRef<OpFoldResult> inputSizes, const PoolParams &params);

/// `sizes` are those of the whole result, batch and channels included.
Value createResize(OpBuilder &b, Location loc, Value input, ArrayRef<OpFoldResult> sizes,
                   const ResizeParams &params);
Value createResizeGrad(OpBuilder &b, Location loc, Value outputGrad,
                       ArrayRef<OpFoldResult> inputSizes, const ResizeParams &params);

/// BufferizableOpInterface models of the dnn ops (each result goes into its destination's buffer).
void registerBufferizableOpInterfaceModels(DialectRegistry &registry);

} // namespace dnn
} // namespace mlir

#define GET_OP_CLASSES
#include "dnn/DnnOps.h.inc"

#endif // DNN_DNNDIALECT_H
