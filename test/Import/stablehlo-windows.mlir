// RUN: abn-opt %s --abn-import-stablehlo --split-input-file | FileCheck %s

// The gradient reads the indices of the forward's pool, not its operand; the padding that JAX puts
// around the operand, and the slice that takes it off again, are gone.
// CHECK-LABEL: func @max_pool
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x8x8x3xf32>, %[[DY:[a-z0-9]+]]: tensor<2x4x4x3xf32>
// CHECK: %[[POOL:.+]]:2 = dnn.max_pool {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, layout = #dnn.layout<channels_last>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} ins(%[[X]] :
// CHECK-NOT: dnn.max_pool {
// CHECK: %[[DX:.+]] = dnn.max_pool_grad {{.*}} ins(%[[DY]], %[[POOL]]#1 :
// CHECK-NOT: tensor.pad
// CHECK: return %[[POOL]]#0, %[[DX]]
func.func @max_pool(%x: tensor<2x8x8x3xf32>, %dy: tensor<2x4x4x3xf32>) -> (tensor<2x4x4x3xf32>, tensor<2x8x8x3xf32>) {
  %low = "stablehlo.constant"() <{value = dense<0xFF800000> : tensor<f32>}> : () -> tensor<f32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %low) <{padding = dense<[[0, 0], [0, 1], [0, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %m = "stablehlo.maximum"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%m) : (tensor<f32>) -> ()
  }) : (tensor<2x8x8x3xf32>, tensor<f32>) -> tensor<2x4x4x3xf32>
  %1 = "stablehlo.pad"(%x, %low) <{edge_padding_low = array<i64: 0, 0, 0, 0>, edge_padding_high = array<i64: 0, 1, 1, 0>, interior_padding = array<i64: 0, 0, 0, 0>}> : (tensor<2x8x8x3xf32>, tensor<f32>) -> tensor<2x9x9x3xf32>
  %2 = "stablehlo.select_and_scatter"(%1, %dy, %zero) <{window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.compare"(%a, %b) <{comparison_direction = #stablehlo<comparison_direction GE>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<2x9x9x3xf32>, tensor<2x4x4x3xf32>, tensor<f32>) -> tensor<2x9x9x3xf32>
  %3 = "stablehlo.slice"(%2) <{start_indices = array<i64: 0, 0, 0, 0>, limit_indices = array<i64: 2, 8, 8, 3>, strides = array<i64: 1, 1, 1, 1>}> : (tensor<2x9x9x3xf32>) -> tensor<2x8x8x3xf32>
  return %0, %3 : tensor<2x4x4x3xf32>, tensor<2x8x8x3xf32>
}

// -----

// A window sum and the division behind it are an average of that divisor.
// CHECK-LABEL: func @avg_pool
// CHECK: dnn.avg_pool {count_include_pad, divisor_override = 4 : i64, kernel_size = array<i64: 2, 2>
// CHECK-NOT: arith.divf
func.func @avg_pool(%x: tensor<2x8x8x3xf32>) -> tensor<2x4x4x3xf32> {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %four = "stablehlo.constant"() <{value = dense<4.0> : tensor<2x4x4x3xf32>}> : () -> tensor<2x4x4x3xf32>
  %0 = "stablehlo.reduce_window"(%x, %zero) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<2x8x8x3xf32>, tensor<f32>) -> tensor<2x4x4x3xf32>
  %1 = "stablehlo.divide"(%0, %four) : (tensor<2x4x4x3xf32>, tensor<2x4x4x3xf32>) -> tensor<2x4x4x3xf32>
  return %1 : tensor<2x4x4x3xf32>
}

// -----

// Its gradient: the values spread by a padding, then a window sum of stride 1.
// CHECK-LABEL: func @avg_pool_grad
// CHECK-SAME: %[[DY:[a-z0-9]+]]: tensor<2x4x4x3xf32>
// CHECK: dnn.avg_pool_grad {count_include_pad, divisor_override = 1 : i64, kernel_size = array<i64: 2, 2>, {{.*}}strides = array<i64: 2, 2>} ins(%[[DY]] :
// CHECK-NOT: tensor.insert_slice
func.func @avg_pool_grad(%dy: tensor<2x4x4x3xf32>) -> tensor<2x8x8x3xf32> {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.pad"(%dy, %zero) <{edge_padding_low = array<i64: 0, 1, 1, 0>, edge_padding_high = array<i64: 0, 1, 1, 0>, interior_padding = array<i64: 0, 1, 1, 0>}> : (tensor<2x4x4x3xf32>, tensor<f32>) -> tensor<2x9x9x3xf32>
  %1 = "stablehlo.reduce_window"(%0, %zero) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<2x9x9x3xf32>, tensor<f32>) -> tensor<2x8x8x3xf32>
  return %1 : tensor<2x8x8x3xf32>
}

// -----

// A window over the first and the last dimension but the batch is no pool.
// CHECK-LABEL: func @over_channels
// CHECK-NOT: dnn.
// CHECK: linalg.generic
func.func @over_channels(%x: tensor<2x4x4x6xf32>) -> tensor<2x2x4x3xf32> {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %zero) <{window_dimensions = array<i64: 1, 2, 1, 2>, window_strides = array<i64: 1, 2, 1, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<2x4x4x6xf32>, tensor<f32>) -> tensor<2x2x4x3xf32>
  return %0 : tensor<2x2x4x3xf32>
}
