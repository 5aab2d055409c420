// Convolution and its gradients lower to one multiply-add generic each.
// RUN: abn-opt %s -convert-dnn-to-linalg -cse -canonicalize | FileCheck %s
// What is left has no dnn op, and a second run changes nothing.
// RUN: abn-opt %s -convert-dnn-to-linalg -o %t.once
// RUN: abn-opt %t.once -convert-dnn-to-linalg | diff %t.once -
// RUN: not grep "dnn\." %t.once

// CHECK-DAG: #[[$INPUT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 * 2 + d6 * 3)>
// CHECK-DAG: #[[$FILTER:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
// CHECK-DAG: #[[$OUTPUT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$BIAS:.+]] = affine_map<(d0, d1, d2, d3) -> (d1)>
// CHECK-DAG: #[[$GROUPED:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 + d5, d2, d4)>
// CHECK-DAG: #[[$CORRELATED:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2 + d4)>

// The input is padded as far as windows reach: the last column of the 9 + 1 + 1 is not. The sums
// start from the bias.
// CHECK-LABEL: func @forward
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x8x9xf32>, %[[W:[^:]+]]: tensor<4x3x3x3xf32>, %[[B:[^:]+]]: tensor<4xf32>, %[[INIT:[^:]+]]: tensor<2x4x4x3xf32>
// CHECK-DAG: %[[SUMS:.+]] = linalg.generic {{.*}}indexing_maps = [#[[$BIAS]], {{.*}} ins(%[[B]] : {{.*}}) outs(%[[INIT]]
// CHECK-DAG: %[[PADDED:.+]] = tensor.pad %[[X]] low[0, 0, 1, 1] high[0, 0, 0, 1]
// CHECK: %[[R:.+]] = linalg.generic {indexing_maps = [#[[$INPUT]], #[[$FILTER]], #[[$OUTPUT]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%[[PADDED]], %[[W]] : {{.*}}) outs(%[[SUMS]] :
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: return %[[R]]
func.func @forward(%x: tensor<2x3x8x9xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>,
                   %init: tensor<2x4x4x3xf32>) -> tensor<2x4x4x3xf32> {
  %y = dnn.convolution
      {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 3>}
      ins(%x, %w : tensor<2x3x8x9xf32>, tensor<4x3x3x3xf32>) bias(%b : tensor<4xf32>)
      outs(%init : tensor<2x4x4x3xf32>) -> tensor<2x4x4x3xf32>
  return %y : tensor<2x4x4x3xf32>
}

// Groups become a dimension of their own; f16 is summed in f32 and rounded once.
// CHECK-LABEL: func @grouped_f16
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x7x4xf16>, %[[W:[^:]+]]: tensor<6x3x2xf16>, %[[INIT:[^:]+]]: tensor<?x5x6xf16>
// CHECK-DAG: tensor.expand_shape %[[X]] {{\[}}[0], [1], [2, 3]] {{.*}} into tensor<?x7x2x2xf16>
// CHECK-DAG: tensor.expand_shape %[[W]] {{\[}}[0, 1], [2], [3]] {{.*}} into tensor<2x3x3x2xf16>
// CHECK: %[[SUMS:.+]] = linalg.generic {indexing_maps = [#[[$GROUPED]],
// CHECK-COUNT-2: arith.extf
// CHECK: arith.addf {{.*}} : f32
// CHECK: %[[MERGED:.+]] = tensor.collapse_shape %[[SUMS]] {{\[}}[0], [1], [2, 3]] : tensor<?x5x2x3xf32> into tensor<?x5x6xf32>
// CHECK: linalg.generic {{.*}} ins(%[[MERGED]] : {{.*}}) outs(%[[INIT]] :
// CHECK: arith.truncf {{.*}} : f32 to f16
func.func @grouped_f16(%x: tensor<?x7x4xf16>, %w: tensor<6x3x2xf16>, %init: tensor<?x5x6xf16>)
    -> tensor<?x5x6xf16> {
  %y = dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>, groups = 2 : i64, layout = #dnn.layout<channels_last>}
      ins(%x, %w : tensor<?x7x4xf16>, tensor<6x3x2xf16>)
      outs(%init : tensor<?x5x6xf16>) -> tensor<?x5x6xf16>
  return %y : tensor<?x5x6xf16>
}

// The input gradient correlates the padded output gradient with the flipped filter.
// CHECK-LABEL: func @input_grad
// CHECK-SAME: %[[DY:[^:]+]]: tensor<2x4x8xf32>, %[[W:[^:]+]]: tensor<4x3x3xf32>
// CHECK-DAG: %[[PADDED:.+]] = tensor.pad %[[DY]] low[0, 0, 1] high[0, 0, 1]
// CHECK-DAG: tensor.extract %[[W]]
// CHECK: linalg.generic {indexing_maps = [#[[$CORRELATED]], {{.*}} ins(%[[PADDED]], %{{.+}} :
func.func @input_grad(%dy: tensor<2x4x8xf32>, %w: tensor<4x3x3xf32>, %init: tensor<2x3x8xf32>)
    -> tensor<2x3x8xf32> {
  %dx = dnn.convolution_input_grad
      {strides = array<i64: 1>, padding_low = array<i64: 1>, padding_high = array<i64: 1>,
       dilations = array<i64: 1>}
      ins(%dy, %w : tensor<2x4x8xf32>, tensor<4x3x3xf32>)
      outs(%init : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %dx : tensor<2x3x8xf32>
}

// With strides the output gradient is spread out over zeros first.
// CHECK-LABEL: func @strided_input_grad
// CHECK-SAME: %[[DY:[^:]+]]: tensor<2x4x4xf32>
// CHECK: %[[ZEROS:.+]] = linalg.fill {{.*}} -> tensor<2x4x10xf32>
// CHECK: tensor.insert_slice %[[DY]] into %[[ZEROS]][0, 0, 1] [2, 4, 4] [1, 1, 2]
func.func @strided_input_grad(%dy: tensor<2x4x4xf32>, %w: tensor<4x3x3xf32>,
                              %init: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %dx = dnn.convolution_input_grad
      {strides = array<i64: 2>, padding_low = array<i64: 1>, padding_high = array<i64: 1>,
       dilations = array<i64: 1>}
      ins(%dy, %w : tensor<2x4x4xf32>, tensor<4x3x3xf32>)
      outs(%init : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %dx : tensor<2x3x8xf32>
}

// A pointwise filter sums over the output's positions, which are spread out afterwards.
// CHECK-LABEL: func @pointwise_input_grad
// CHECK: %[[SUMS:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<2x3x4xf32>)
// CHECK: %[[R:.+]] = tensor.insert_slice %[[SUMS]] into %{{.+}}[0, 0, 0] [2, 3, 4] [1, 1, 2] : tensor<2x3x4xf32> into tensor<2x3x8xf32>
// CHECK: return %[[R]]
func.func @pointwise_input_grad(%dy: tensor<2x4x4xf32>, %w: tensor<4x3x1xf32>,
                                %init: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %dx = dnn.convolution_input_grad
      {strides = array<i64: 2>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%dy, %w : tensor<2x4x4xf32>, tensor<4x3x1xf32>)
      outs(%init : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %dx : tensor<2x3x8xf32>
}

// A short weight gradient is one sum over batch and positions.
// CHECK-LABEL: func @weight_grad
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @weight_grad(%dy: tensor<2x4x6xf32>, %x: tensor<2x3x8xf32>, %init: tensor<4x3x3xf32>)
    -> tensor<4x3x3xf32> {
  %dw = dnn.convolution_weight_grad
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%dy, %x : tensor<2x4x6xf32>, tensor<2x3x8xf32>)
      outs(%init : tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  return %dw : tensor<4x3x3xf32>
}

// A long one sums each image first.
// CHECK-LABEL: func @long_weight_grad
// CHECK: %[[PARTIAL:.+]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]{{.*}} outs(%{{.+}} : tensor<8x4x3x3xf32>)
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]{{.*}} ins(%[[PARTIAL]]
func.func @long_weight_grad(%dy: tensor<8x4x1022xf32>, %x: tensor<8x3x1024xf32>,
                            %init: tensor<4x3x3xf32>) -> tensor<4x3x3xf32> {
  %dw = dnn.convolution_weight_grad
      {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
       dilations = array<i64: 1>}
      ins(%dy, %x : tensor<8x4x1022xf32>, tensor<8x3x1024xf32>)
      outs(%init : tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  return %dw : tensor<4x3x3xf32>
}
