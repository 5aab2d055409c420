// Every constraint of the dnn ops, violated once per way, named c1... as in the dialect's
// description.
// RUN: abn-opt %s -split-input-file -verify-diagnostics

// -----

func.func @convolution_c1_mixed(%x: tensor<2x4x8x8xf32>, %w: memref<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected all operands to be tensors, got 'memref<6x4x3x3xf32>' for operand 1 (c1)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, memref<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c1_no_result(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 1 result(s), got 0 (c1)}}
  dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>) outs(%y : tensor<2x6x6x6xf32>)
  return
}

// -----

func.func @resize_c1_memref_result(%x: memref<2x4x8xf32>, %y: memref<2x4x9xf32>) {
  // expected-error @+1 {{expected 0 result(s), got 1 (c1)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<asymmetric>}
      ins(%x : memref<2x4x8xf32>) outs(%y : memref<2x4x9xf32>) -> tensor<2x4x9xf32>
  return
}

// -----

func.func @convolution_c1_result_type(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected a result of the destination's type 'tensor<2x6x6x6xf32>', got 'tensor<2x6x6x?xf32>' (c1)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x?xf32>
  return
}

// -----

func.func @max_pool_c2(%x: tensor<2x4x8xf32>, %y: tensor<2x4x4xf32>) {
  // expected-error @+1 {{expected 2 destination(s), got 1 (c2)}}
  %0 = dnn.max_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>, dilations = array<i64: 1>}
      ins(%x : tensor<2x4x8xf32>) outs(%y : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

func.func @avg_pool_c2(%x: tensor<2x4x8xf32>, %y: tensor<2x4x4xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 2 (c2)}}
  %0, %1 = dnn.avg_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%x : tensor<2x4x8xf32>) outs(%y, %y : tensor<2x4x4xf32>, tensor<2x4x4xf32>)
      -> tensor<2x4x4xf32>, tensor<2x4x4xf32>
  return
}

// -----

func.func @convolution_c2_none(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.convolution"(%x, %w) <{strides = array<i64: 1>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (tensor<2x4x8xf32>, tensor<6x4x3xf32>) -> ()
  return
}

// -----

func.func @convolution_input_grad_c2_none(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.convolution_input_grad"(%x, %w) <{strides = array<i64: 1>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>}> : (tensor<2x4x8xf32>, tensor<6x4x3xf32>) -> ()
  return
}

// -----

func.func @convolution_weight_grad_c2_none(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.convolution_weight_grad"(%x, %w) <{strides = array<i64: 1>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>}> : (tensor<2x4x8xf32>, tensor<6x4x3xf32>) -> ()
  return
}

// -----

func.func @max_pool_c2_none(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 2 destination(s), got 0 (c2)}}
  "dnn.max_pool"(%x) <{kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>}> : (tensor<2x4x8xf32>) -> ()
  return
}

// -----

func.func @avg_pool_c2_none(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.avg_pool"(%x) <{kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>}> : (tensor<2x4x8xf32>) -> ()
  return
}

// -----

func.func @avg_pool_grad_c2_none(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.avg_pool_grad"(%x) <{kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>}> : (tensor<2x4x8xf32>) -> ()
  return
}

// -----

func.func @resize_c2_none(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.resize"(%x) <{mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<asymmetric>}> : (tensor<2x4x8xf32>) -> ()
  return
}

// -----

func.func @resize_grad_c2_none(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.resize_grad"(%x) <{mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<asymmetric>}> : (tensor<2x4x8xf32>) -> ()
  return
}

// -----

func.func @max_pool_grad_c2_none(%x: tensor<2x4x8xf32>, %i: tensor<2x4x8xi64>) {
  // expected-error @+1 {{expected 1 destination(s), got 0 (c2)}}
  "dnn.max_pool_grad"(%x, %i) <{kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>}>
      : (tensor<2x4x8xf32>, tensor<2x4x8xi64>) -> ()
  return
}

// -----

func.func @convolution_c2_segments(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>, %y: tensor<2x6x6xf32>) {
  // expected-error @+1 {{expected one input and one filter, got 2 and 0 (c2)}}
  %0 = "dnn.convolution"(%x, %w, %y) <{strides = array<i64: 1>, padding_low = array<i64: 0>,
      padding_high = array<i64: 0>, dilations = array<i64: 1>,
      operandSegmentSizes = array<i32: 2, 0, 0, 1>}>
      : (tensor<2x4x8xf32>, tensor<6x4x3xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return
}

// -----

func.func @convolution_c3_filter_rank(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected rank 4 for the filter, got 3 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c3_output_rank(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6xf32>) {
  // expected-error @+1 {{expected rank 4 for the output, got 3 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return
}

// -----

func.func @convolution_c3_strides(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 2 entries in `strides`, got 1 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c3_padding_low(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 2 entries in `padding_low`, got 3 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1, 1>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c3_padding_high(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 2 entries in `padding_high`, got 1 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 1>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c3_dilations(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 2 entries in `dilations`, got 3 (c3)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

// Ranks below 3 and above 5 are the operand types' business.
func.func @convolution_c3_rank_2(%x: tensor<2x4xf32>, %w: tensor<6x4xf32>, %y: tensor<2x6xf32>) {
  // expected-error @+1 {{must be ranked tensor or memref of rank 3 to 5 of f16, bf16, f32 or f64}}
  %0 = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4xf32>, tensor<6x4xf32>)
      outs(%y : tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @convolution_c3_rank_6(%x: tensor<2x4x8x8x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{must be ranked tensor or memref of rank 3 to 5 of f16, bf16, f32 or f64}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c3_unranked(%x: tensor<*xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{must be ranked tensor or memref of rank 3 to 5}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<*xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_zero_stride(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `strides` from 1 to 2^31 - 1, got 0 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 0>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_negative_stride(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `strides` from 1 to 2^31 - 1, got -2 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: -2, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_negative_padding_low(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `padding_low` from 0 to 2^31 - 1, got -1 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: -1, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_negative_padding_high(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `padding_high` from 0 to 2^31 - 1, got -1 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, -1>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_zero_dilation(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `dilations` from 1 to 2^31 - 1, got 0 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 0, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

// Entries whose products would overflow.
func.func @convolution_c4_huge(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `dilations` from 1 to 2^31 - 1, got 9223372036854775807 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 9223372036854775807, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c4_huge_padding(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected entries of `padding_low` from 0 to 2^31 - 1, got 9223372036854775807 (c4)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 9223372036854775807, 1>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c5_empty_batch(%x: tensor<0x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<0x6x6x6xf32>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the input, got 0 in dimension 0 (c5)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<0x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<0x6x6x6xf32>) -> tensor<0x6x6x6xf32>
  return
}

// -----

func.func @convolution_c5_empty_filter(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x0x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the filter, got 0 in dimension 2 (c5)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x0x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c5_empty_output(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x0xf32>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the output, got 0 in dimension 3 (c5)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x0xf32>) -> tensor<2x6x6x0xf32>
  return
}

// -----

func.func @convolution_c5_huge(%x: tensor<2x4x9223372036854775807x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the input, got 9223372036854775807 in dimension 2 (c5)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x9223372036854775807x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c5_batch(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<3x6x6x6xf32>) {
  // expected-error @+1 {{expected size 2 in dimension 0 of the output, got 3 (c5)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<3x6x6x6xf32>) -> tensor<3x6x6x6xf32>
  return
}

// -----

func.func @convolution_c6_filter(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf64>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected element type 'f32' for the filter, got 'f64' (c6)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf64>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c6_output(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf16>) {
  // expected-error @+1 {{expected element type 'f32' for the output, got 'f16' (c6)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf16>) -> tensor<2x6x6x6xf16>
  return
}

// -----

func.func @convolution_c6_indices(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xi64>) {
  // expected-error @+1 {{expected element type 'f32' for the output, got 'i64' (c6)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xi64>) -> tensor<2x6x6x6xi64>
  return
}

// -----

func.func @convolution_c6_bias(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>, %b: tensor<6xf64>) {
  // expected-error @+1 {{expected element type 'f32' for the bias, got 'f64' (c6)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>) bias(%b : tensor<6xf64>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c6_integers(%x: tensor<2x4x8x8xi32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{must be ranked tensor or memref of rank 3 to 5 of f16, bf16, f32 or f64}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xi32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_channels(%x: tensor<2x4x8x8xf32>, %w: tensor<6x3x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 4 channels per group in the filter, got 3 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x3x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_groups_filters(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected `groups` to divide the 6 filters, got 4 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>, groups = 4 : i64}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_groups_channels(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected `groups` to divide the 4 channels of the input, got 3 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>, groups = 3 : i64}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_groups_zero(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected `groups` from 1 to 2^31 - 1, got 0 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>, groups = 0 : i64}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_groups_negative(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected `groups` from 1 to 2^31 - 1, got -2 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>, groups = -2 : i64}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_bias(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{expected 6 entries in the bias, got 5 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>) bias(%b : tensor<5xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c7_output(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x5x6x6xf32>) {
  // expected-error @+1 {{expected size 6 in dimension 1 of the output, got 5 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x5x6x6xf32>) -> tensor<2x5x6x6xf32>
  return
}

// -----

func.func @convolution_c7_channels_last(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{expected 8 channels per group in the filter, got 3 (c7)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>,
       layout = #dnn.layout<channels_last>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @convolution_c8_size(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x6x7xf32>) {
  // expected-error @+1 {{expected size 6 in dimension 3 of the output, got 7 (c8)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x6x7xf32>) -> tensor<2x6x6x7xf32>
  return
}

// -----

func.func @convolution_c8_no_window(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %y: tensor<2x6x1x6xf32>) {
  // expected-error @+1 {{expected a padded input of at least the filter's extent 9 in spatial dimension 0, got 8 (c8)}}
  %0 = dnn.convolution
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 4, 1>}
      ins(%x, %w : tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      outs(%y : tensor<2x6x1x6xf32>) -> tensor<2x6x1x6xf32>
  return
}

// -----

// The gradients are checked as the forward that they belong to.
func.func @convolution_input_grad_c8(%dy: tensor<2x6x5x6xf32>, %w: tensor<6x4x3x3xf32>, %dx: tensor<2x4x8x8xf32>) {
  // expected-error @+1 {{expected size 6 in dimension 2 of the output, got 5 (c8)}}
  %0 = dnn.convolution_input_grad
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%dy, %w : tensor<2x6x5x6xf32>, tensor<6x4x3x3xf32>)
      outs(%dx : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @convolution_weight_grad_c7(%dy: tensor<2x6x6x6xf32>, %x: tensor<2x4x8x8xf32>, %dw: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{expected 4 channels per group in the filter, got 2 (c7)}}
  %0 = dnn.convolution_weight_grad
      {strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, padding_high = array<i64: 0, 0>,
       dilations = array<i64: 1, 1>}
      ins(%dy, %x : tensor<2x6x6x6xf32>, tensor<2x4x8x8xf32>)
      outs(%dw : tensor<6x2x3x3xf32>) -> tensor<6x2x3x3xf32>
  return
}

// -----

func.func @max_pool_c3_kernel(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected 2 entries in `kernel_size`, got 1 (c3)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c3_indices(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4xi64>) {
  // expected-error @+1 {{expected rank 4 for the indices, got 3 (c3)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4xi64>
  return
}

// -----

func.func @max_pool_c3_output(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected rank 4 for the output, got 3 (c3)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c4_kernel(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected entries of `kernel_size` from 1 to 2^31 - 1, got 0 (c4)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 0, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c4_stride(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected entries of `strides` from 1 to 2^31 - 1, got 0 (c4)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 0>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c4_dilation(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected entries of `dilations` from 1 to 2^31 - 1, got -1 (c4)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: -1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c4_padding(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected entries of `padding_low` from 0 to 2^31 - 1, got -1 (c4)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, -1>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c5(%x: tensor<2x4x0x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the input, got 0 in dimension 2 (c5)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x0x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c6_indices(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{expected element type 'i64' for the indices, got 'f32' (c6)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xf32>
  return
}

// -----

func.func @max_pool_c6_values(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf64>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected element type 'f32' for the values, got 'f64' (c6)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf64>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf64>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c7(%x: tensor<2x4x8x8xf32>, %y: tensor<2x3x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected size 4 in dimension 1 of the output, got 3 (c7)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x3x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x3x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_c8_indices(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x5xi64>) {
  // expected-error @+1 {{expected size 4 in dimension 3 of the indices, got 5 (c8)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x5xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x5xi64>
  return
}

// -----

// Rounded down 3, rounded up 4.
func.func @max_pool_c8_last_window(%x: tensor<2x4x7x8xf32>, %y: tensor<2x4x5x4xf32>, %i: tensor<2x4x5x4xi64>) {
  // expected-error @+1 {{expected size 4 in dimension 2 of the output, got 5 (c8)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x7x8xf32>) outs(%y, %i : tensor<2x4x5x4xf32>, tensor<2x4x5x4xi64>) -> tensor<2x4x5x4xf32>, tensor<2x4x5x4xi64>
  return
}

// -----

// A third window would start at 10, behind the input.
func.func @max_pool_c8_starts_behind(%x: tensor<2x4x7x8xf32>, %y: tensor<2x4x3x4xf32>, %i: tensor<2x4x3x4xi64>) {
  // expected-error @+1 {{expected size 2 in dimension 2 of the output, got 3 (c8)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 5, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x4x7x8xf32>) outs(%y, %i : tensor<2x4x3x4xf32>, tensor<2x4x3x4xi64>) -> tensor<2x4x3x4xf32>, tensor<2x4x3x4xi64>
  return
}

// -----

func.func @max_pool_c8_no_window(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected a padded input of at least the window's extent 11 in spatial dimension 0, got 8 (c8)}}
  %0, %1 = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 10, 1>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>
  return
}

// -----

func.func @max_pool_grad_c6(%x: tensor<2x4x8x8xf64>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi64>) {
  // expected-error @+1 {{expected element type 'f32' for the input gradient, got 'f64' (c6)}}
  %0 = dnn.max_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>) outs(%x : tensor<2x4x8x8xf64>) -> tensor<2x4x8x8xf64>
  return
}

// -----

func.func @max_pool_grad_c6_indices(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x4x4xi32>) {
  // expected-error @+1 {{must be ranked tensor or memref of rank 3 to 5 of i64}}
  %0 = dnn.max_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x4x4xi32>) outs(%x : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @max_pool_grad_c8_indices(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>, %i: tensor<2x4x3x4xi64>) {
  // expected-error @+1 {{expected size 4 in dimension 2 of the indices, got 3 (c8)}}
  %0 = dnn.max_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%y, %i : tensor<2x4x4x4xf32>, tensor<2x4x3x4xi64>) outs(%x : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @max_pool_grad_c8(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x3x4xf32>, %i: tensor<2x4x3x4xi64>) {
  // expected-error @+1 {{expected size 4 in dimension 2 of the output, got 3 (c8)}}
  %0 = dnn.max_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%y, %i : tensor<2x4x3x4xf32>, tensor<2x4x3x4xi64>) outs(%x : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @avg_pool_c9(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{expected a `divisor_override` other than 0 (avg_pool_c9)}}
  %0 = dnn.avg_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, divisor_override = 0 : i64}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>
  return
}

// -----

func.func @avg_pool_c8(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x6xf32>) {
  // expected-error @+1 {{expected size 4 in dimension 3 of the output, got 6 (c8)}}
  %0 = dnn.avg_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x4x6xf32>) -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @avg_pool_c6(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf64>) {
  // expected-error @+1 {{expected element type 'f32' for the destination, got 'f64' (c6)}}
  %0 = dnn.avg_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x4x4xf64>) -> tensor<2x4x4x4xf64>
  return
}

// -----

func.func @avg_pool_grad_c9(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{expected a `divisor_override` other than 0 (avg_pool_c9)}}
  %0 = dnn.avg_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, divisor_override = 0 : i64}
      ins(%y : tensor<2x4x4x4xf32>) outs(%x : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @avg_pool_grad_c5(%x: tensor<2x4x8x8xf32>, %y: tensor<1x4x4x4xf32>) {
  // expected-error @+1 {{expected size 2 in dimension 0 of the output, got 1 (c5)}}
  %0 = dnn.avg_pool_grad
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>}
      ins(%y : tensor<1x4x4x4xf32>) outs(%x : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @resize_c3_rank(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16xf32>) {
  // expected-error @+1 {{expected rank 4 for the destination, got 3 (c3)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  return
}

// -----

func.func @resize_c3_scales(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected 2 entries in `scales`, got 1 (c3)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>, scales = array<f64: 2.0>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_c5_empty(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x0xf32>) {
  // expected-error @+1 {{expected sizes from 1 to 2^31 - 1 for the output, got 0 in dimension 3 (c5)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x0xf32>) -> tensor<2x4x16x0xf32>
  return
}

// -----

func.func @resize_c5_batch(%x: tensor<2x4x8x8xf32>, %y: tensor<3x4x16x9xf32>) {
  // expected-error @+1 {{expected size 2 in dimension 0 of the destination, got 3 (c5)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<3x4x16x9xf32>) -> tensor<3x4x16x9xf32>
  return
}

// -----

func.func @resize_c6(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf16>) {
  // expected-error @+1 {{expected element type 'f32' for the destination, got 'f16' (c6)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf16>) -> tensor<2x4x16x9xf16>
  return
}

// -----

func.func @resize_c7(%x: tensor<2x4x8x8xf32>, %y: tensor<2x5x16x9xf32>) {
  // expected-error @+1 {{expected size 4 in dimension 1 of the destination, got 5 (c7)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x5x16x9xf32>) -> tensor<2x5x16x9xf32>
  return
}

// -----

func.func @resize_c9_zero(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected entries of `scales` to be finite and positive, got 0.000000e+00 (resize_c9)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>, scales = array<f64: 0.0, 1.0>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_c9_nan(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected entries of `scales` to be finite and positive, got nan (resize_c9)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>,
      scales = array<f64: 1.0, 0x7FF8000000000000>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_c9_infinite(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected entries of `scales` to be finite and positive, got INF (resize_c9)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>,
      scales = array<f64: 0x7FF0000000000000, 1.0>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_c10_nearest(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected mode `linear` with `align_corners`, got `nearest` (resize_c10)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<align_corners>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_c10_scales(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected no `scales` with `align_corners` (resize_c10)}}
  %0 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<align_corners>,
      scales = array<f64: 0.5, 0.5>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}

// -----

func.func @resize_grad_c7(%x: tensor<2x4x8x8xf32>, %y: tensor<2x5x16x9xf32>) {
  // expected-error @+1 {{expected size 4 in dimension 1 of the destination, got 5 (c7)}}
  %0 = dnn.resize_grad {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x5x16x9xf32>) -> tensor<2x5x16x9xf32>
  return
}

// -----

func.func @resize_grad_c10(%x: tensor<2x4x8x8xf32>, %y: tensor<2x4x16x9xf32>) {
  // expected-error @+1 {{expected mode `linear` with `align_corners`, got `nearest` (resize_c10)}}
  %0 = dnn.resize_grad {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<align_corners>}
      ins(%x : tensor<2x4x8x8xf32>) outs(%y : tensor<2x4x16x9xf32>) -> tensor<2x4x16x9xf32>
  return
}
