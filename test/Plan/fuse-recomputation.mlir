// What is computed again in several elementwise ops is computed in one.
// RUN: abn-opt %s --split-input-file --abn-fuse-recomputation | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-fuse-recomputation --abn-fuse-recomputation | FileCheck %s

!full = tensor<2x4x8x8xf32>
!stat = tensor<4xf32>
#map = affine_map<(n, c, h, w) -> (n, c, h, w)>

// Normalise, add the shortcut, activate: one op over a new buffer, in the order of the single ops.
// CHECK-LABEL: func @residual
// CHECK-SAME: (%[[X:[^:]+]]: tensor<2x4x8x8xf32>, %[[S:[^:]+]]: tensor<2x4x8x8xf32>
// CHECK-NOT: abn.batch_norm_inference
// CHECK-NOT: abn.activation
// CHECK: %[[E:.+]] = tensor.empty() : tensor<2x4x8x8xf32>
// CHECK: %[[Z:.+]] = linalg.generic {{.*}} ins(%[[X]], {{.*}}%[[S]]{{.*}} outs(%[[E]] : tensor<2x4x8x8xf32>) attrs = {abn.recompute = 2 : i64}
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.select
// CHECK-NOT: linalg.generic
// CHECK: return %[[Z]]
func.func @residual(%x: !full, %s: !full, %m: !stat, %v: !stat) -> !full {
  %e = tensor.empty() : !full
  %y = abn.batch_norm_inference {abn.recompute = 0 : i64, channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
      ins(%x : !full) stats(%m, %v : !stat, !stat) outs(%e : !full) -> !full
  %sum = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %s : !full, !full) outs(%y : !full) attrs = {abn.recompute = 1 : i64} {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> !full
  %z = abn.activation #abn.relu {abn.recompute = 2 : i64} ins(%sum : !full) outs(%sum : !full) -> !full
  return %z : !full
}

// -----

!full = tensor<2x4x8x8xf32>

// A value that something else reads too is written.
// CHECK-LABEL: func @read_twice
// CHECK: %[[Y:.+]] = abn.activation #abn.relu
// CHECK: abn.activation #abn.silu {{.*}} ins(%[[Y]]
func.func @read_twice(%x: !full) -> (!full, !full) {
  %e = tensor.empty() : !full
  %f = tensor.empty() : !full
  %y = abn.activation #abn.relu {abn.recompute = 0 : i64} ins(%x : !full) outs(%e : !full) -> !full
  %z = abn.activation #abn.silu {abn.recompute = 1 : i64} ins(%y : !full) outs(%f : !full) -> !full
  return %y, %z : !full, !full
}

// -----

!full = tensor<2x4x8x8xf32>

// What is not computed again has a place of its own.
// CHECK-LABEL: func @first_time
// CHECK: abn.activation #abn.relu
// CHECK: abn.activation #abn.silu
func.func @first_time(%x: !full) -> !full {
  %e = tensor.empty() : !full
  %y = abn.activation #abn.relu ins(%x : !full) outs(%e : !full) -> !full
  %z = abn.activation #abn.silu {abn.recompute = 0 : i64} ins(%y : !full) outs(%y : !full) -> !full
  return %z : !full
}

// -----

!f = tensor<64x64xf32>

// A value that is read twice stays: fused into one of its reads it would be computed for both.
// CHECK-LABEL: func @twice
// CHECK: %[[A:.+]] = linalg.generic
// CHECK: math.tanh
// CHECK: linalg.generic {{.*}} ins(%[[A]], %[[A]] : {{.*}}) outs(%[[A]] :
func.func @twice(%x: !f) -> !f {
  %e = tensor.empty() : !f
  %a = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : !f) outs(%e : !f) attrs = {abn.recompute = 0 : i64} {
  ^bb0(%p: f32, %o: f32):
    %r = math.tanh %p : f32
    linalg.yield %r : f32
  } -> !f
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%a, %a : !f, !f) outs(%a : !f) attrs = {abn.recompute = 1 : i64} {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = arith.mulf %p, %q : f32
    linalg.yield %r : f32
  } -> !f
  return %b : !f
}

// -----

!full = tensor<2x4x8x8xf32>
!stat = tensor<4xf32>

// A batch norm needs a vector of its own: 16 bytes, up to the next multiple of 256, beside the one full tensor of
// 2048 bytes. A planned step whose arena has no room for it keeps both ops.
// CHECK-LABEL: func @no_room
// CHECK: %[[Y:.+]] = abn.batch_norm_inference
// CHECK: abn.activation #abn.relu {{.*}} ins(%[[Y]] : {{.*}} outs(%[[Y]] :
func.func @no_room(%x: !full, %m: !stat, %v: !stat) -> !full attributes {abn.plan = {arena_bytes = 2303 : i64}} {
  %e = tensor.empty() : !full
  %y = abn.batch_norm_inference {abn.recompute = 0 : i64, channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
      ins(%x : !full) stats(%m, %v : !stat, !stat) outs(%e : !full) -> !full
  %z = abn.activation #abn.relu {abn.recompute = 1 : i64} ins(%y : !full) outs(%y : !full) -> !full
  return %z : !full
}

// CHECK-LABEL: func @room
// CHECK-NOT: abn.batch_norm_inference
// CHECK: linalg.generic {{.*}}abn.recompute = 1 : i64
// CHECK-NOT: abn.activation
func.func @room(%x: !full, %m: !stat, %v: !stat) -> !full attributes {abn.plan = {arena_bytes = 2304 : i64}} {
  %e = tensor.empty() : !full
  %y = abn.batch_norm_inference {abn.recompute = 0 : i64, channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
      ins(%x : !full) stats(%m, %v : !stat, !stat) outs(%e : !full) -> !full
  %z = abn.activation #abn.relu {abn.recompute = 1 : i64} ins(%y : !full) outs(%y : !full) -> !full
  return %z : !full
}

// -----

!f = tensor<64x64xf32>
!wide = tensor<64x64xf64>
#map = affine_map<(i, j) -> (i, j)>

// The producer reads twice the bytes that it writes. Fused, they would live beside another result, and the arena be
// larger than that of the plan: the ops stay.
// CHECK-LABEL: func @undone
// CHECK: arith.truncf
// CHECK: tensor.splat
// CHECK: math.sin
// Where the arena has as many bytes, they do not.
// CHECK-LABEL: func @done
// CHECK: tensor.splat
// CHECK: arith.truncf
// CHECK: math.sin
func.func @undone(%x: !wide, %c: f32) -> (!f, !f) attributes {abn.plan = {arena_bytes = 49152 : i64}} {
  %e = tensor.empty() : !wide
  %w = linalg.exp ins(%x : !wide) outs(%e : !wide) -> !wide
  %ea = tensor.empty() : !f
  %a = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%w : !wide) outs(%ea : !f) attrs = {abn.recompute = 0 : i64} {
  ^bb0(%p: f64, %o: f32):
    %r = arith.truncf %p : f64 to f32
    linalg.yield %r : f32
  } -> !f
  %s = tensor.splat %c : !f
  %b = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a : !f) outs(%a : !f) attrs = {abn.recompute = 1 : i64} {
  ^bb0(%p: f32, %o: f32):
    %r = math.sin %p : f32
    linalg.yield %r : f32
  } -> !f
  return %s, %b : !f, !f
}
func.func @done(%x: !wide, %c: f32) -> (!f, !f) attributes {abn.plan = {arena_bytes = 65536 : i64}} {
  %e = tensor.empty() : !wide
  %w = linalg.exp ins(%x : !wide) outs(%e : !wide) -> !wide
  %ea = tensor.empty() : !f
  %a = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%w : !wide) outs(%ea : !f) attrs = {abn.recompute = 0 : i64} {
  ^bb0(%p: f64, %o: f32):
    %r = arith.truncf %p : f64 to f32
    linalg.yield %r : f32
  } -> !f
  %s = tensor.splat %c : !f
  %b = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a : !f) outs(%a : !f) attrs = {abn.recompute = 1 : i64} {
  ^bb0(%p: f32, %o: f32):
    %r = math.sin %p : f32
    linalg.yield %r : f32
  } -> !f
  return %s, %b : !f, !f
}
