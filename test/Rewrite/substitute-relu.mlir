// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize=plan=false | FileCheck %s --check-prefix=OFF
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false substitute-relu" | FileCheck %s --check-prefix=ON --implicit-check-not='relu>'

// relu is replaced only on request, forward and backward alike.

// OFF: abn.batch_norm {{.*}}abn.reason = "its activation relu is not invertible"
// OFF: abn.activation #abn.relu
// ON: abn.inplace_forward #abn.leaky_relu<0.01>
// ON: abn.inplace_backward #abn.leaky_relu<0.01>
!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
func.func @relu(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.relu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.relu {from_output} ins(%dz, %z : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}
