// RUN: abn-opt %s --abn-import-aten | FileCheck %s

// The class is read at the label, which is kept in range while it is ignored; the mean divides by
// the weights that count.
// CHECK-LABEL: func @cross_entropy
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x10xf32>, %[[T:[a-z0-9]+]]: tensor<4xi64>, %[[W:[a-z0-9]+]]: tensor<10xf32>
// CHECK: arith.cmpi ne, %{{.+}}, %c-100_i64
// CHECK: tensor.extract %[[W]]
// CHECK: tensor.extract %{{.+}}[%{{.+}}, %{{.+}}] : tensor<4x10xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction"]
// CHECK: arith.divf
func.func @cross_entropy(%x: tensor<4x10xf32>, %t: tensor<4xi64>, %w: tensor<10xf32>) -> tensor<f32> {
  %0 = "aten._log_softmax.default"(%x) <{args = ["%0", 1 : i64, false]}> : (tensor<4x10xf32>) -> tensor<4x10xf32>
  %1:2 = "aten.nll_loss_forward.default"(%0, %t, %w) <{args = ["%0", "%1", "%2", 1 : i64, -100 : i64]}> : (tensor<4x10xf32>, tensor<4xi64>, tensor<10xf32>) -> (tensor<f32>, tensor<f32>)
  return %1#0 : tensor<f32>
}

// The gradient compares positions with labels: nothing is scattered.
// CHECK-LABEL: func @of_maps
// CHECK: linalg.index 1
// CHECK-NOT: tensor.insert
// CHECK: return
func.func @of_maps(%d: tensor<f32>, %x: tensor<2x5x3x3xf32>, %t: tensor<2x3x3xi64>, %n: tensor<f32>) -> tensor<2x5x3x3xf32> {
  %0 = "aten.nll_loss2d_backward.default"(%d, %x, %t, %n) <{args = ["%0", "%1", "%2", unit, 1 : i64, 255 : i64, "%3"]}> : (tensor<f32>, tensor<2x5x3x3xf32>, tensor<2x3x3xi64>, tensor<f32>) -> tensor<2x5x3x3xf32>
  return %0 : tensor<2x5x3x3xf32>
}

// Long sums are taken in two levels, the innermost dimension first.
// CHECK-LABEL: func @long_sum
// CHECK: linalg.generic {{.*}}outs({{.*}} : tensor<8x3x64xf32>)
// CHECK: linalg.generic {{.*}}outs({{.*}} : tensor<3xf32>)
func.func @long_sum(%x: tensor<8x3x64x64xf32>) -> tensor<3xf32> {
  %0 = "aten.sum.dim_IntList"(%x) <{args = ["%0", [0 : i64, 2 : i64, 3 : i64], false]}> : (tensor<8x3x64x64xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// Two indices that run over different axes are summed one after the other.
// CHECK-LABEL: func @index_put
// CHECK-COUNT-2: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
func.func @index_put(%x: tensor<2x4x4xf32>, %i: tensor<8x1xi64>, %j: tensor<8xi64>, %v: tensor<2x8x8xf32>) -> tensor<2x4x4xf32> {
  %0 = "aten._unsafe_index_put.default"(%x, %i, %j, %v) <{args = ["%0", [unit, "%1", "%2"], "%3", true]}> : (tensor<2x4x4xf32>, tensor<8x1xi64>, tensor<8xi64>, tensor<2x8x8xf32>) -> tensor<2x4x4xf32>
  return %0 : tensor<2x4x4xf32>
}
