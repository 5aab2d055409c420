// The dnn ops, each followed by its gradients. Operand order is inputs, then destinations; a
// destination gives the result's shape and is overwritten without being read.
#ifndef DNN_OPS_TD
#define DNN_OPS_TD

include "dnn/DnnAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Dnn_Element : AnyTypeOf<[F16, BF16, F32, F64]>;
/// Batch, channel and one to three spatial dimensions.
def Dnn_Full : AnyTypeOf<[RankedTensorOf<[Dnn_Element], [HasAnyRankOfPred<[3, 4, 5]>]>,
                          MemRefRankOf<[Dnn_Element], [3, 4, 5]>],
                         "ranked tensor or memref of rank 3 to 5 of f16, bf16, f32 or f64">;
/// One value per filter.
def Dnn_Vector : AnyTypeOf<[1DTensorOf<[Dnn_Element]>, MemRefRankOf<[Dnn_Element], [1]>],
                           "1-D tensor or memref of f16, bf16, f32 or f64">;
/// One position in a spatial plane per value of a max pool's output.
def Dnn_Indices : AnyTypeOf<[RankedTensorOf<[I64], [HasAnyRankOfPred<[3, 4, 5]>]>,
                             MemRefRankOf<[I64], [3, 4, 5]>],
                            "ranked tensor or memref of rank 3 to 5 of i64">;
def Dnn_Destination : AnyTypeOf<[Dnn_Full, Dnn_Indices]>;

/// Base of the ops: destination style, effects on memrefs only, results for tensors only, local
/// checks with the dialect's numbers c1... in DnnVerify.cpp.
class Dnn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Dnn_Dialect, mnemonic, !listconcat([DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>],
        traits)> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

class Dnn_ConvolutionBase<string mnemonic, list<Trait> traits = []> : Dnn_Op<mnemonic, traits> {
  dag parameters = (ins DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding_low,
      DenseI64ArrayAttr:$padding_high, DenseI64ArrayAttr:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<Dnn_LayoutAttr, "::mlir::dnn::Layout::ChannelsFirst">:$layout);
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    /// The attributes as one value.
    ::mlir::dnn::ConvolutionParams getParams();
  }];
}

def Dnn_ConvolutionOp : Dnn_ConvolutionBase<"convolution", [AttrSizedOperandSegments]> {
  let summary = "Convolve an input with a filter";
  let description = [{
    A cross-correlation, as deep-learning frameworks define it, of the zero-padded input:

        out[n, f, o] = bias[f] + sum over c, k of
                       input[n, g*C/groups + c, o*stride + k*dilation - padding_low] * filter[f, c, k]

    where g = f / (F/groups) is the filter's group.

    ```mlir
    %out = dnn.convolution
        {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
         padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
        ins(%x, %w : tensor<8x64x56x56xf32>, tensor<128x64x3x3xf32>) bias(%b : tensor<128xf32>)
        outs(%init : tensor<8x128x28x28xf32>) -> tensor<8x128x28x28xf32>
    ```

    Constraints: c1 to c8 (listed with the dialect).
  }];
  let arguments = !con((ins Dnn_Full:$input, Dnn_Full:$filter, Optional<Dnn_Vector>:$bias,
      Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `,` $filter `:` type($input) `,` type($filter) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasCanonicalizer = 1;
}

def Dnn_ConvolutionInputGradOp : Dnn_ConvolutionBase<"convolution_input_grad"> {
  let summary = "Gradient of a convolution for its input (transposed convolution)";
  let description = [{
    The adjoint of `dnn.convolution` with the same attributes in its input; the attributes are those
    of the forward convolution, the destination has the input's shape. A transposed convolution is
    this op: its input is `output_grad`, its output padding shows in the destination's size.

    ```mlir
    %dx = dnn.convolution_input_grad
        {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
         padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
        ins(%dy, %w : tensor<8x128x28x28xf32>, tensor<128x64x3x3xf32>)
        outs(%init : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c8.
  }];
  let arguments = !con((ins Dnn_Full:$output_grad, Dnn_Full:$filter,
      Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `,` $filter `:` type($output_grad) `,` type($filter) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Dnn_ConvolutionWeightGradOp : Dnn_ConvolutionBase<"convolution_weight_grad"> {
  let summary = "Gradient of a convolution for its filter";
  let description = [{
    The adjoint of `dnn.convolution` with the same attributes in its filter: a sum over the batch
    and the output's positions. The destination has the filter's shape.

    ```mlir
    %dw = dnn.convolution_weight_grad
        {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
         padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
        ins(%dy, %x : tensor<8x128x28x28xf32>, tensor<8x64x56x56xf32>)
        outs(%init : tensor<128x64x3x3xf32>) -> tensor<128x64x3x3xf32>
    ```

    Constraints: c1 to c8.
  }];
  let arguments = !con((ins Dnn_Full:$output_grad, Dnn_Full:$input,
      Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `,` $input `:` type($output_grad) `,` type($input) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

class Dnn_PoolBase<string mnemonic> : Dnn_Op<mnemonic> {
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    /// The attributes as one value.
    ::mlir::dnn::PoolParams getParams();
  }];
}

class Dnn_MaxPoolBase<string mnemonic> : Dnn_PoolBase<mnemonic> {
  dag parameters = (ins DenseI64ArrayAttr:$kernel_size, DenseI64ArrayAttr:$strides,
      DenseI64ArrayAttr:$padding_low, DenseI64ArrayAttr:$padding_high,
      DenseI64ArrayAttr:$dilations,
      DefaultValuedAttr<Dnn_LayoutAttr, "::mlir::dnn::Layout::ChannelsFirst">:$layout);
}

def Dnn_MaxPoolOp : Dnn_MaxPoolBase<"max_pool"> {
  let summary = "Take each window's maximum and where it was";
  let description = [{
    The results are the maximum over the part of each window that lies in the input, and its
    position, flattened over the input's spatial dimensions (as PyTorch's
    `max_pool2d_with_indices`). Of equal values the first wins; a NaN wins over everything, the last
    one if there are several. A window without any position in the input gives -inf and -1.

    ```mlir
    %y, %indices = dnn.max_pool
        {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>,
         padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>,
         dilations = array<i64: 1, 1>}
        ins(%x : tensor<8x64x112x112xf32>)
        outs(%y0, %i0 : tensor<8x64x56x56xf32>, tensor<8x64x56x56xi64>)
        -> tensor<8x64x56x56xf32>, tensor<8x64x56x56xi64>
    ```

    Constraints: c1 to c8.
  }];
  let arguments = !con((ins Dnn_Full:$input, Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `:` type($input) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Dnn_MaxPoolGradOp : Dnn_MaxPoolBase<"max_pool_grad"> {
  let summary = "Gradient of max_pool from the indices of the maxima";
  let description = [{
    Every input position receives the sum of the output gradients whose `indices` name it. Only
    windows that cover the position are looked at, in a fixed order: the result is deterministic.

    ```mlir
    %dx = dnn.max_pool_grad
        {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>,
         padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>,
         dilations = array<i64: 1, 1>}
        ins(%dy, %indices : tensor<8x64x56x56xf32>, tensor<8x64x56x56xi64>)
        outs(%dx0 : tensor<8x64x112x112xf32>) -> tensor<8x64x112x112xf32>
    ```

    Constraints: c1 to c8.
  }];
  let arguments = !con((ins Dnn_Full:$output_grad, Dnn_Indices:$indices,
      Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `,` $indices `:` type($output_grad) `,` type($indices) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

class Dnn_AvgPoolBase<string mnemonic> : Dnn_PoolBase<mnemonic> {
  dag parameters = (ins DenseI64ArrayAttr:$kernel_size, DenseI64ArrayAttr:$strides,
      DenseI64ArrayAttr:$padding_low, DenseI64ArrayAttr:$padding_high,
      UnitAttr:$count_include_pad, OptionalAttr<I64Attr>:$divisor_override,
      DefaultValuedAttr<Dnn_LayoutAttr, "::mlir::dnn::Layout::ChannelsFirst">:$layout);
}

def Dnn_AvgPoolOp : Dnn_AvgPoolBase<"avg_pool"> {
  let summary = "Average each window";
  let description = [{
    The sum over the part of each window that lies in the input, divided by `divisor_override` if it
    is given, else by the number of positions of the window that lie in the input or, with
    `count_include_pad`, in the padded input (a window of ceil_mode may reach beyond it).

    ```mlir
    %y = dnn.avg_pool
        {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>,
         padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, count_include_pad}
        ins(%x : tensor<8x64x112x112xf32>) outs(%y0 : tensor<8x64x56x56xf32>)
        -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c8, and
    - (avg_pool_c9) `divisor_override` is not 0.
  }];
  let arguments = !con((ins Dnn_Full:$input, Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `:` type($input) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasFolder = 1;
}

def Dnn_AvgPoolGradOp : Dnn_AvgPoolBase<"avg_pool_grad"> {
  let summary = "Gradient of avg_pool";
  let description = [{
    Every input position receives the output gradients of the windows that cover it, each divided by
    its window's divisor.

    ```mlir
    %dx = dnn.avg_pool_grad
        {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>,
         padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, count_include_pad}
        ins(%dy : tensor<8x64x56x56xf32>) outs(%dx0 : tensor<8x64x112x112xf32>)
        -> tensor<8x64x112x112xf32>
    ```

    Constraints: c1 to c8, and
    - (avg_pool_c9) `divisor_override` is not 0.
  }];
  let arguments = !con((ins Dnn_Full:$output_grad, Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `:` type($output_grad) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Resizing
//===----------------------------------------------------------------------===//

class Dnn_ResizeBase<string mnemonic> : Dnn_Op<mnemonic> {
  dag parameters = (ins Dnn_ResizeModeAttr:$mode, Dnn_CoordinatesAttr:$coordinates,
      OptionalAttr<DenseF64ArrayAttr>:$scales,
      DefaultValuedAttr<Dnn_LayoutAttr, "::mlir::dnn::Layout::ChannelsFirst">:$layout);
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    /// The attributes as one value.
    ::mlir::dnn::ResizeParams getParams();
  }];
}

def Dnn_ResizeOp : Dnn_ResizeBase<"resize"> {
  let summary = "Resize the spatial dimensions by interpolation";
  let description = [{
    Each spatial axis is interpolated by itself. `coordinates` says how a destination position maps
    to the source, `scales` overrides the ratio source size / destination size per axis. Positions
    behind the last source element take that element. Positions are computed in f32 (in f64 for
    `linear` on f64 data), as PyTorch does.

    ```mlir
    %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
        ins(%x : tensor<8x64x28x28xf32>) outs(%y0 : tensor<8x64x56x56xf32>)
        -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c3, c5 to c7, and
    - (resize_c9) entries of `scales` are finite and positive.
    - (resize_c10) `align_corners` is for `linear` and excludes `scales`.
  }];
  let arguments = !con((ins Dnn_Full:$input, Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `:` type($input) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasFolder = 1;
}

def Dnn_ResizeGradOp : Dnn_ResizeBase<"resize_grad"> {
  let summary = "Gradient of resize";
  let description = [{
    The adjoint of `dnn.resize` with the same attributes; the destination has the input's shape.

    ```mlir
    %dx = dnn.resize_grad
        {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
        ins(%dy : tensor<8x64x56x56xf32>) outs(%dx0 : tensor<8x64x28x28xf32>)
        -> tensor<8x64x28x28xf32>
    ```

    Constraints: c1 to c3, c5 to c7, resize_c9, resize_c10.
  }];
  let arguments = !con((ins Dnn_Full:$output_grad, Variadic<Dnn_Destination>:$inits), parameters);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `:` type($output_grad) `)`
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasFolder = 1;
}

#endif // DNN_OPS_TD
