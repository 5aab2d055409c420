// Folds and canonicalisations of the dnn ops.
// RUN: abn-opt %s -canonicalize | FileCheck %s

// A window of one position that is not moved changes nothing, forward or backward.
// CHECK-LABEL: func @identity_avg_pool
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x8x8xf32>, %[[DY:[^:]+]]:
// CHECK-NEXT: return %[[X]], %[[DY]]
func.func @identity_avg_pool(%x: tensor<2x3x8x8xf32>, %dy: tensor<2x3x8x8xf32>,
    %init: tensor<2x3x8x8xf32>) -> (tensor<2x3x8x8xf32>, tensor<2x3x8x8xf32>) {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 1, 1>, strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>}
      ins(%x : tensor<2x3x8x8xf32>) outs(%init : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  %dx = dnn.avg_pool_grad
      {kernel_size = array<i64: 1, 1>, strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, divisor_override = 1 : i64}
      ins(%dy : tensor<2x3x8x8xf32>) outs(%init : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %y, %dx : tensor<2x3x8x8xf32>, tensor<2x3x8x8xf32>
}

// A divisor of its own, or padding, is no identity.
// CHECK-LABEL: func @other_divisor
// CHECK: dnn.avg_pool
func.func @other_divisor(%x: tensor<2x3x8x8xf32>, %init: tensor<2x3x8x8xf32>)
    -> tensor<2x3x8x8xf32> {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 1, 1>, strides = array<i64: 1, 1>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, divisor_override = 2 : i64}
      ins(%x : tensor<2x3x8x8xf32>) outs(%init : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %y : tensor<2x3x8x8xf32>
}

// Resizing to the same sizes changes nothing.
// CHECK-LABEL: func @identity_resize
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x8x8xf32>, %
// CHECK-NEXT: return %[[X]], %[[X]]
func.func @identity_resize(%x: tensor<2x3x8x8xf32>, %init: tensor<2x3x8x8xf32>)
    -> (tensor<2x3x8x8xf32>, tensor<2x3x8x8xf32>) {
  %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x3x8x8xf32>) outs(%init : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  %dx = dnn.resize_grad
      {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<asymmetric>}
      ins(%x : tensor<2x3x8x8xf32>) outs(%init : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %y, %dx : tensor<2x3x8x8xf32>, tensor<2x3x8x8xf32>
}

// Neither with scales of its own nor between open sizes, which may differ.
// CHECK-LABEL: func @no_identity_resize
// CHECK: dnn.resize {
// CHECK: dnn.resize {
func.func @no_identity_resize(%x: tensor<2x3x8xf32>, %init: tensor<2x3x8xf32>,
    %x1: tensor<2x3x?xf32>, %init1: tensor<2x3x?xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x?xf32>) {
  %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>,
                   scales = array<f64: 0.5>}
      ins(%x : tensor<2x3x8xf32>) outs(%init : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %y1 = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x1 : tensor<2x3x?xf32>) outs(%init1 : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  return %y, %y1 : tensor<2x3x8xf32>, tensor<2x3x?xf32>
}

// A bias of zeros goes; another constant stays.
// CHECK-LABEL: func @zero_bias
// CHECK: dnn.convolution
// CHECK-NOT: bias
// CHECK: dnn.convolution {{.*}} bias(
func.func @zero_bias(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>, %init: tensor<2x6x6xf32>)
    -> (tensor<2x6x6xf32>, tensor<2x6x6xf32>) {
  %zero = arith.constant dense<0.0> : tensor<6xf32>
  %one = arith.constant dense<1.0> : tensor<6xf32>
  %y = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%x, %w : tensor<2x4x8xf32>, tensor<6x4x3xf32>) bias(%zero : tensor<6xf32>)
      outs(%init : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %y1 = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%x, %w : tensor<2x4x8xf32>, tensor<6x4x3xf32>) bias(%one : tensor<6xf32>)
      outs(%init : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %y, %y1 : tensor<2x6x6xf32>, tensor<2x6x6xf32>
}

// A cast that only forgets sizes is absorbed.
// CHECK-LABEL: func @cast
// CHECK-NOT: tensor<?x4x8xf32>
// CHECK: dnn.convolution {{.*}} ins(%{{.+}}, %{{.+}} : tensor<2x4x8xf32>, tensor<6x4x3xf32>)
func.func @cast(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>, %init: tensor<2x6x6xf32>)
    -> tensor<2x6x6xf32> {
  %open = tensor.cast %x : tensor<2x4x8xf32> to tensor<?x4x8xf32>
  %y = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%open, %w : tensor<?x4x8xf32>, tensor<6x4x3xf32>)
      outs(%init : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %y : tensor<2x6x6xf32>
}

// On tensors an op has no effects: unused ones go. On memrefs it writes, and stays.
// CHECK-LABEL: func @effects
// CHECK-NEXT: dnn.avg_pool {{.*}} outs(%{{.+}} : memref<2x3x4xf32>)
// CHECK-NEXT: return
func.func @effects(%x: tensor<2x3x8xf32>, %t: tensor<2x3x4xf32>, %m: memref<2x3x8xf32>,
                   %out: memref<2x3x4xf32>) {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%x : tensor<2x3x8xf32>) outs(%t : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  dnn.avg_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%m : memref<2x3x8xf32>) outs(%out : memref<2x3x4xf32>)
  return
}

// A result has the sizes of its destination, which shape queries see through.
// CHECK-LABEL: func @result_shape
// CHECK-SAME: %{{[^:]+}}: tensor<?x3x8xf32>, %[[INIT:[^:]+]]: tensor<?x3x4xf32>
// CHECK: tensor.dim %[[INIT]]
func.func @result_shape(%x: tensor<?x3x8xf32>, %init: tensor<?x3x4xf32>) -> index {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%x : tensor<?x3x8xf32>) outs(%init : tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %c0 = arith.constant 0 : index
  %size = tensor.dim %y, %c0 : tensor<?x3x4xf32>
  return %size : index
}
