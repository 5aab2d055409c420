// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory | FileCheck %s
// Counted again the figures are the same.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory --abn-record-memory | FileCheck %s
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory=dynamic-size=2 \
// RUN:   | FileCheck %s --check-prefix=TWO
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory=loss-result=9 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LOSS

// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-record-memory=dynamic-size=-3 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SIZE

// SIZE: error: expected no negative option `dynamic-size`, got -3
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

// -----

!full = tensor<?x4x8x8xf32>
!vec = tensor<4xf32>

// A size that is known when the step runs counts as the plan counts it, or as the option says: x of 8 * 1024 bytes,
// or 2 * 1024, and the loss of 4 cross.
// CHECK-LABEL: func @dynamic
// CHECK-SAME: dynamic_size = 8 : i64
// CHECK-SAME: bytes = 8192 : i64
// CHECK-SAME: saved_bytes = 8196 : i64
// TWO-LABEL: func @dynamic
// TWO-SAME: dynamic_size = 2 : i64
// TWO-SAME: saved_bytes = 2052 : i64
func.func @dynamic(%in: !full) -> (tensor<f32> {abn.role = "loss"}, !full) {
  %x = "test.conv"(%in) : (!full) -> !full
  %loss = "test.loss"(%x) : (!full) -> tensor<f32>
  %dx = "test.loss_grad"(%loss, %x) : (tensor<f32>, !full) -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<?x4x8x8xf32>

// What the plan is for comes first.
// CHECK-LABEL: func @planned
// CHECK-SAME: abn.memory_after = {chains = [], dynamic_size = 3 : i64
// CHECK-SAME: saved_bytes = 3076 : i64
func.func @planned(%in: !full) -> (tensor<f32> {abn.role = "loss"}, !full) attributes {abn.plan = {dynamic_size = 3 : i64}} {
  %x = "test.conv"(%in) : (!full) -> !full
  %loss = "test.loss"(%x) : (!full) -> tensor<f32>
  %dx = "test.loss_grad"(%loss, %x) : (tensor<f32>, !full) -> !full
  return %loss, %dx : tensor<f32>, !full
}
