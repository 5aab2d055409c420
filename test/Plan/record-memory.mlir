// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory | FileCheck %s
// Counted again the figures are the same.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory --abn-record-memory | FileCheck %s
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory=loss-result=9 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LOSS

// LOSS: record-memory.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected the loss among the function's 3 results, got result 9

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// The bytes that cross (x and y of 2048, both statistics of 16, the loss of 4), the peak (the two, the gradient
// and the small ones), and the chain; a mark on the first op of the backward that there will be with buffers.
// CHECK-LABEL: func @step
// CHECK-SAME: abn.memory_after = {chains = [{
// CHECK-SAME: reason = "abn-fuse-forward did not run", saved_bytes_after = 4096 : i64
// CHECK-SAME: live = array<i64:
// CHECK-SAME: peak_live_bytes = 8228 : i64
// CHECK-SAME: saved_bytes = 4132 : i64
// CHECK: abn.batch_norm {
// CHECK-NOT: abn.backward
// CHECK: "test.loss_grad"
// CHECK: abn.activation_grad #abn.leaky_relu<0.01> {abn.backward}
// CHECK-NOT: abn.backward
func.func @step(%in: !full, %g: !vec {abn.name = "bn1.weight"}, %b: !vec) -> (tensor<f32> {abn.role = "loss"}, !full, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg : tensor<f32>, !full, !vec
}

// -----

// Without a loss there is nothing to say.
// CHECK-LABEL: func @no_loss
// CHECK-NOT: abn.memory_after
func.func @no_loss(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}
