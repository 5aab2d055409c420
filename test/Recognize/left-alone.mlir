// What looks like a batch norm and is none says why, in a missed remark, and is left as it is.
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-recognize=verify-equivalence \
// RUN:   --remarks-filter-missed=abn 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-recognize | FileCheck %s
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-recognize=any-channel-dim \
// RUN:   | FileCheck %s --check-prefix=ANY

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

// The variance is divided by M - 1: epsilon is as large as that makes it, in each channel another one.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: epsilon differs between channels: the scale is not 1/sqrt(variance + epsilon)
// CHECK-LABEL: func.func @bessel(
// CHECK-NOT: = abn.
// CHECK: return
func.func @bessel(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %bessel = arith.constant 119.0 : f32
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
    %t = arith.divf %p, %bessel : f32
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

// Epsilon is added to the root, not under it.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: epsilon differs between channels: the scale is not 1/sqrt(variance + epsilon)
// CHECK-LABEL: func.func @epsilon_outside_the_root(
// CHECK-NOT: = abn.
// CHECK: return
func.func @epsilon_outside_the_root(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 120.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %one = arith.constant 1.0 : f32
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
    %q = math.sqrt %t : f32
    %u = arith.addf %q, %epsilon : f32
    %r = arith.divf %one, %u : f32
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
#centre = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The mean is taken out and the variance computed, but nothing is divided by the deviation.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its scale does not depend on the variance
// CHECK-LABEL: func.func @centred_only(
// CHECK-NOT: = abn.
// CHECK: return
func.func @centred_only(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %y = linalg.generic #centre ins(%x, %mean : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.subf %p, %q : f32
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
  %dx = "test.other"(%dz) : (!full) -> !full
  %dgamma = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %dbeta = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
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
#centre = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#pair = {indexing_maps = [#vec, #vec, #vec], iterator_types = ["parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// What is divided by the deviation is the square of x.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: nothing affine in it per channel is computed
// CHECK-LABEL: func.func @of_its_square(
// CHECK-NOT: = abn.
// CHECK: return
func.func @of_its_square(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %squares = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %s = arith.mulf %p, %p : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #pair ins(%squares, %mean : !vec, !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %m: f32, %out: f32):
    %s = arith.divf %p, %count : f32
    %mm = arith.mulf %m, %m : f32
    %v = arith.subf %s, %mm : f32
    %u = arith.addf %v, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %y = linalg.generic #norm ins(%x, %rstd, %b : !full, !vec, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %c = arith.mulf %p, %p : f32
    %s = arith.mulf %c, %q : f32
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
  %dx = "test.other"(%dz) : (!full) -> !full
  %dgamma = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %dbeta = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
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
#centre = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#pair = {indexing_maps = [#vec, #vec, #vec], iterator_types = ["parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The mean is not taken out: the shift is another one in each batch.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its shift is not one number per channel
// CHECK-LABEL: func.func @mean_stays(
// CHECK-NOT: = abn.
// CHECK: return
func.func @mean_stays(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %squares = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %s = arith.mulf %p, %p : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #pair ins(%squares, %mean : !vec, !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %m: f32, %out: f32):
    %s = arith.divf %p, %count : f32
    %mm = arith.mulf %m, %m : f32
    %v = arith.subf %s, %mm : f32
    %u = arith.addf %v, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %y = linalg.generic #norm ins(%x, %rstd, %b : !full, !vec, !vec) outs(%e : !full) {
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
  %dx = "test.other"(%dz) : (!full) -> !full
  %dgamma = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %dbeta = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
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
#centre = {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#pair = {indexing_maps = [#vec, #vec, #vec], iterator_types = ["parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The scale is a product of parameters that is computed nowhere.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its scale is not one number per channel
// CHECK-LABEL: func.func @scale_of_two_parameters(
// CHECK-NOT: = abn.
// CHECK: return
func.func @scale_of_two_parameters(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %squares = linalg.generic #sum1 ins(%x : !full) outs(%zeros : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %s = arith.mulf %p, %p : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %rstd = linalg.generic #pair ins(%squares, %mean : !vec, !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %m: f32, %out: f32):
    %s = arith.divf %p, %count : f32
    %mm = arith.mulf %m, %m : f32
    %v = arith.subf %s, %mm : f32
    %u = arith.addf %v, %epsilon : f32
    %r = math.rsqrt %u : f32
    linalg.yield %r : f32
  } -> !vec
  %scale = linalg.generic #pair ins(%rstd, %g : !vec, !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !vec
  %scales = linalg.generic #pair ins(%scale, %b : !vec, !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> !vec
  %y = linalg.generic #centre ins(%x, %scales : !full, !vec) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %t = arith.mulf %p, %q : f32
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
  %dx = "test.other"(%dz) : (!full) -> !full
  %dgamma = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %dbeta = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
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

// The variance is clamped at a bound that is only reached at large inputs.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its output is another function at other scales of its inputs
// CHECK-LABEL: func.func @variance_clamped(
// CHECK-NOT: = abn.
// CHECK: return
func.func @variance_clamped(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
    %t0 = arith.divf %p, %count : f32
    %bound = arith.constant 1000.0 : f32
    %t = arith.minimumf %t0, %bound : f32
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

// The backward's scale is clamped at a bound that is only reached at small inputs.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: the gradient of its input is another function at other scales of its inputs
// CHECK-LABEL: func.func @gradient_clamped(
// CHECK-NOT: = abn.
// CHECK: return
func.func @gradient_clamped(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %lifted = linalg.generic #each ins(%rstd : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %bound = arith.constant 50.0 : f32
    %t = arith.minimumf %p, %bound : f32
    linalg.yield %t : f32
  } -> !vec
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
  %dx = linalg.generic #dx ins(%dy, %xhat, %g, %lifted, %dbeta, %dgamma : !full, !full, !vec, !vec, !vec, !vec)
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

// The deviation's reciprocal is clamped at a bound that no evaluation reached: what lies above it is not known.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: an outcome of a comparison or clamp in it ({{.*}}left-alone.mlir:{{[0-9]+}}{{.*}}) was never seen
// CHECK-LABEL: func.func @clamp_never_seen(
// CHECK-NOT: = abn.
// CHECK: return
func.func @clamp_never_seen(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %lifted = linalg.generic #each ins(%rstd : !vec) outs(%ev : !vec) {
  ^bb0(%p: f32, %out: f32):
    %bound = arith.constant 1.0e12 : f32
    %t = arith.minimumf %p, %bound : f32
    linalg.yield %t : f32
  } -> !vec
  %xhat = linalg.generic #norm ins(%x, %mean, %lifted : !full, !vec, !vec) outs(%e : !full) {
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

// There is no backward: the forward is recognised all the same.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its backward: no gradient of its input is computed from it
// CHECK-LABEL: func.func @forward_only(
// CHECK: abn.batch_norm {
// CHECK: abn.activation #abn.leaky_relu<0.01>
// CHECK-NOT: = abn.{{.*}}_grad
// CHECK: return
func.func @forward_only(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
  %dx = "test.other"(%dz) : (!full) -> !full
  %dgamma = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %dbeta = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
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

// The gradient's mean is not taken out: it is not that of a batch norm.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its backward: no gradient of its input is computed from it
// CHECK-LABEL: func.func @backward_of_something_else(
// CHECK: abn.batch_norm {
// CHECK: abn.activation #abn.leaky_relu<0.01>
// CHECK-NOT: = abn.{{.*}}_grad
// CHECK: return
func.func @backward_of_something_else(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
    %a1 = arith.addf %d, %zero : f32
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
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (n)>
#vec = affine_map<(c) -> (c)>
#map2 = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#map3 = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#norm = {indexing_maps = [#id, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum1 = {indexing_maps = [#id, #channel], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
#sum2 = {indexing_maps = [#id, #id, #channel], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
#deviation = {indexing_maps = [#id, #channel, #channel], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
#dx = {indexing_maps = [#id, #id, #channel, #channel, #channel, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// Statistics per sample: by their shape they could be those of a layer norm. The option takes the user's word.
// REMARK: [Missed] Recognize {{.*}}batch norm is not recognised: its channel would be dimension 0; see the option any-channel-dim
// CHECK-LABEL: func.func @channel_outermost(
// CHECK-NOT: = abn.
// CHECK: return
// ANY-LABEL: func.func @channel_outermost
// ANY: abn.batch_norm {channel_dim = 0 : i64
// ANY: abn.activation #abn.leaky_relu<0.01> {channel_dim = 0 : i64}
// ANY: abn.activation_grad
// ANY: abn.batch_norm_grad {channel_dim = 0 : i64
// ANY-NOT: linalg.generic
// ANY: return
func.func @channel_outermost(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %count = arith.constant 240.0 : f32
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
