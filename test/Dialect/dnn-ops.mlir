// Every op in its pretty form, through parser and printer twice and through the generic form.
// RUN: abn-opt %s | abn-opt | FileCheck %s
// RUN: abn-opt %s --mlir-print-op-generic | abn-opt | FileCheck %s

// Default attributes are not printed; the bias is optional.
// CHECK-LABEL: func @convolution
// CHECK: dnn.convolution {dilations = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, strides = array<i64: 2, 2>} ins(%{{.+}}, %{{.+}} : tensor<8x64x56x56xf32>, tensor<128x64x3x3xf32>) outs(%{{.+}} : tensor<8x128x28x28xf32>) -> tensor<8x128x28x28xf32>
func.func @convolution(%x: tensor<8x64x56x56xf32>, %w: tensor<128x64x3x3xf32>,
                       %init: tensor<8x128x28x28xf32>) -> tensor<8x128x28x28xf32> {
  %out = dnn.convolution
      {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64,
       layout = #dnn.layout<channels_first>}
      ins(%x, %w : tensor<8x64x56x56xf32>, tensor<128x64x3x3xf32>)
      outs(%init : tensor<8x128x28x28xf32>) -> tensor<8x128x28x28xf32>
  return %out : tensor<8x128x28x28xf32>
}

// Grouped, channels last, with a bias, dynamic batch.
// CHECK-LABEL: func @convolution_channels_last
// CHECK: dnn.convolution {{.*}}groups = 2 : i64, layout = #dnn.layout<channels_last>
// CHECK-SAME: bias(%{{.+}} : tensor<6xbf16>)
func.func @convolution_channels_last(%x: tensor<?x7x4xbf16>, %w: tensor<6x3x2xbf16>,
    %b: tensor<6xbf16>, %init: tensor<?x5x6xbf16>) -> tensor<?x5x6xbf16> {
  %out = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>, groups = 2 : i64, layout = #dnn.layout<channels_last>}
      ins(%x, %w : tensor<?x7x4xbf16>, tensor<6x3x2xbf16>) bias(%b : tensor<6xbf16>)
      outs(%init : tensor<?x5x6xbf16>) -> tensor<?x5x6xbf16>
  return %out : tensor<?x5x6xbf16>
}

// The gradients take the forward's attributes. Memrefs have no results.
// CHECK-LABEL: func @convolution_gradients
// CHECK: dnn.convolution_input_grad
// CHECK: dnn.convolution_weight_grad
func.func @convolution_gradients(%dy: memref<2x6x3x3x3xf16>, %x: memref<2x4x7x7x7xf16>,
    %w: memref<6x4x3x3x3xf16>, %dx: memref<2x4x7x7x7xf16>, %dw: memref<6x4x3x3x3xf16>) {
  dnn.convolution_input_grad
      {strides = array<i64: 2, 2, 2>, padding_low = array<i64: 0, 0, 0>,
       padding_high = array<i64: 0, 0, 0>, dilations = array<i64: 1, 1, 1>}
      ins(%dy, %w : memref<2x6x3x3x3xf16>, memref<6x4x3x3x3xf16>)
      outs(%dx : memref<2x4x7x7x7xf16>)
  dnn.convolution_weight_grad
      {strides = array<i64: 2, 2, 2>, padding_low = array<i64: 0, 0, 0>,
       padding_high = array<i64: 0, 0, 0>, dilations = array<i64: 1, 1, 1>}
      ins(%dy, %x : memref<2x6x3x3x3xf16>, memref<2x4x7x7x7xf16>)
      outs(%dw : memref<6x4x3x3x3xf16>)
  return
}

// CHECK-LABEL: func @pools
// CHECK: dnn.max_pool
// CHECK: dnn.max_pool_grad
// CHECK: dnn.avg_pool {count_include_pad
// CHECK: dnn.avg_pool_grad {divisor_override = 5 : i64
func.func @pools(%x: tensor<2x3x8x8xf64>, %y0: tensor<2x3x4x4xf64>, %i0: tensor<2x3x4x4xi64>)
    -> (tensor<2x3x8x8xf64>, tensor<2x3x8x8xf64>) {
  %y, %i = dnn.max_pool
      {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x3x8x8xf64>) outs(%y0, %i0 : tensor<2x3x4x4xf64>, tensor<2x3x4x4xi64>)
      -> tensor<2x3x4x4xf64>, tensor<2x3x4x4xi64>
  %dx = dnn.max_pool_grad
      {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
      ins(%y, %i : tensor<2x3x4x4xf64>, tensor<2x3x4x4xi64>) outs(%x : tensor<2x3x8x8xf64>)
      -> tensor<2x3x8x8xf64>
  %a = dnn.avg_pool
      {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, count_include_pad}
      ins(%x : tensor<2x3x8x8xf64>) outs(%y0 : tensor<2x3x4x4xf64>) -> tensor<2x3x4x4xf64>
  %da = dnn.avg_pool_grad
      {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, divisor_override = 5 : i64}
      ins(%a : tensor<2x3x4x4xf64>) outs(%x : tensor<2x3x8x8xf64>) -> tensor<2x3x8x8xf64>
  return %dx, %da : tensor<2x3x8x8xf64>, tensor<2x3x8x8xf64>
}

// CHECK-LABEL: func @resizes
// CHECK: dnn.resize {coordinates = #dnn.coordinates<half_pixel>, mode = #dnn.resize_mode<linear>, scales = array<f64: 5.000000e-01, 5.000000e-01>}
// CHECK: dnn.resize_grad {coordinates = #dnn.coordinates<asymmetric>, mode = #dnn.resize_mode<nearest>}
func.func @resizes(%x: tensor<2x3x8x8xf32>, %y0: tensor<2x3x16x17xf32>) -> tensor<2x3x8x8xf32> {
  %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>,
                   scales = array<f64: 0.5, 0.5>}
      ins(%x : tensor<2x3x8x8xf32>) outs(%y0 : tensor<2x3x16x17xf32>) -> tensor<2x3x16x17xf32>
  %dx = dnn.resize_grad {mode = #dnn.resize_mode<nearest>,
                         coordinates = #dnn.coordinates<asymmetric>}
      ins(%y : tensor<2x3x16x17xf32>) outs(%x : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %dx : tensor<2x3x8x8xf32>
}
