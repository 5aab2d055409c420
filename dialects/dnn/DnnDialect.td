// The dnn dialect: convolution, pooling and resizing with their gradients, as oneDNN and cuDNN
// have them.
#ifndef DNN_DIALECT_TD
#define DNN_DIALECT_TD

include "mlir/IR/DialectBase.td"

def Dnn_Dialect : Dialect {
  let name = "dnn";
  let summary = "The primitives of oneDNN and cuDNN that linalg lacks or hides";
  let description = [{
    Convolution, pooling and resizing over one to three spatial dimensions, and their gradients,
    each as one op: what a library has a kernel for, and what a compiler has to see as a unit to
    know which tensors its gradient needs. `convert-dnn-to-linalg` lowers every op to upstream
    dialects.

    A full-size operand has rank 3 to 5: a batch dimension, a channel dimension and the spatial
    dimensions, ordered by `layout`: N, C, spatial... for `channels_first`, N, spatial..., C for
    `channels_last`. A filter is [F, C/groups, spatial...] or, cuDNN's KRSC,
    [F, spatial..., C/groups]. Arrays such as `strides` have one entry per spatial dimension.

    f16 and bf16 data are accumulated in f32 and rounded once.

    Constraints common to the dnn ops:
    - (c1) operands are all tensors (then one result per destination, of its type) or all memrefs
      (then no results).
    - (c2) there is one destination; `max_pool` has two.
    - (c3) all full-size operands and the filter have the same rank, 3 to 5; every array has one
      entry per spatial dimension.
    - (c4) strides, dilations and kernel sizes are positive, paddings are not negative, none exceeds
      2^31 - 1.
    - (c5) static sizes are positive and at most 2^31 - 1; batch sizes agree.
    - (c6) all operands have the same floating-point element type; indices are i64.
    - (c7) channel counts agree. For convolutions `groups` is positive and divides the channels of
      the input and the number of filters; the filter has 1/groups of the input's channels; the
      bias has one entry per filter.
    - (c8) the spatial sizes of the output are those that the input's give: for a convolution
      floor((size + padding_low + padding_high - extent) / stride) + 1 where extent =
      dilation * (kernel - 1) + 1; for a pool the same or PyTorch's ceil_mode: rounded up, less one
      if the last window would start behind input and low padding.
    Where a size is dynamic, what cannot be checked is the program's promise.
  }];
  let cppNamespace = "::mlir::dnn";
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // DNN_DIALECT_TD
