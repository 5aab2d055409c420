// RUN: abn-opt %s --convert-abn-to-linalg --canonicalize --cse | FileCheck %s

!full = tensor<8x16x7x7xf32>
!vec = tensor<16xf32>

// The last generic takes x as its destination and reads it there; x is not an input of it.
// CHECK-LABEL: func @forward
// CHECK-SAME: (%[[X:[^:]+]]: tensor<8x16x7x7xf32>
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "parallel", "parallel"]} ins(%{{[^:]*}} : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) outs(%[[X]] : tensor<8x16x7x7xf32>)
// CHECK-NOT: abn.
// CHECK: return
func.func @forward(%x: !full {abn.role = "input"}) -> !full {
  %e = tensor.empty() : !vec
  %z, %m, %v = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %z : !full
}

// `trust`: z and dz are read by one generic for the sums and by one for dx, which overwrites dz.
// CHECK-LABEL: func @trust
// CHECK-SAME: (%[[Z:[^:]+]]: tensor<8x16x7x7xf32>, %[[DZ:[^:]+]]: tensor<8x16x7x7xf32>
// CHECK: linalg.generic {{.*}} ins(%[[Z]], %[[DZ]]
// CHECK-NOT: %[[Z]]
// CHECK: linalg.generic {{.*}} ins(%[[Z]], {{.*}} outs(%[[DZ]] : tensor<8x16x7x7xf32>)
// CHECK-NOT: %[[Z]]
// CHECK-NOT: cf.assert
// CHECK: return
func.func @trust(%z: !full, %dz: !full, %g: !vec, %b: !vec, %v: !vec) -> (!full, !vec, !vec) {
  %e = tensor.empty() : !vec
  %0:3 = abn.inplace_backward #abn.tanh
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<trust>}
      ins(%z : !full) stats(%v : !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%dz, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %0#0, %0#1, %0#2 : !full, !vec, !vec
}

// `check` reads the same: two more sums in the first generic, nothing else of full size.
// CHECK-LABEL: func @check
// CHECK-SAME: (%[[Z:[^:]+]]: tensor<8x16x7x7xf32>, %[[DZ:[^:]+]]: tensor<8x16x7x7xf32>
// CHECK: linalg.generic {{.*}} ins(%[[Z]], %[[DZ]]
// CHECK-NOT: %[[Z]]
// CHECK: cf.assert %{{.*}}, "abn: chain layer1.bn ({{.*}}convert-abn-to-linalg.mlir:{{.*}}): what was recovered
// CHECK-NOT: %[[Z]]
// CHECK: linalg.generic {{.*}} ins(%[[Z]], {{.*}} outs(%[[DZ]] : tensor<8x16x7x7xf32>)
// CHECK-NOT: %[[Z]]
// CHECK: return
func.func @check(%z: !full, %dz: !full, %g: !vec, %b: !vec, %v: !vec) -> (!full, !vec, !vec) {
  %e = tensor.empty() : !vec
  %0:3 = abn.inplace_backward #abn.tanh
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.chain = "layer1.bn"}
      ins(%z : !full) stats(%v : !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%dz, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %0#0, %0#1, %0#2 : !full, !vec, !vec
}

// Only dgamma is used: one sum, no pass for dx.
// CHECK-LABEL: func @only_dgamma
// CHECK: linalg.generic {{.*}}"reduction"{{.*}} outs(%{{[^,]*}} : tensor<16xf32>)
// CHECK-NOT: linalg.generic {{.*}} outs({{.*}}tensor<8x16x7x7xf32>
// CHECK: return
func.func @only_dgamma(%x: !full, %dy: !full, %m: !vec, %v: !vec) -> !vec {
  %e = tensor.empty() : !vec
  %0:3 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%dy, %x : !full, !full) stats(%m, %v : !vec, !vec)
      outs(%x, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %0#1 : !vec
}

// Long sums are taken in stages: the innermost dimension first.
// CHECK-LABEL: func @stages
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "parallel", "reduction"]} {{.*}} outs(%{{.*}} : tensor<8x16x112xf32>)
// CHECK: linalg.generic {{.*}}"reduction", "parallel", "reduction"]} {{.*}} outs(%{{.*}} : tensor<16xf32>)
func.func @stages(%dy: tensor<8x16x112x112xbf16>, %m: !vec, %v: !vec) -> !vec {
  %e = tensor.empty() : !vec
  %0:3 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%dy, %dy : tensor<8x16x112x112xbf16>, tensor<8x16x112x112xbf16>)
      stats(%m, %v : !vec, !vec) outs(%dy, %e, %e : tensor<8x16x112x112xbf16>, !vec, !vec)
      -> tensor<8x16x112x112xbf16>, !vec, !vec
  return %0#2 : !vec
}

// What the dialect said on signatures does not outlive it.
// CHECK-LABEL: func @no_attributes(%{{[^:]*}}: tensor<f32>) -> tensor<f32> {
func.func @no_attributes(%x: tensor<f32> {abn.role = "input", abn.name = "x"})
    -> (tensor<f32> {abn.role = "loss"}) attributes {abn.memory_before = {}} {
  return %x : tensor<f32>
}
