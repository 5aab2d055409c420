// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-dispatch-gamma | FileCheck %s
// Versions have no versions.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-dispatch-gamma --abn-dispatch-gamma | FileCheck %s
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-dispatch-gamma=gamma-threshold=0.25 \
// RUN:   | FileCheck %s --check-prefix=THRESHOLD
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-dispatch-gamma=gamma-policy=trust \
// RUN:   | FileCheck %s --check-prefix=TRUST
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-dispatch-gamma=gamma-policy=hope 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BAD

// BAD: dispatch-gamma.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected trust, check, clamp, abs or keep as gamma policy, got `hope`

// Two chains and one step: the rewritten version, the one as it was, and a function of the old name that takes
// the smallest |gamma| of both chains, NaN if one is, and calls the first if that is large enough.
// CHECK: func.func @step(
// CHECK-SAME: %[[X:arg[0-9]+]]: tensor<2x4x8x8xf32>, %[[G1:arg[0-9]+]]: tensor<4xf32> {abn.name = "bn1.weight"},
// CHECK-SAME: -> (tensor<f32> {abn.role = "loss"},
// CHECK-SAME: abn.memory_before
// CHECK-SAME: abn.versions = [@step_invert, @step_exact]
// CHECK: %[[INF:.+]] = arith.constant 0x7FF0000000000000 : f64
// CHECK: %[[V1:.+]] = tensor.cast %{{.+}} : tensor<4xf32> to tensor<?xf32>
// CHECK: %[[M1:.+]] = call @[[MINIMUM:.+]](%[[V1]], %[[INF]])
// CHECK: %[[V2:.+]] = tensor.cast
// CHECK: %[[M2:.+]] = call @[[MINIMUM]](%[[V2]], %[[M1]])
// CHECK: %[[LIMIT:.+]] = arith.constant 1.000000e-03 : f64
// CHECK: %[[LARGE:.+]] = arith.cmpf oge, %[[M2]], %[[LIMIT]] : f64
// CHECK: scf.if %[[LARGE]]
// CHECK: call @step_invert(
// CHECK: } else {
// CHECK: call @step_exact(
// CHECK: func.func private @[[MINIMUM]](
// CHECK: math.absf
// CHECK: arith.minimumf
// CHECK: func.func private @step_invert(
// CHECK-SAME: abn.fallback = @step_exact
// CHECK: abn.inplace_forward
// CHECK: abn.inplace_backward
// CHECK: func.func private @step_exact(
// CHECK-SAME: abn.is_fallback
// CHECK-NOT: abn.inplace
// CHECK: abn.batch_norm_grad
// THRESHOLD: arith.constant 2.500000e-01 : f64
// The policy is the inverting version's: what it does if a gamma is lost all the same.
// TRUST: func.func private @step_invert
// TRUST: abn.inplace_backward {{.*}}gamma_policy = #abn.gamma_policy<trust>
!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
func.func @step(%in: !full, %g1: !vec {abn.name = "bn1.weight"}, %g2: !vec {abn.name = "bn2.weight"}, %b: !vec) -> (tensor<f32> {abn.role = "loss"}, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g1 : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %x2 = "test.conv"(%z1) : (!full) -> !full
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x2 : !full)
      gamma(%g2 : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z2 = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z2) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %x2 : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g2 : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz1 = "test.conv_grad"(%dx2, %z1) : (!full, !full) -> !full
  %dy1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz1, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g1 : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %dg2 : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// An activation that cannot be inverted: nothing to choose, one version.
// CHECK-LABEL: func.func @nothing_to_invert
// CHECK-NOT: abn.versions
// CHECK: abn.batch_norm {{.*}}abn.reason
// CHECK-NOT: func.func
func.func @nothing_to_invert(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32> {abn.role = "loss"}, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.relu ins(%y : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.relu ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// A gamma that the step itself computes is not there to be looked at before: one version, with its policy.
// CHECK-LABEL: func.func @computed_gamma
// CHECK-NOT: abn.versions
// CHECK: abn.inplace_backward
// CHECK-NOT: func.func
func.func @computed_gamma(%in: !full, %seed: tensor<f32>, %b: !vec) -> (tensor<f32> {abn.role = "loss"}, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %g = "test.gamma"(%seed) : (tensor<f32>) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// Names that are taken: the new functions have others, and what calls the old ones still does.
// CHECK-LABEL: func.func @taken(
// CHECK-SAME: abn.versions = [@[[INVERT:taken_invert_[0-9]+]], @[[EXACT:taken_exact_[0-9]+]]]
// CHECK: call @[[MINIMUM:smallest_magnitude_[0-9]+]](
// CHECK: call @[[INVERT]](
// CHECK: call @[[EXACT]](
// CHECK: func.func private @[[MINIMUM]](%{{.+}}: tensor<?xf32>
// CHECK: func.func private @[[INVERT]]({{.+}}{abn.fallback = @[[EXACT]]
// CHECK: func.func private @[[EXACT]](
// CHECK: func.func private @smallest_magnitude(f32) -> f32
// CHECK: func.func private @taken_invert(f32) -> f32
// CHECK: func.func private @taken_exact(f32) -> f32
func.func @taken(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32> {abn.role = "loss"}, !full, !vec, !vec) {
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
  return %loss, %dx, %dg, %db : tensor<f32>, !full, !vec, !vec
}
func.func private @smallest_magnitude(f32) -> f32
func.func private @taken_invert(f32) -> f32
func.func private @taken_exact(f32) -> f32
