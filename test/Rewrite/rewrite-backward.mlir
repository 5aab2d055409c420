// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-fuse-forward --abn-rewrite-backward \
// RUN:   | FileCheck %s --implicit-check-not='abn.batch_norm {'

// The gradients of a direct chain become one op that overwrites the output's gradient.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @direct
// CHECK: %[[Z:.+]]:3 = abn.inplace_forward
// CHECK: %[[DZ:.+]] = "test.loss_grad"
// CHECK-NOT: abn.activation_grad
// CHECK-NOT: abn.recover
// CHECK: abn.inplace_backward #abn.leaky_relu<0.01> {{.*}} ins(%[[Z]]#0 {{.*}} stats(%[[Z]]#2 {{.*}} outs(%[[DZ]],
func.func @direct(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// dy is a sum, not the activation's gradient alone: y is recovered and the rest is an identity chain.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @summed_gradient
// CHECK: %[[Z:.+]]:3 = abn.inplace_forward
// CHECK: %[[DY1:.+]] = abn.activation_grad
// CHECK: %[[DY:.+]] = linalg.generic {{.*}} ins(%[[DY1]]
// CHECK: %[[Y:.+]] = abn.activation_inverse #abn.leaky_relu<0.01> ins(%[[Z]]#0
// CHECK: abn.inplace_backward #abn.identity {{.*}} ins(%[[Y]] {{.*}} outs(%[[DY]],
func.func @summed_gradient(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy0 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dy = linalg.generic #sum ins(%dy0, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// Another reader of x in the backward, and one of y, get recovered values.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @other_readers
// CHECK: %[[Z:.+]]:3 = abn.inplace_forward
// CHECK: %[[X:.+]] = abn.recover {{.*}} ins(%[[Z]]#0
// CHECK: linalg.generic {{.*}} ins(%[[X]], %
// CHECK: %[[Y:.+]] = abn.activation_inverse {{.*}} ins(%[[Z]]#0
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %
// CHECK: abn.inplace_backward
func.func @other_readers(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !full, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %p1 = linalg.generic #sum ins(%x, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %p2 = linalg.generic #sum ins(%y1, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %p1, %p2 : tensor<f32>, !full, !full, !full
}

// -----

// prelu: the slopes' gradient compares y with 0, which its inverse gets right.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @prelu
// CHECK: %[[Z:.+]]:3 = abn.inplace_forward #abn.prelu {{.*}} params(%[[A:[a-z0-9]+]] : 
// CHECK: %[[Y:.+]] = abn.activation_inverse #abn.prelu {{.*}} params(%[[A]]
// CHECK: linalg.generic {{.*}} ins(%[[Y]]
// CHECK: abn.inplace_backward #abn.prelu
func.func @prelu(%in: !full, %g: !vec, %b: !vec, %a: !vec) -> (tensor<f32>, !full, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.prelu ins(%y1 : !full) params(%a : !vec) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %da = linalg.generic #sum ins(%y1, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %zero = arith.constant 0.0 : f32
    %pos = arith.cmpf ogt, %p, %zero : f32
    %prod = arith.mulf %p, %q : f32
    %t = arith.select %pos, %zero, %prod : f32
    linalg.yield %t : f32
  } -> !full
  %dy = abn.activation_grad #abn.prelu ins(%dz, %y1 : !full, !full) params(%a : !vec) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %da : tensor<f32>, !full, !full
}

// -----

// Frozen statistics: relu will do, since dy is 0 where x cannot be recovered.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @frozen_relu
// CHECK: %[[Z:.+]] = abn.inplace_inference #abn.relu
// CHECK: %[[DZ:.+]] = "test.loss_grad"
// CHECK: abn.inplace_inference_backward #abn.relu {{.*}} ins(%[[Z]] {{.*}} outs(%[[DZ]],
func.func @frozen_relu(%in: !full, %g: !vec, %b: !vec, %m: !vec, %v: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full) stats(%m, %v : !vec, !vec)
      gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  %z = abn.activation #abn.relu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.relu {from_output} ins(%dz, %z : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}
