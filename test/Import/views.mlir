// RUN: abn-opt %s --abn-import-aten | FileCheck %s

// Copies and aliases vanish.
// CHECK-LABEL: func @copies
// CHECK-SAME: %[[X:[a-z0-9]+]]:
// CHECK-NEXT: return %[[X]]
func.func @copies(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = "aten.clone.default"(%x) <{args = ["%0"], memory_format = "torch.contiguous_format"}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = "aten.alias.default"(%0) <{args = ["%0"]}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %2 = "aten.view.default"(%1) <{args = ["%0", [4 : i64, -1 : i64]]}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// A view that merges is a collapse, one that splits an expand, one that does both goes over the
// common factors.
// CHECK-LABEL: func @reshape
// CHECK: tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2]] : tensor<4x6x5xf32> into tensor<24x5xf32>
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0, 1], [2]] {{.*}} into tensor<3x8x5xf32>
// CHECK: tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2]]
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0, 1], [2]] {{.*}} into tensor<6x4x5xf32>
func.func @reshape(%x: tensor<4x6x5xf32>) -> tensor<6x4x5xf32> {
  %0 = "aten.view.default"(%x) <{args = ["%0", [24 : i64, 5 : i64]]}> : (tensor<4x6x5xf32>) -> tensor<24x5xf32>
  %1 = "aten.reshape.default"(%0) <{args = ["%0", [3 : i64, 8 : i64, 5 : i64]]}> : (tensor<24x5xf32>) -> tensor<3x8x5xf32>
  %2 = "aten._unsafe_view.default"(%1) <{args = ["%0", [6 : i64, 4 : i64, 5 : i64]]}> : (tensor<3x8x5xf32>) -> tensor<6x4x5xf32>
  return %2 : tensor<6x4x5xf32>
}

// CHECK-LABEL: func @rank_zero
// CHECK: tensor.collapse_shape %{{.+}} [] : tensor<1x1xf32> into tensor<f32>
// CHECK: tensor.expand_shape %{{.+}} [] {{.*}} : tensor<f32> into tensor<1xf32>
func.func @rank_zero(%x: tensor<1x1xf32>) -> tensor<1xf32> {
  %0 = "aten.squeeze.default"(%x) <{args = ["%0"]}> : (tensor<1x1xf32>) -> tensor<f32>
  %1 = "aten.unsqueeze.default"(%0) <{args = ["%0", -1 : i64]}> : (tensor<f32>) -> tensor<1xf32>
  return %1 : tensor<1xf32>
}

// CHECK-LABEL: func @permutations
// CHECK: linalg.transpose {{.*}}permutation = [1, 0]
// CHECK: linalg.transpose {{.*}}permutation = [0, 2, 1]
func.func @permutations(%x: tensor<4x6xf32>, %y: tensor<2x3x4xf32>) -> (tensor<6x4xf32>, tensor<2x4x3xf32>) {
  %0 = "aten.t.default"(%x) <{args = ["%0"]}> : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %1 = "aten.transpose.int"(%y) <{args = ["%0", -1 : i64, 1 : i64]}> : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  return %0, %1 : tensor<6x4xf32>, tensor<2x4x3xf32>
}

// Bounds count from the end and are clamped.
// CHECK-LABEL: func @slices
// CHECK: tensor.extract_slice %{{.+}}[0, 3] [4, 3] [1, 1]
// CHECK: tensor.extract_slice %{{.+}}[0, 1] [4, 3] [1, 2]
// CHECK: tensor.extract_slice %{{.+}}[3, 0] [1, 6] [1, 1]
// CHECK: tensor.extract_slice %{{.+}}[0, 4] [4, 2] [1, 1]
func.func @slices(%x: tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<6xf32>, tensor<4x2xf32>) {
  %0 = "aten.slice.Tensor"(%x) <{args = ["%0", 1 : i64, -3 : i64, 9223372036854775807 : i64, 1 : i64]}> : (tensor<4x6xf32>) -> tensor<4x3xf32>
  %1 = "aten.slice.Tensor"(%x) <{args = ["%0", 1 : i64, 1 : i64, unit, 2 : i64]}> : (tensor<4x6xf32>) -> tensor<4x3xf32>
  %2 = "aten.select.int"(%x) <{args = ["%0", 0 : i64, -1 : i64]}> : (tensor<4x6xf32>) -> tensor<6xf32>
  %3:2 = "aten.split.Tensor"(%x) <{args = ["%0", 4 : i64, 1 : i64]}> : (tensor<4x6xf32>) -> (tensor<4x4xf32>, tensor<4x2xf32>)
  return %0, %1, %2, %3#1 : tensor<4x3xf32>, tensor<4x3xf32>, tensor<6xf32>, tensor<4x2xf32>
}

// CHECK-LABEL: func @assembled
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[0, 0] [4, 6] [1, 1]
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[0, 6] [4, 1] [1, 1]
// CHECK: tensor.pad %{{.+}} low[0, 1] high[0, 2]
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[1, 0] [4, 7] [2, 1]
func.func @assembled(%x: tensor<4x6xf32>, %y: tensor<4x1xf32>) -> (tensor<4x7xf32>, tensor<4x9xf32>, tensor<8x7xf32>) {
  %0 = "aten.cat.default"(%x, %y) <{args = [["%0", "%1"], 1 : i64]}> : (tensor<4x6xf32>, tensor<4x1xf32>) -> tensor<4x7xf32>
  %1 = "aten.constant_pad_nd.default"(%x) <{args = ["%0", [1 : i64, 2 : i64], 0.0 : f64]}> : (tensor<4x6xf32>) -> tensor<4x9xf32>
  %2 = "aten.slice_backward.default"(%0) <{args = ["%0", [8 : i64, 7 : i64], 0 : i64, 1 : i64, 8 : i64, 2 : i64]}> : (tensor<4x7xf32>) -> tensor<8x7xf32>
  return %0, %1, %2 : tensor<4x7xf32>, tensor<4x9xf32>, tensor<8x7xf32>
}
