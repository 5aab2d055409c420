// RUN: abn-opt %s --abn-import-aten | FileCheck %s

!t = tensor<2x3x4x4xf32>

// CHECK-LABEL: func @leaky_relu
// CHECK-SAME: %[[Y:[a-z0-9]+]]: tensor<2x3x4x4xf32>, %[[DZ:[a-z0-9]+]]: tensor
// CHECK: abn.activation #abn.leaky_relu<0.01>{{.*}}ins(%[[Y]] :
// CHECK: abn.activation_grad #abn.leaky_relu<0.01>{{.*}}ins(%[[DZ]], %[[Y]] :
// CHECK-NOT: from_output
func.func @leaky_relu(%y: !t, %dz: !t) -> (!t, !t) {
  %z = "aten.leaky_relu.default"(%y) <{args = ["%0", 0.01 : f64]}> : (!t) -> !t
  %dy = "aten.leaky_relu_backward.default"(%dz, %y) <{args = ["%0", "%1", 0.01 : f64, false]}> : (!t, !t) -> !t
  return %z, %dy : !t, !t
}

// PyTorch's relu gradient reads the result, here through an alias.
// CHECK-LABEL: func @relu
// CHECK: %[[Z:.+]] = abn.activation #abn.relu
// CHECK: abn.activation_grad #abn.relu {{.*}}from_output{{.*}} ins(%{{.+}}, %[[Z]] :
func.func @relu(%y: !t, %dz: !t) -> (!t, !t) {
  %z = "aten.relu.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  %a = "aten.alias.default"(%z) <{args = ["%0"]}> : (!t) -> !t
  %dy = "aten.threshold_backward.default"(%dz, %a) <{args = ["%0", "%1", 0 : i64]}> : (!t, !t) -> !t
  return %z, %dy : !t, !t
}

// Another threshold is no activation's.
// CHECK-LABEL: func @threshold
// CHECK-NOT: abn.activation_grad
// CHECK: arith.cmpf ole
func.func @threshold(%y: !t, %dz: !t) -> !t {
  %dy = "aten.threshold_backward.default"(%dz, %y) <{args = ["%0", "%1", 0.5 : f64]}> : (!t, !t) -> !t
  return %dy : !t
}

// CHECK-LABEL: func @families
// CHECK: abn.activation #abn.elu<1.5, scale = 2.0, input_scale = 3.0>
// CHECK: abn.activation_grad #abn.elu<1.5, scale = 2.0, input_scale = 3.0> {{.*}}from_output
// CHECK: abn.activation #abn.hardtanh<0.0, 6.0>
// CHECK: abn.activation #abn.softplus<1.0, threshold = 20.0>
// CHECK: abn.activation #abn.gelu
// CHECK: abn.activation #abn.gelu_tanh
// CHECK: abn.activation #abn.sigmoid
// CHECK: abn.activation_grad #abn.sigmoid {{.*}}from_output
// CHECK: abn.activation #abn.silu
// CHECK: abn.activation #abn.mish
// CHECK: abn.activation #abn.hardswish
func.func @families(%y: !t, %d: !t) -> (!t, !t, !t, !t, !t, !t, !t, !t, !t, !t, !t) {
  %0 = "aten.elu.default"(%y) <{args = ["%0", 1.5 : f64, 2 : i64, 3.0 : f64]}> : (!t) -> !t
  %1 = "aten.elu_backward.default"(%d, %0) <{args = ["%0", 1.5 : f64, 2 : i64, 3.0 : f64, true, "%1"]}> : (!t, !t) -> !t
  %2 = "aten.hardtanh.default"(%y) <{args = ["%0", 0.0 : f64, 6.0 : f64]}> : (!t) -> !t
  %3 = "aten.softplus.default"(%y) <{args = ["%0", 1 : i64, 20 : i64]}> : (!t) -> !t
  %4 = "aten.gelu.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  %5 = "aten.gelu.default"(%y) <{args = ["%0"], approximate = "tanh"}> : (!t) -> !t
  %6 = "aten.sigmoid.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  %7 = "aten.sigmoid_backward.default"(%d, %6) <{args = ["%0", "%1"]}> : (!t, !t) -> !t
  %8 = "aten.silu.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  %9 = "aten.mish.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  %10 = "aten.hardswish.default"(%y) <{args = ["%0"]}> : (!t) -> !t
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : !t, !t, !t, !t, !t, !t, !t, !t, !t, !t, !t
}

// One slope for all channels is repeated; the slope's own gradient is elementwise.
// CHECK-LABEL: func @prelu
// CHECK: %[[A:.+]] = linalg.generic {{.*}}outs({{.*}} : tensor<3xf32>)
// CHECK: abn.activation #abn.prelu {{.*}}params(%{{.+}} : tensor<3xf32>)
// CHECK: abn.activation_grad #abn.prelu {{.*}}params(%{{.+}} : tensor<3xf32>)
func.func @prelu(%y: !t, %d: !t, %w: tensor<1x1x1x1xf32>) -> (!t, !t, !t) {
  %z = "aten._prelu_kernel.default"(%y, %w) <{args = ["%0", "%1"]}> : (!t, tensor<1x1x1x1xf32>) -> !t
  %dy, %dw = "aten._prelu_kernel_backward.default"(%d, %y, %w) <{args = ["%0", "%1", "%2"]}> : (!t, !t, tensor<1x1x1x1xf32>) -> (!t, !t)
  return %z, %dy, %dw : !t, !t, !t
}

// abn has no ranks below 2: the same arithmetic as a linalg.generic.
// CHECK-LABEL: func @rank_one
// CHECK-NOT: abn.activation
// CHECK: linalg.generic {{.*}}outs({{.*}} : tensor<5xf32>)
func.func @rank_one(%y: tensor<5xf32>) -> tensor<5xf32> {
  %z = "aten.relu.default"(%y) <{args = ["%0"]}> : (tensor<5xf32>) -> tensor<5xf32>
  return %z : tensor<5xf32>
}
