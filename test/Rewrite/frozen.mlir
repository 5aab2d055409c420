// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize=plan=false | FileCheck %s

// With frozen statistics relu is left alone if dy has a part that does not pass through it.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @frozen_relu_bypassed
// CHECK: abn.batch_norm_inference {{.*}}abn.reason = "its activation relu is not invertible where its gradient does not pass through it"
func.func @frozen_relu_bypassed(%in: !full, %g: !vec, %b: !vec, %m: !vec, %v: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full) stats(%m, %v : !vec, !vec)
      gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  %z = abn.activation #abn.relu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy0 = abn.activation_grad #abn.relu {from_output} ins(%dz, %z : !full, !full) outs(%e : !full) -> !full
  %dy = linalg.generic #sum ins(%dy0, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// A frozen relu's mask must see z itself: it is kept, not rebuilt from the sum.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @frozen_relu6_before_sum
// CHECK: abn.inplace_inference #abn.hardtanh<0.0, 6.0> {{.*}}"in-place"
// CHECK-NOT: arith.subf
func.func @frozen_relu6_before_sum(%in: !full, %g: !vec, %b: !vec, %m: !vec, %v: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full) stats(%m, %v : !vec, !vec)
      gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  %z = abn.activation #abn.hardtanh<0.0, 6.0> ins(%y1 : !full) outs(%e : !full) -> !full
  %o = linalg.generic #sum ins(%z, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%o) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%o) : (!full) -> ()
  %dy = abn.activation_grad #abn.hardtanh<0.0, 6.0> {from_output} ins(%dz, %z : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// One frozen module used twice shares its statistics: each gradient finds its own forward.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @frozen_module_twice
// CHECK: %[[Z1:.+]] = abn.inplace_inference
// CHECK: %[[Z2:.+]] = abn.inplace_inference
// CHECK: abn.inplace_inference_backward {{.*}} ins(%[[Z2]]
// CHECK: abn.inplace_inference_backward {{.*}} ins(%[[Z1]]
func.func @frozen_module_twice(%in: !full, %g: !vec, %b: !vec, %m: !vec, %v: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %y1 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full) stats(%m, %v : !vec, !vec)
      gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %x2 = "test.conv"(%z1) : (!full) -> !full
  %y2 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x2 : !full) stats(%m, %v : !vec, !vec)
      gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  %z2 = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z2) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z1) : (!full) -> ()
  "test.conv_grad"(%z2) : (!full) -> ()
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %x2 : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dy1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dx2, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x1 : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1 : tensor<f32>, !full
}
