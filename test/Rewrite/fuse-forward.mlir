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
