// Decomposed batch norms become abn ops: the same step in several forms, and what must not change.
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-recognize=verify-equivalence > %t.once.mlir
// RUN: FileCheck %s < %t.once.mlir
// RUN: abn-opt %t.once.mlir --split-input-file --allow-unregistered-dialect --abn-recognize > %t.twice.mlir
// RUN: diff %t.once.mlir %t.twice.mlir
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-recognize --mlir-disable-threading > %t.single.mlir
// RUN: diff %t.once.mlir %t.single.mlir
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize="plan=false verify-equivalence" | FileCheck %s --check-prefix=WHOLE

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The channel last: forward, activation and backward, and nothing of the decomposed form is left.
// WHOLE-LABEL: func.func @nhwc(
// WHOLE: abn.inplace_forward #abn.leaky_relu<0.01>
// WHOLE: abn.inplace_backward #abn.leaky_relu<0.01>
// CHECK-LABEL: func.func @nhwc(
// CHECK-SAME: %{{[^:]+}}: {{[^,]+}}, %[[G:[^:]+]]: {{[^,]+}}, %[[B:[^:]+]]: tensor
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {channel_dim = 3 : i64, epsilon = 1.000000e-05 : f64} ins(%[[X]] : {{.*}} gamma(%[[G]] : {{.*}} beta(%[[B]] :
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[BN]]#0
// CHECK-NOT: linalg.generic
// CHECK: "test.loss"(%[[Z]])
// CHECK: %[[DZ:.+]] = "test.loss_grad"
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[DZ]], %[[BN]]#0
// CHECK: %[[D:.+]]:3 = abn.batch_norm_grad {channel_dim = 3 : i64, epsilon = 1.000000e-05 : f64} ins(%[[DY]], %[[X]] : {{.*}} stats(%[[BN]]#1, %[[BN]]#2 : {{.*}} gamma(%[[G]] :
// CHECK-NOT: linalg.generic
// CHECK: return %{{.+}}, %[[D]]#0, %[[D]]#1, %[[D]]#2
func.func @nhwc(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x8x6x5xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "parallel", "reduction", "reduction"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "parallel", "reduction", "reduction"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "parallel", "reduction", "reduction"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The channel second.
// CHECK-LABEL: func.func @nchw(
// CHECK-SAME: %{{[^:]+}}: {{[^,]+}}, %[[G:[^:]+]]: {{[^,]+}}, %[[B:[^:]+]]: tensor
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.000000e-05 : f64} ins(%[[X]] : {{.*}} gamma(%[[G]] : {{.*}} beta(%[[B]] :
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> ins(%[[BN]]#0
// CHECK-NOT: linalg.generic
// CHECK: "test.loss"(%[[Z]])
// CHECK: %[[DZ:.+]] = "test.loss_grad"
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> ins(%[[DZ]], %[[BN]]#0
// CHECK: %[[D:.+]]:3 = abn.batch_norm_grad {channel_dim = 1 : i64, epsilon = 1.000000e-05 : f64} ins(%[[DY]], %[[X]] : {{.*}} stats(%[[BN]]#1, %[[BN]]#2 : {{.*}} gamma(%[[G]] :
// CHECK-NOT: linalg.generic
// CHECK: return %{{.+}}, %[[D]]#0, %[[D]]#1, %[[D]]#2
func.func @nchw(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The activation is that of a residual sum: it becomes one op too, and its gradient reads the sum.
// CHECK-LABEL: func.func @residual_sum
// CHECK: %[[BN:.+]]:3 = abn.batch_norm
// CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[BN]]#0, %arg0
// CHECK: arith.addf
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[SUM]]
// CHECK: "test.loss"(%[[Z]])
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%{{[^,]+}}, %[[SUM]]
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]],
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @residual_sum(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %s0 = linalg.generic #map3 ins(%y, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%s0 : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%s0, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dxsum = {indexing_maps = [#id, #id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// x has another reader, and dx is only computed inside the sum with its gradient: the sum is made anew.
// CHECK-LABEL: func.func @gradient_in_a_sum
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: abn.batch_norm {
// CHECK: %[[D:.+]]:3 = abn.batch_norm_grad {{.*}} ins(%{{[^,]+}}, %[[X]]
// CHECK: %[[O:.+]] = "test.other_grad"(%{{.+}}, %[[X]])
// CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[O]], %[[D]]#0
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
// CHECK: return %{{.+}}, %[[SUM]], %[[D]]#1, %[[D]]#2
func.func @gradient_in_a_sum(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %other = "test.other_grad"(%loss, %x) : (tensor<f32>, !full) -> !full
  %dx = linalg.generic #dxsum ins(%dy, %xhat, %other, %g, %rstd, %dbeta, %dgamma : !full, !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %o: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %gr = arith.mulf %g0, %r : f32
    %first = arith.mulf %d, %gr : f32
    %u = arith.addf %o, %first : f32
    %db_m = arith.divf %db0, %count : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %rest = arith.addf %db_m, %hd : f32
    %scaled = arith.mulf %gr, %rest : f32
    %t = arith.subf %u, %scaled : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// Generics of several ops are split for the search. One in which nothing was found is put back as it was.
// CHECK-LABEL: func.func @fused_put_back
// CHECK: abn.batch_norm {
// CHECK: linalg.generic {{.*}} ins(%arg0 :
// CHECK-NEXT: ^bb0(%[[P:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[S:.+]] = arith.mulf %[[P]], %
// CHECK-NEXT: %[[T:.+]] = arith.addf %[[S]], %
// CHECK-NEXT: linalg.yield %[[T]]
// CHECK: abn.batch_norm_grad
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @fused_put_back(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %w = linalg.generic #map2 ins(%in : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %s = arith.mulf %p, %slope : f32
    %t = arith.addf %s, %epsilon : f32
    linalg.yield %t : f32
  } -> !full
  "test.use"(%w) : (!full) -> ()
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#fused = {indexing_maps = [#id, #channel, #channel, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// Those in which something was found are split: y and z have ops of their own, the sum stays.
// CHECK-LABEL: func.func @fused_split
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> {{.*}} ins(%[[BN]]#0
// CHECK: %[[U:.+]] = linalg.generic {{.*}} ins(%[[Z]], %arg0 :
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.addf
// CHECK-NEXT: linalg.yield
// CHECK: "test.loss"(%[[U]])
// CHECK: %[[DU:.+]] = "test.loss_grad"
// CHECK: abn.activation_grad #abn.leaky_relu<0.01> {{.*}} ins(%[[DU]], %[[BN]]#0
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @fused_split(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %u = linalg.generic #fused ins(%xhat, %g, %b, %in : !full, !vec, !vec, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %i: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    %m = arith.cmpf oge, %t, %zero : f32
    %l = arith.mulf %t, %slope : f32
    %z = arith.select %m, %t, %l : f32
    %o = arith.addf %z, %i : f32
    linalg.yield %o : f32
  } -> !full
  %loss = "test.loss"(%u) : (!full) -> tensor<f32>
  %du = "test.loss_grad"(%loss, %u) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #fused ins(%xhat, %g, %b, %du : !full, !vec, !vec, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %d: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %h = arith.addf %s, %r : f32
    %m = arith.cmpf oge, %h, %zero : f32
    %l = arith.mulf %d, %slope : f32
    %t = arith.select %m, %d, %l : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The front end had ops for the batch norm: only the activation is looked for. The ops stay as they are.
// CHECK-LABEL: func.func @given
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {
// CHECK-NOT: linalg.generic
// CHECK: %[[Z:.+]] = abn.activation #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[BN]]#0
// CHECK-NOT: linalg.generic
// CHECK: %[[DZ:.+]] = "test.loss_grad"(%{{.+}}, %[[Z]])
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[DZ]], %[[BN]]#0
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]],
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @given(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y, %mean, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %ev, %ev : !full, !vec, !vec) -> !full, !vec, !vec
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dx, %dgamma, %dbeta = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64} ins(%dy, %x : !full, !full)
      stats(%mean, %v : !vec, !vec) gamma(%g : !vec) outs(%e, %ev, %ev : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// Two functions of a module, each by itself: what one computes says nothing of the other.
// CHECK-LABEL: func.func @first
// CHECK: abn.batch_norm {
// CHECK: abn.activation #
// CHECK: abn.activation_grad
// CHECK: abn.batch_norm_grad
func.func @first(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// This one has no activation.
// CHECK-LABEL: func.func private @second
// CHECK: abn.batch_norm {
// CHECK-NOT: abn.activation
// CHECK: abn.batch_norm_grad
// CHECK-NOT: linalg.generic
// CHECK: return
func.func private @second(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%y) : (!full) -> tensor<f32>
  %dy = "test.loss_grad"(%loss, %y) : (tensor<f32>, !full) -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}

// -----

!full = tensor<?x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// A batch of any size: M is computed.
// WHOLE-LABEL: func.func @dynamic_batch
// WHOLE: abn.inplace_forward #abn.leaky_relu<0.01>
// WHOLE: abn.inplace_backward #abn.leaky_relu<0.01>
// CHECK-LABEL: func.func @dynamic_batch
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: %[[BN:.+]]:3 = abn.batch_norm {channel_dim = 3 : i64, epsilon = 1.000000e-05 : f64} ins(%[[X]] : tensor<?x6x5x8xf32>)
// CHECK: %[[N:.+]] = tensor.dim %[[BN]]#0
// CHECK: %[[E:.+]] = tensor.empty(%[[N]])
// CHECK: abn.activation #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%[[BN]]#0 {{.*}} outs(%[[E]]
// CHECK: %[[DY:.+]] = abn.activation_grad #abn.leaky_relu<0.01> {channel_dim = 3 : i64} ins(%{{[^,]+}}, %[[BN]]#0
// CHECK: %[[D:.+]]:3 = abn.batch_norm_grad {{.*}} ins(%[[DY]], %[[X]] :
// CHECK: return %{{.+}}, %[[D]]#0,
func.func @dynamic_batch(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %in, %c0 : !full
  %e = tensor.empty(%n) : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %n64 = arith.index_cast %n : index to i64
  %nf = arith.sitofp %n64 : i64 to f32
  %positions = arith.constant 30.0 : f32
  %count = arith.mulf %nf, %positions : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %sum = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  %squares = linalg.generic #deviation ins(%x, %mean : !full, !vec) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %c = arith.subf %p, %q : f32
    %s = arith.mulf %c, %c : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #each ins(%squares : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    %u = arith.addf %t, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %rstd : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.subf %p, %q : f32
    %t = arith.mulf %c, %r : f32
    linalg.yield %t : f32
  } -> !full
  %y = linalg.generic #norm ins(%xhat, %g, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %s, %r : f32
    linalg.yield %t : f32
  } -> !full
  %z = linalg.generic #map2 ins(%y : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss, %z) : (tensor<f32>, !full) -> !full
  %dy = linalg.generic #map3 ins(%y, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf oge, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dbeta = linalg.generic #sum1 ins(%dy : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %acc, %p : f32
    linalg.yield %t : f32
  } -> !vec
  %dgamma = linalg.generic #sum2 ins(%dy, %xhat : !full, !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %s = arith.mulf %p, %q : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %rstd, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
      outs(%e : !full) {
  ^bb0(%d: f32, %h: f32, %g0: f32, %r: f32, %db0: f32, %dg0: f32, %out: f32):
    %db_m = arith.divf %db0, %count : f32
    %a1 = arith.subf %d, %db_m : f32
    %dg_m = arith.divf %dg0, %count : f32
    %hd = arith.mulf %h, %dg_m : f32
    %a2 = arith.subf %a1, %hd : f32
    %gr = arith.mulf %g0, %r : f32
    %t = arith.mulf %a2, %gr : f32
    linalg.yield %t : f32
  } -> !full
  return %loss, %dx, %dgamma, %dbeta : tensor<f32>, !full, !vec, !vec
}
