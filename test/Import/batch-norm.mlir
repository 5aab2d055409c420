// RUN: abn-opt %s --abn-import-aten | FileCheck %s

!t = tensor<2x3x4x4xf32>
!v = tensor<3xf32>

// The gradient takes the statistics from the batch norm itself, so that 1/sqrt(variance + eps) is
// not even computed; the chain has the module's name. 32/31 corrects the running variance.
// CHECK-LABEL: func @training
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x3x4x4xf32>
// CHECK-NOT: math.sqrt
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {abn.chain = "layer1.bn", {{.*}}epsilon = 1.000000e-05 : f64} ins(%[[X]] :
// CHECK: linalg.generic {{.*}}%[[BN]]#1
// CHECK: arith.constant 1.03225803 : f32
// CHECK: %[[G:.+]]:3 = abn.batch_norm_grad {{.*}}ins(%{{.+}}, %[[X]] : {{.*}}stats(%[[BN]]#1, %[[BN]]#2 :
// CHECK: return %[[BN]]#0, %{{.+}}, %{{.+}}, %[[G]]#0, %[[G]]#1, %[[G]]#2
func.func @training(%x: !t, %g: !v {abn.name = "layer1.bn.weight"}, %b: !v, %rm: !v, %rv: !v, %dy: !t)
    -> (!t, !v, !v, !t, !v, !v) {
  %0:5 = "aten._native_batch_norm_legit_functional.default"(%x, %g, %b, %rm, %rv) <{args = ["%0", "%1", "%2", "%3", "%4", true, 0.1 : f64, 1.0e-5 : f64]}>
      : (!t, !v, !v, !v, !v) -> (!t, !v, !v, !v, !v)
  %1:3 = "aten.native_batch_norm_backward.default"(%dy, %x, %g, %0#3, %0#4, %0#1, %0#2) <{args = ["%0", "%1", "%2", "%3", "%4", "%5", "%6", true, 1.0e-5 : f64, [true, true, true]]}>
      : (!t, !t, !v, !v, !v, !v, !v) -> (!t, !v, !v)
  return %0#0, %0#3, %0#4, %1#0, %1#1, %1#2 : !t, !v, !v, !t, !v, !v
}

// Evaluation mode: the running statistics, unchanged, and empty saved ones.
// CHECK-LABEL: func @evaluation
// CHECK-SAME: %[[RM:[a-z0-9]+]]: tensor<3xf32>, %[[RV:[a-z0-9]+]]: tensor<3xf32>, %[[DY:[a-z0-9]+]]: tensor
// CHECK-NOT: abn.batch_norm {
// CHECK: %[[Y:.+]] = abn.batch_norm_inference {{.*}}stats(%[[RM]], %[[RV]] :
// CHECK-NOT: gamma
// CHECK: %[[G:.+]]:3 = abn.batch_norm_inference_grad {{.*}}stats(%[[RM]], %[[RV]] :
// CHECK: return %[[Y]], %[[RM]], %[[RV]], %[[G]]#0
func.func @evaluation(%x: !t, %rm: !v, %rv: !v, %dy: !t) -> (!t, !v, !v, !t) {
  %0:5 = "aten._native_batch_norm_legit_functional.default"(%x, %rm, %rv) <{args = ["%0", unit, unit, "%1", "%2", false, 0.1 : f64, 1.0e-5 : f64]}>
      : (!t, !v, !v) -> (!t, tensor<0xf32>, tensor<0xf32>, !v, !v)
  %1:3 = "aten.native_batch_norm_backward.default"(%dy, %x, %rm, %rv, %0#1, %0#2) <{args = ["%0", "%1", unit, "%2", "%3", "%4", "%5", false, 1.0e-5 : f64, [true, false, false]]}>
      : (!t, !t, !v, !v, tensor<0xf32>, tensor<0xf32>) -> (!t, none, none)
  return %0#0, %0#3, %0#4, %1#0 : !t, !v, !v, !t
}

// Saved statistics that come from elsewhere: variance = 1/invstd^2 - eps.
// CHECK-LABEL: func @foreign_statistics
// CHECK: %[[V:.+]] = linalg.generic {{.*}}outs({{.*}} : tensor<3xf32>)
// CHECK: abn.batch_norm_grad {{.*}}stats(%{{.+}}, %{{.+}} : tensor<3xf32>, tensor<3xf32>)
func.func @foreign_statistics(%dy: !t, %x: !t, %m: !v, %s: !v) -> !t {
  %0:3 = "aten.native_batch_norm_backward.default"(%dy, %x, %m, %s) <{args = ["%0", "%1", unit, unit, unit, "%2", "%3", true, 1.0e-5 : f64, [true, false, false]]}>
      : (!t, !t, !v, !v) -> (!t, none, none)
  return %0#0 : !t
}

// A module that is called twice is two chains; without parameters the location's name serves.
// CHECK-LABEL: func @names
// CHECK: abn.chain = "bn"
// CHECK: abn.chain = "bn#2"
// CHECK: abn.chain = "head.norm"
// CHECK: abn.chain = "bn3"
func.func @names(%x: !t, %g: !v {abn.name = "bn.weight"}) -> !t {
  %0:3 = "aten._native_batch_norm_legit.no_stats"(%x, %g) <{args = ["%0", "%1", unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (!t, !v) -> (!t, !v, !v)
  %1:3 = "aten._native_batch_norm_legit.no_stats"(%0#0, %g) <{args = ["%0", "%1", unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (!t, !v) -> (!t, !v, !v)
  %2:3 = "aten._native_batch_norm_legit.no_stats"(%1#0) <{args = ["%0", unit, unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (!t) -> (!t, !v, !v) loc("head.norm")
  %3:3 = "aten._native_batch_norm_legit.no_stats"(%2#0) <{args = ["%0", unit, unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (!t) -> (!t, !v, !v) loc("file.py":1:1)
  return %3#0 : !t
}

// f16 data with f32 parameters: the statistics stay in f32.
// CHECK-LABEL: func @mixed
// CHECK: abn.batch_norm {{.*}}ins(%{{.+}} : tensor<2x3xf16>) gamma(%{{.+}} : tensor<3xf32>)
// CHECK-SAME: -> tensor<2x3xf16>, tensor<3xf32>, tensor<3xf32>
func.func @mixed(%x: tensor<2x3xf16>, %g: !v) -> (tensor<2x3xf16>, !v) {
  %0:3 = "aten._native_batch_norm_legit.no_stats"(%x, %g) <{args = ["%0", "%1", unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (tensor<2x3xf16>, !v) -> (tensor<2x3xf16>, !v, !v)
  return %0#0, %0#1 : tensor<2x3xf16>, !v
}

// Layer and group norm never become abn ops.
// CHECK-LABEL: func @other_norms
// CHECK-NOT: abn.batch_norm
// CHECK: return
func.func @other_norms(%x: !t, %g: !v) -> (!t, !t) {
  %0:3 = "aten.native_layer_norm.default"(%x) <{args = ["%0", [4 : i64, 4 : i64], unit, unit, 1.0e-5 : f64]}> : (!t) -> (!t, tensor<2x3x1x1xf32>, tensor<2x3x1x1xf32>)
  %1:3 = "aten.native_group_norm.default"(%x, %g) <{args = ["%0", "%1", unit, 2 : i64, 3 : i64, 16 : i64, 1 : i64, 1.0e-5 : f64]}> : (!t, !v) -> (!t, tensor<2x1xf32>, tensor<2x1xf32>)
  return %0#0, %1#0 : !t, !t
}
