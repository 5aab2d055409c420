// One-shot bufferization: a result goes into its destination's buffer, which is not read before.
// RUN: abn-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" -cse -canonicalize | FileCheck %s

// A dead destination is overwritten in place: no allocation, no copy.
// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[X:[^:]+]]: memref<2x3x8x8xf32>, %[[Y:[^:]+]]: memref<2x3x4x4xf32>, %[[I:[^:]+]]: memref<2x3x4x4xi64>
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: dnn.max_pool {{.*}} ins(%[[X]] : memref<2x3x8x8xf32>) outs(%[[Y]], %[[I]] : memref<2x3x4x4xf32>, memref<2x3x4x4xi64>)
// CHECK-NOT: ->
// CHECK: return %[[Y]], %[[I]]
func.func @in_place(%x: tensor<2x3x8x8xf32>, %y0: tensor<2x3x4x4xf32>, %i0: tensor<2x3x4x4xi64>)
    -> (tensor<2x3x4x4xf32>, tensor<2x3x4x4xi64>) {
  %y, %i = dnn.max_pool
      {kernel_size = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding_low = array<i64: 0, 0>,
       padding_high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
      ins(%x : tensor<2x3x8x8xf32>) outs(%y0, %i0 : tensor<2x3x4x4xf32>, tensor<2x3x4x4xi64>)
      -> tensor<2x3x4x4xf32>, tensor<2x3x4x4xi64>
  return %y, %i : tensor<2x3x4x4xf32>, tensor<2x3x4x4xi64>
}

// A destination that is read later gets a buffer of its own, but its contents are not copied.
// CHECK-LABEL: func @destination_read_later
// CHECK-SAME: %[[X:[^:]+]]: memref<2x4x8xf32>, %[[W:[^:]+]]: memref<6x4x3xf32>, %[[B:[^:]+]]: memref<6xf32>, %[[INIT:[^:]+]]: memref<2x6x6xf32>
// CHECK: %[[NEW:.+]] = memref.alloc
// CHECK-NOT: memref.copy
// CHECK: dnn.convolution {{.*}} ins(%[[X]], %[[W]] : {{.*}}) bias(%[[B]] : memref<6xf32>) outs(%[[NEW]] :
// CHECK: return %[[NEW]], %[[INIT]]
func.func @destination_read_later(%x: tensor<2x4x8xf32>, %w: tensor<6x4x3xf32>, %b: tensor<6xf32>,
    %init: tensor<2x6x6xf32>) -> (tensor<2x6x6xf32>, tensor<2x6x6xf32>) {
  %y = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%x, %w : tensor<2x4x8xf32>, tensor<6x4x3xf32>) bias(%b : tensor<6xf32>)
      outs(%init : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %y, %init : tensor<2x6x6xf32>, tensor<2x6x6xf32>
}

// An input is never overwritten: not even where the destination is the same tensor.
// CHECK-LABEL: func @input_is_destination
// CHECK-SAME: %[[X:[^:]+]]: memref<2x4x8xf32>
// CHECK: %[[NEW:.+]] = memref.alloc
// CHECK: dnn.avg_pool {{.*}} ins(%[[X]] : memref<2x4x8xf32>) outs(%[[NEW]] : memref<2x4x8xf32>)
func.func @input_is_destination(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 3>, strides = array<i64: 1>, padding_low = array<i64: 1>,
       padding_high = array<i64: 1>}
      ins(%x : tensor<2x4x8xf32>) outs(%x : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}
