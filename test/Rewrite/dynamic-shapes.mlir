// Chains of unknown sizes: what reads only the shape of a replaced value reads that of the in-place op's result.
// RUN: abn-opt %s --allow-unregistered-dialect --abn-fuse-forward=verify-equivalence | FileCheck %s

// CHECK-LABEL: func @dim_of_normalised
// CHECK: %[[F:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01>
// CHECK-NOT: abn.batch_norm {
// CHECK: "test.loss"(%[[F]]#0)
// CHECK: abn.recover
// CHECK: abn.batch_norm_grad
!full = tensor<?x4x8xf32>
!vec = tensor<4xf32>
func.func @dim_of_normalised(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %in, %c0 : !full
  %e = tensor.empty(%n) : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %ny = tensor.dim %y, %c0 : !full
  %ez = tensor.empty(%ny) : !full
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%ez : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}
