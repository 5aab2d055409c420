// Activations of a batch that is known only when the step runs.
// RUN: abn-opt %s --abn-recognize | FileCheck %s
// RUN: abn-opt %s --abn-recognize=verify-equivalence | FileCheck %s

#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#flat = affine_map<(a, b, c) -> (a, b, c)>
#sum = affine_map<(a, b, c, d) -> ()>

// The gradient of z comes with fewer dimensions and is expanded: so it is for its new reader.
// CHECK-LABEL: func @expanded_gradient
// CHECK: %[[Y:.+]]:3 = abn.batch_norm
// CHECK: abn.activation #abn.leaky_relu<0.01> ins(%[[Y]]#0
// CHECK: %[[DZ:.+]] = tensor.expand_shape {{.*}} into tensor<?x8x4x4xf32>
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> ins(%[[DZ]], %[[Y]]#0
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]],
func.func @expanded_gradient(%x: tensor<?x8x4x4xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>, %up: tensor<?x8x16xf32>) -> (tensor<f32>, tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x4x4xf32>
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %e = tensor.empty(%n) : tensor<?x8x4x4xf32>
  %s = tensor.empty() : tensor<8xf32>
  %y:3 = abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.0e-05 : f64} ins(%x : tensor<?x8x4x4xf32>) gamma(%g : tensor<8xf32>) beta(%b : tensor<8xf32>) outs(%e, %s, %s : tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y#0 : tensor<?x8x4x4xf32>) outs(%e : tensor<?x8x4x4xf32>) {
  ^bb0(%v: f32, %o: f32):
    %c = arith.cmpf ogt, %v, %zero : f32
    %m = arith.mulf %v, %slope : f32
    %r = arith.select %c, %v, %m : f32
    linalg.yield %r : f32
  } -> tensor<?x8x4x4xf32>
  %ls = tensor.empty() : tensor<f32>
  %l0 = linalg.fill ins(%zero : f32) outs(%ls : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#id, #sum], iterator_types = ["reduction", "reduction", "reduction", "reduction"]} ins(%z : tensor<?x8x4x4xf32>) outs(%l0 : tensor<f32>) {
  ^bb0(%v: f32, %o: f32):
    %q = arith.mulf %v, %v : f32
    %r = arith.addf %q, %o : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  %he = tensor.empty(%n) : tensor<?x8x16xf32>
  %h = linalg.generic {indexing_maps = [#flat, #flat], iterator_types = ["parallel", "parallel", "parallel"]} ins(%up : tensor<?x8x16xf32>) outs(%he : tensor<?x8x16xf32>) {
  ^bb0(%v: f32, %o: f32):
    %r = math.sin %v : f32
    linalg.yield %r : f32
  } -> tensor<?x8x16xf32>
  %dz = tensor.expand_shape %h [[0], [1], [2, 3]] output_shape [%n, 8, 4, 4] : tensor<?x8x16xf32> into tensor<?x8x4x4xf32>
  %dy = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%dz, %y#0 : tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) outs(%e : tensor<?x8x4x4xf32>) {
  ^bb0(%d: f32, %v: f32, %o: f32):
    %c = arith.cmpf ogt, %v, %zero : f32
    %m = arith.mulf %d, %slope : f32
    %r = arith.select %c, %d, %m : f32
    linalg.yield %r : f32
  } -> tensor<?x8x4x4xf32>
  %dx:3 = abn.batch_norm_grad {channel_dim = 1 : i64, epsilon = 1.0e-05 : f64} ins(%dy, %x : tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) stats(%y#1, %y#2 : tensor<8xf32>, tensor<8xf32>) gamma(%g : tensor<8xf32>) outs(%e, %s, %s : tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
  return %loss, %dx#0, %dx#1, %dx#2 : tensor<f32>, tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
}
