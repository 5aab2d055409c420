// RUN: abn-opt %s --split-input-file --abn-fuse-forward | FileCheck %s

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#rank0 = affine_map<(n, c, h, w) -> ()>

// A direct chain: z takes over x, the activation's gradient reads z, and the batch norm's gradient
// reads the recovered x.
// CHECK-LABEL: func @direct
// CHECK-SAME: abn.memory_before
// CHECK: %[[X:.+]] = dnn.convolution
// CHECK: %[[F:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01>
// CHECK-SAME: abn.chain = "bn1"
// CHECK-SAME: abn.strategy = "in-place"
// CHECK-SAME: outs(%[[X]],
// CHECK-NOT: abn.activation #
// CHECK: %[[DY:.+]] = abn.activation_grad {{.*}}from_output{{.*}} ins(%{{.+}}, %[[F]]#0
// CHECK: %[[R:.+]] = abn.recover #abn.leaky_relu<0.01> {{.*}} ins(%[[F]]#0
// CHECK-SAME: stats(%[[F]]#1, %[[F]]#2
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]], %[[R]]
func.func @direct(%in: tensor<2x3x8x8xf32>, %w: tensor<4x3x3x3xf32>,
                  %g: tensor<4xf32> {abn.name = "bn1.weight"}, %b: tensor<4xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<2x4x8x8xf32>
  %s = tensor.empty() : tensor<4xf32>
  %r = tensor.empty() : tensor<f32>
  %x = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%in, %w : tensor<2x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%e : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x4x8x8xf32>) gamma(%g : tensor<4xf32>) beta(%b : tensor<4xf32>) outs(%e, %s, %s : tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : tensor<2x4x8x8xf32>) outs(%e : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %loss = linalg.generic {indexing_maps = [#id, #rank0], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%z : tensor<2x4x8x8xf32>) outs(%r : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %sum = arith.addf %a, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<f32>
  %one = arith.constant 1.0 : f32
  %dz = linalg.fill ins(%one : f32) outs(%e : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) outs(%e : tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) stats(%m, %v : tensor<4xf32>, tensor<4xf32>) gamma(%g : tensor<4xf32>) outs(%e, %s, %s : tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>
  return %loss, %dx, %dg, %db : tensor<f32>, tensor<2x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#rank0 = affine_map<(n, c, h, w) -> ()>
!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// The gradient of prelu goes on reading y of a chain that is kept: a slope below 0 would lose z's sign.
// CHECK-LABEL: func @prelu_of_kept_chain
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {{.*}}abn.reason = "its gamma policy is keep"
// CHECK: abn.activation #abn.prelu ins(%[[BN]]#0
// CHECK: abn.activation_grad #abn.prelu ins(%{{[^,]+}}, %[[BN]]#0
func.func @prelu_of_kept_chain(%x: !full, %g: !vec, %b: !vec, %a: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %r = tensor.empty() : tensor<f32>
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.gamma_policy = "keep"} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.prelu ins(%y : !full) params(%a : !vec) outs(%e : !full) -> !full
  %loss = linalg.generic {indexing_maps = [#id, #rank0], iterator_types = ["reduction", "reduction", "reduction", "reduction"]}
      ins(%z : !full) outs(%r : tensor<f32>) {
  ^bb0(%p: f32, %acc: f32):
    %sum = arith.addf %p, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<f32>
  %one = arith.constant 1.0 : f32
  %dz = linalg.fill ins(%one : f32) outs(%e : !full) -> !full
  %dy = abn.activation_grad #abn.prelu ins(%dz, %y : !full, !full) params(%a : !vec) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}

// -----

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#rank0 = affine_map<(n, c, h, w) -> ()>
!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// That of leaky_relu reads z instead, so that y need not be kept on top of x.
// CHECK-LABEL: func @leaky_of_kept_chain
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {{.*}}abn.reason = "its gamma policy is keep"
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> ins(%[[BN]]#0
// CHECK: abn.activation_grad #abn.leaky_relu<0.01> {from_output} ins(%{{[^,]+}}, %[[Z]] :
func.func @leaky_of_kept_chain(%x: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %r = tensor.empty() : tensor<f32>
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.gamma_policy = "keep"} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %loss = linalg.generic {indexing_maps = [#id, #rank0], iterator_types = ["reduction", "reduction", "reduction", "reduction"]}
      ins(%z : !full) outs(%r : tensor<f32>) {
  ^bb0(%p: f32, %acc: f32):
    %sum = arith.addf %p, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<f32>
  %one = arith.constant 1.0 : f32
  %dz = linalg.fill ins(%one : f32) outs(%e : !full) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}
