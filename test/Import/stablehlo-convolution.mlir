// RUN: abn-opt %s --abn-import-stablehlo --split-input-file | FileCheck %s

// NHWC images and HWIO filters: channels last, the filter transposed to [F, spatial, C].
// CHECK-LABEL: func @forward
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x8x8x3xf32>, %[[W:[a-z0-9]+]]: tensor<3x3x3x4xf32>
// CHECK: %[[F:.+]] = linalg.transpose ins(%[[W]] : {{.*}} permutation = [3, 0, 1, 2]
// CHECK: dnn.convolution {dilations = array<i64: 1, 1>, layout = #dnn.layout<channels_last>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} ins(%[[X]], %[[F]] :
func.func @forward(%x: tensor<2x8x8x3xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<2x4x4x4xf32> {
  %0 = "stablehlo.convolution"(%x, %w) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, padding = dense<[[0, 1], [0, 1]]> : tensor<2x2xi64>, window_strides = array<i64: 2, 2>}> : (tensor<2x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x4x4x4xf32>
  return %0 : tensor<2x4x4x4xf32>
}

// -----

// The gradients of @forward, as JAX writes them. The reversal of the filter is gone.
// CHECK-LABEL: func @input_grad
// CHECK-SAME: %[[DY:[a-z0-9]+]]: tensor<2x4x4x4xf32>, %[[W:[a-z0-9]+]]: tensor<3x3x3x4xf32>
// CHECK-NOT: linalg.generic
// CHECK: %[[L:.+]] = linalg.transpose ins(%[[W]] : {{.*}} permutation = [3, 0, 1, 2]
// CHECK: dnn.convolution_input_grad {dilations = array<i64: 1, 1>, layout = #dnn.layout<channels_last>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} ins(%[[DY]], %[[L]] :
func.func @input_grad(%dy: tensor<2x4x4x4xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<2x8x8x3xf32> {
  %0 = "stablehlo.reverse"(%w) <{dimensions = array<i64: 0, 1>}> : (tensor<3x3x3x4xf32>) -> tensor<3x3x3x4xf32>
  %1 = "stablehlo.convolution"(%dy, %0) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 2, 2>, padding = dense<[[2, 1], [2, 1]]> : tensor<2x2xi64>, window_strides = array<i64: 1, 1>}> : (tensor<2x4x4x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x8x8x3xf32>
  return %1 : tensor<2x8x8x3xf32>
}

// -----

// CHECK-LABEL: func @weight_grad
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x8x8x3xf32>, %[[DY:[a-z0-9]+]]: tensor<2x4x4x4xf32>
// CHECK: %[[DW:.+]] = dnn.convolution_weight_grad {dilations = array<i64: 1, 1>, layout = #dnn.layout<channels_last>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} ins(%[[DY]], %[[X]] :
// CHECK: linalg.transpose ins(%[[DW]] : {{.*}} permutation = [1, 2, 3, 0]
func.func @weight_grad(%x: tensor<2x8x8x3xf32>, %dy: tensor<2x4x4x4xf32>) -> tensor<3x3x3x4xf32> {
  %0 = "stablehlo.convolution"(%x, %dy) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]>, feature_group_count = 1 : i64, padding = dense<[[0, 1], [0, 1]]> : tensor<2x2xi64>, rhs_dilation = array<i64: 2, 2>, window_strides = array<i64: 1, 1>}> : (tensor<2x8x8x3xf32>, tensor<2x4x4x4xf32>) -> tensor<3x3x3x4xf32>
  return %0 : tensor<3x3x3x4xf32>
}

// -----

// A strided window that does not read the input's end: the padding of -1 is the forward's 0.
// CHECK-LABEL: func @weight_grad_left_over
// CHECK: dnn.convolution_weight_grad {{.*}}padding_high = array<i64: 0, 0>, padding_low = array<i64: 0, 0>, strides = array<i64: 2, 2>
func.func @weight_grad_left_over(%x: tensor<2x8x8x3xf32>, %dy: tensor<2x4x4x4xf32>) -> tensor<1x1x3x4xf32> {
  %0 = "stablehlo.convolution"(%x, %dy) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]>, feature_group_count = 1 : i64, padding = dense<[[0, -1], [0, -1]]> : tensor<2x2xi64>, rhs_dilation = array<i64: 2, 2>, window_strides = array<i64: 1, 1>}> : (tensor<2x8x8x3xf32>, tensor<2x4x4x4xf32>) -> tensor<1x1x3x4xf32>
  return %0 : tensor<1x1x3x4xf32>
}

// -----

// Batch groups, which dnn has in gradients only.
// CHECK-LABEL: func @batch_groups
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]
func.func @batch_groups(%x: tensor<4x8x3xf32>, %w: tensor<3x3x4xf32>) -> tensor<2x6x4xf32> {
  %0 = "stablehlo.convolution"(%x, %w) <{batch_group_count = 2 : i64, dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64}> : (tensor<4x8x3xf32>, tensor<3x3x4xf32>) -> tensor<2x6x4xf32>
  return %0 : tensor<2x6x4xf32>
}
