// RUN: abn-opt %s --abn-import-aten | FileCheck %s

// CHECK-LABEL: func @convolution
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x4x8x8xf32>, %[[W:[a-z0-9]+]]: tensor<6x2x3x3xf32>, %[[B:[a-z0-9]+]]: tensor<6xf32>
// CHECK: dnn.convolution {{.*}}groups = 2 : i64{{.*}}strides = array<i64: 2, 2>{{.*}}ins(%[[X]], %[[W]] {{.*}}bias(%[[B]] :
func.func @convolution(%x: tensor<2x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) -> tensor<2x6x4x4xf32> {
  %0 = "aten.convolution.default"(%x, %w, %b) <{args = ["%0", "%1", "%2", [2 : i64, 2 : i64], [1 : i64, 1 : i64], [1 : i64, 1 : i64], false, [0 : i64, 0 : i64], 2 : i64]}>
      : (tensor<2x4x8x8xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<2x6x4x4xf32>
  return %0 : tensor<2x6x4x4xf32>
}

// Only what the mask asks for is computed; the bias gradient is a sum.
// CHECK-LABEL: func @convolution_backward
// CHECK-NOT: dnn.convolution_input_grad
// CHECK: %[[DW:.+]] = dnn.convolution_weight_grad
// CHECK: linalg.generic {{.*}}reduction{{.*}}outs({{.*}} : tensor<6xf32>)
func.func @convolution_backward(%dy: tensor<2x6x4x4xf32>, %x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> (tensor<6x4x3x3xf32>, tensor<6xf32>) {
  %0:3 = "aten.convolution_backward.default"(%dy, %x, %w) <{args = ["%0", "%1", "%2", [6 : i64], [2 : i64, 2 : i64], [1 : i64, 1 : i64], [1 : i64, 1 : i64], false, [0 : i64, 0 : i64], 1 : i64, [false, true, true]]}>
      : (tensor<2x6x4x4xf32>, tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>) -> (none, tensor<6x4x3x3xf32>, tensor<6xf32>)
  return %0#1, %0#2 : tensor<6x4x3x3xf32>, tensor<6xf32>
}

// A transposed convolution is an input gradient; its own input gradient is a convolution, and in its
// weight gradient the input and the output's gradient change places.
// CHECK-LABEL: func @transposed
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x6x4x4xf32>, %[[W:[a-z0-9]+]]: tensor<6x4x3x3xf32>, %[[DY:[a-z0-9]+]]: tensor
// CHECK: dnn.convolution_input_grad {{.*}}ins(%[[X]], %[[W]] {{.*}} -> tensor<2x4x8x8xf32>
// CHECK: dnn.convolution {{.*}}ins(%[[DY]], %[[W]]
// CHECK: dnn.convolution_weight_grad {{.*}}ins(%[[X]], %[[DY]]
func.func @transposed(%x: tensor<2x6x4x4xf32>, %w: tensor<6x4x3x3xf32>, %dy: tensor<2x4x8x8xf32>) -> (tensor<2x4x8x8xf32>, tensor<2x6x4x4xf32>, tensor<6x4x3x3xf32>) {
  %0 = "aten.convolution.default"(%x, %w) <{args = ["%0", "%1", unit, [2 : i64], [1 : i64], [1 : i64], true, [1 : i64], 1 : i64]}>
      : (tensor<2x6x4x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x4x8x8xf32>
  %1:3 = "aten.convolution_backward.default"(%dy, %x, %w) <{args = ["%0", "%1", "%2", unit, [2 : i64], [1 : i64], [1 : i64], true, [1 : i64], 1 : i64, [true, true, false]]}>
      : (tensor<2x4x8x8xf32>, tensor<2x6x4x4xf32>, tensor<6x4x3x3xf32>) -> (tensor<2x6x4x4xf32>, tensor<6x4x3x3xf32>, none)
  return %0, %1#0, %1#1 : tensor<2x4x8x8xf32>, tensor<2x6x4x4xf32>, tensor<6x4x3x3xf32>
}

// An empty stride is the kernel's size.
// CHECK-LABEL: func @pools
// CHECK: dnn.max_pool {{.*}}strides = array<i64: 2, 2>
// CHECK: dnn.max_pool_grad
// CHECK: dnn.avg_pool {{.*}}count_include_pad
func.func @pools(%x: tensor<2x4x8x8xf32>, %dy: tensor<2x4x4x4xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x8x8xf32>, tensor<2x4x4x4xf32>) {
  %0:2 = "aten.max_pool2d_with_indices.default"(%x) <{args = ["%0", [2 : i64], [], [0 : i64], [1 : i64], false]}> : (tensor<2x4x8x8xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xi64>)
  %1 = "aten.max_pool2d_with_indices_backward.default"(%dy, %x, %0#1) <{args = ["%0", "%1", [2 : i64], [], [0 : i64], [1 : i64], false, "%2"]}> : (tensor<2x4x4x4xf32>, tensor<2x4x8x8xf32>, tensor<2x4x4x4xi64>) -> tensor<2x4x8x8xf32>
  %2 = "aten.avg_pool2d.default"(%x) <{args = ["%0", [2 : i64, 2 : i64], [2 : i64, 2 : i64], [0 : i64, 0 : i64], false, true, unit]}> : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return %0#0, %1, %2 : tensor<2x4x4x4xf32>, tensor<2x4x8x8xf32>, tensor<2x4x4x4xf32>
}

// Sizes that divide are an ordinary pool, equal ones nothing, others one sum per axis.
// CHECK-LABEL: func @adaptive
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x4x8x8xf32>
// CHECK: %[[EVEN:.+]] = dnn.avg_pool {{.*}}kernel_size = array<i64: 4, 4>
// CHECK: linalg.generic {{.*}}outs({{.*}} : tensor<2x4x3x8xf32>)
// CHECK: %[[UNEVEN:.+]] = linalg.generic {{.*}}outs({{.*}} : tensor<2x4x3x3xf32>)
// CHECK: return %[[EVEN]], %[[X]], %
func.func @adaptive(%x: tensor<2x4x8x8xf32>) -> (tensor<2x4x2x2xf32>, tensor<2x4x8x8xf32>, tensor<2x4x3x3xf32>) {
  %0 = "aten._adaptive_avg_pool2d.default"(%x) <{args = ["%0", [2 : i64, 2 : i64]]}> : (tensor<2x4x8x8xf32>) -> tensor<2x4x2x2xf32>
  %1 = "aten._adaptive_avg_pool2d.default"(%x) <{args = ["%0", [8 : i64, 8 : i64]]}> : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %2 = "aten._adaptive_avg_pool2d.default"(%x) <{args = ["%0", [3 : i64, 3 : i64]]}> : (tensor<2x4x8x8xf32>) -> tensor<2x4x3x3xf32>
  return %0, %1, %2 : tensor<2x4x2x2xf32>, tensor<2x4x8x8xf32>, tensor<2x4x3x3xf32>
}

// CHECK-LABEL: func @resize
// CHECK: dnn.resize {{.*}}mode = #dnn.resize_mode<linear>
// CHECK: dnn.resize_grad {{.*}}mode = #dnn.resize_mode<nearest>
func.func @resize(%x: tensor<1x2x4x4xf32>, %dy: tensor<1x2x8x8xf32>) -> (tensor<1x2x8x8xf32>, tensor<1x2x4x4xf32>) {
  %0 = "aten.upsample_bilinear2d.vec"(%x) <{args = ["%0", unit, false, [2.0 : f64, 2.0 : f64]]}> : (tensor<1x2x4x4xf32>) -> tensor<1x2x8x8xf32>
  %1 = "aten.upsample_nearest2d_backward.default"(%dy) <{args = ["%0", [8 : i64, 8 : i64], [1 : i64, 2 : i64, 4 : i64, 4 : i64], unit, unit]}> : (tensor<1x2x8x8xf32>) -> tensor<1x2x4x4xf32>
  return %0, %1 : tensor<1x2x8x8xf32>, tensor<1x2x4x4xf32>
}

// f16 accumulates in f32.
// CHECK-LABEL: func @matrix_product
// CHECK: linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<4x8xf16>, tensor<8x5xf16>) outs(%{{.+}} : tensor<4x5xf32>)
// CHECK: arith.truncf
func.func @matrix_product(%b: tensor<5xf16>, %x: tensor<4x8xf16>, %w: tensor<8x5xf16>) -> tensor<4x5xf16> {
  %0 = "aten.addmm.default"(%b, %x, %w) <{args = ["%0", "%1", "%2"]}> : (tensor<5xf16>, tensor<4x8xf16>, tensor<8x5xf16>) -> tensor<4x5xf16>
  return %0 : tensor<4x5xf16>
}

// A counter-based mask; nothing is drawn for p = 0, for p = 1 or outside of training.
// CHECK-LABEL: func @dropout
// CHECK: linalg.index
// CHECK: arith.cmpf oge
// CHECK: arith.mulf
// CHECK-NOT: linalg.index
// CHECK: return
func.func @dropout(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0:2 = "aten.native_dropout.default"(%x) <{args = ["%0", 0.5 : f64, true]}> : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>)
  %1:2 = "aten.native_dropout.default"(%x) <{args = ["%0", 0.0 : f64, true]}> : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>)
  %2:2 = "aten.native_dropout.default"(%x) <{args = ["%0", 1.0 : f64, true]}> : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>)
  return %0#0, %1#0, %2#0 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// One op per element of the lists.
// CHECK-LABEL: func @foreach
// CHECK-COUNT-2: arith.divf
func.func @foreach(%a: tensor<4xf32>, %b: tensor<2x3xf32>, %c: tensor<4xf32>, %d: tensor<2x3xf32>) -> (tensor<4xf32>, tensor<2x3xf32>) {
  %0:2 = "aten._foreach_addcdiv.ScalarList"(%a, %b, %c, %d, %c, %d) <{args = [["%0", "%1"], ["%2", "%3"], ["%4", "%5"], [0.5 : f64, 0.25 : f64]]}>
      : (tensor<4xf32>, tensor<2x3xf32>, tensor<4xf32>, tensor<2x3xf32>, tensor<4xf32>, tensor<2x3xf32>) -> (tensor<4xf32>, tensor<2x3xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<2x3xf32>
}
