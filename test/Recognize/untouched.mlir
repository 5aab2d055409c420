// A function without a batch norm stays as it was, byte for byte: so do fused generics that were split for the
// search.
// RUN: abn-opt %s --allow-unregistered-dialect > %t.before.mlir
// RUN: abn-opt %s --allow-unregistered-dialect --abn-recognize=verify-equivalence > %t.after.mlir
// RUN: diff %t.before.mlir %t.after.mlir

!full = tensor<4x6x5x8xf32>
!vec = tensor<8xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#row = affine_map<(n, h, w, c) -> (n, h, w)>

// Statistics of which nothing is normalised.
func.func @mean_and_second_moment(%x: !full) -> (!vec, !vec, !full) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 120.0 : f32
  %ev = tensor.empty() : !vec
  %e = tensor.empty() : !full
  %init = linalg.fill ins(%zero : f32) outs(%ev : !vec) -> !vec
  %mean = linalg.generic {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
      ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %s = arith.divf %p, %count : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %second = linalg.generic {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
      ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %q = arith.mulf %p, %p : f32
    %s = arith.divf %q, %count : f32
    %t = arith.addf %acc, %s : f32
    linalg.yield %t : f32
  } -> !vec
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf ogt, %p, %zero : f32
    %s = arith.mulf %p, %count : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  return %mean, %second, %z : !vec, !vec, !full
}

// An activation and its gradient, without a batch norm.
func.func @activation_only(%x: !full, %dz: !full) -> (!full, !full) {
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.01 : f32
  %e = tensor.empty() : !full
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %m = arith.cmpf ogt, %p, %zero : f32
    %s = arith.mulf %p, %slope : f32
    %t = arith.select %m, %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  %dx = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %dz : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %m = arith.cmpf ogt, %p, %zero : f32
    %s = arith.mulf %q, %slope : f32
    %t = arith.select %m, %q, %s : f32
    linalg.yield %t : f32
  } -> !full
  return %z, %dx : !full, !full
}

// Unused ops are somebody else's.
func.func @dead_code(%x: !full) -> !full {
  %e = tensor.empty() : !full
  %unused = tensor.empty() : !vec
  %dead = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !full) outs(%e : !full) {
  ^bb0(%p: f32, %out: f32):
    %s = arith.mulf %p, %p : f32
    %t = arith.addf %p, %s : f32
    linalg.yield %t : f32
  } -> !full
  return %x : !full
}

// Control flow.
func.func @blocks(%c: i1, %x: !full) -> !full {
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  %y = "test.op"(%x) : (!full) -> !full
  cf.br ^bb3(%y : !full)
^bb2:
  cf.br ^bb3(%x : !full)
^bb3(%z: !full):
  return %z : !full
}

func.func private @declared(%x: !full) -> !full
