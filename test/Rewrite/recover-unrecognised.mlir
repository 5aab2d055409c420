// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-fuse-forward=verify-equivalence \
// RUN:   | FileCheck %s
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize="plan=false verify-equivalence" \
// RUN:   --remarks-filter-missed=abn 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// A batch norm whose gradient is no abn op, as where recognition did not find it: its chain is computed in
// place all the same if what the backward reads can be recovered.

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// x - mean and the mask of y stand in the forward, but only the backward reads them: they move down to their
// readers, and take the recovered x and y there.
// REMARK-NOT: [Missed] {{.*}}left alone
// CHECK-LABEL: func @late_recovery
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: %[[F:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01> {{.*}} outs(%[[X]],
// CHECK-NOT: %[[X]]
// CHECK-NOT: linalg.generic
// CHECK: "test.loss"(%[[F]]#0)
// CHECK: %[[DZ:.+]] = "test.loss_grad"
// CHECK: %[[Y:.+]] = abn.activation_inverse #abn.leaky_relu<0.01> ins(%[[F]]#0
// CHECK: %[[MASK:.+]] = linalg.generic {{.*}} ins(%[[Y]] :
// CHECK: arith.cmpf oge
// CHECK: %[[DY:.+]] = linalg.generic {{.*}} ins(%[[MASK]], %[[DZ]]
// CHECK: %[[R:.+]] = abn.recover #abn.leaky_relu<0.01> {{.*}} ins(%[[F]]#0 {{.*}} stats(%[[F]]#1, %[[F]]#2
// CHECK: %[[CENTRED:.+]] = linalg.generic {{.*}} ins(%[[R]], %[[F]]#1
// CHECK: linalg.generic {{.*}} ins(%[[DY]], %[[CENTRED]]
// CHECK-NOT: %[[X]]{{[ ,)]}}
// CHECK: return
func.func @late_recovery(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %centred = linalg.generic #shift ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %mask = linalg.generic #two ins(%y : !full) outs(%em : !mask) {
  ^bb0(%p: f32, %out: i1):
    %t = arith.cmpf oge, %p, %zero : f32
    linalg.yield %t : i1
  } -> !mask
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = linalg.generic #three ins(%mask, %dz : !mask, !full) outs(%e : !full) {
  ^bb0(%p: i1, %q: f32, %out: f32):
    %below = arith.mulf %q, %slope : f32
    %t = arith.select %p, %q, %below : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic #three ins(%dy, %centred : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// A comparison of x could come out otherwise for a recovered x.
// REMARK: [Missed] {{.*}}left alone: its input is read by `linalg.generic` ({{.*}}), which cannot take a recovered value
// CHECK-LABEL: func @compares_input
// CHECK-NOT: abn.inplace
// CHECK: abn.batch_norm {{.*}}abn.reason = "its input is read by `linalg.generic`
// CHECK-NOT: abn.inplace
// CHECK: return
func.func @compares_input(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %centred = linalg.generic #shift ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %mask = linalg.generic #two ins(%x : !full) outs(%em : !mask) {
  ^bb0(%p: f32, %out: i1):
    %t = arith.cmpf oge, %p, %zero : f32
    linalg.yield %t : i1
  } -> !mask
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = linalg.generic #three ins(%mask, %dz : !mask, !full) outs(%e : !full) {
  ^bb0(%p: i1, %q: f32, %out: f32):
    %below = arith.mulf %q, %slope : f32
    %t = arith.select %p, %q, %below : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic #three ins(%dy, %centred : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// So could a comparison of y, where the inverse does not keep the sign bit.
// REMARK: [Missed] {{.*}}left alone: its normalised value is read by `linalg.generic` ({{.*}}), which cannot take a recovered value
// CHECK-LABEL: func @compares_normalised
// CHECK: abn.batch_norm {{.*}}abn.reason = "its normalised value is read by `linalg.generic`
// CHECK-NOT: abn.inplace
// CHECK: return
func.func @compares_normalised(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.tanh ins(%y : !full) outs(%e : !full) -> !full
  %centred = linalg.generic #shift ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %mask = linalg.generic #two ins(%y : !full) outs(%em : !mask) {
  ^bb0(%p: f32, %out: i1):
    %t = arith.cmpf oge, %p, %zero : f32
    linalg.yield %t : i1
  } -> !mask
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = linalg.generic #three ins(%mask, %dz : !mask, !full) outs(%e : !full) {
  ^bb0(%p: i1, %q: f32, %out: f32):
    %below = arith.mulf %q, %slope : f32
    %t = arith.select %p, %q, %below : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic #three ins(%dy, %centred : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The user wants x kept.
// REMARK: [Missed] {{.*}}left alone: its gamma policy is keep
// CHECK-LABEL: func @policy_keep
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: abn.batch_norm {{.*}}abn.reason = "its gamma policy is keep"
// CHECK-SAME: ins(%[[X]]
// CHECK-NOT: abn.inplace
// CHECK: linalg.generic {{.*}} ins(%[[X]],
// CHECK: "test.loss"
// CHECK: return
func.func @policy_keep(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.gamma_policy = "keep"} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %centred = linalg.generic #shift ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %mask = linalg.generic #two ins(%y : !full) outs(%em : !mask) {
  ^bb0(%p: f32, %out: i1):
    %t = arith.cmpf oge, %p, %zero : f32
    linalg.yield %t : i1
  } -> !mask
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = linalg.generic #three ins(%mask, %dz : !mask, !full) outs(%e : !full) {
  ^bb0(%p: i1, %q: f32, %out: f32):
    %below = arith.mulf %q, %slope : f32
    %t = arith.select %p, %q, %below : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic #three ins(%dy, %centred : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// There is no inverse of silu.
// REMARK: [Missed] {{.*}}left alone: its activation silu is not invertible
// CHECK-LABEL: func @not_invertible
// CHECK: abn.batch_norm {{.*}}abn.reason = "its activation silu is not invertible"
// CHECK-NOT: abn.inplace
// CHECK: return
func.func @not_invertible(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.silu ins(%y : !full) outs(%e : !full) -> !full
  %centred = linalg.generic #shift ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = linalg.generic #two ins(%dz : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.mulf %p, %slope : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic #three ins(%dy, %centred : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}

// -----

!full = tensor<2x4x8x8xf32>
!mask = tensor<2x4x8x8xi1>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#three = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#shift = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// Nothing of the batch norm is read in the backward: there is nothing to save.
// REMARK: [Missed] {{.*}}left alone: no gradient of it is computed
// CHECK-LABEL: func @nothing_read
// CHECK: abn.batch_norm {{.*}}abn.reason = "no gradient of it is computed"
// CHECK-NOT: abn.inplace
// CHECK: return
func.func @nothing_read(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %em = tensor.empty() : !mask
  %s = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dx = linalg.generic #two ins(%dz : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.mulf %p, %slope : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx : tensor<f32>, !full
}
