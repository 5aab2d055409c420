// RUN: abn-opt %s --canonicalize | FileCheck %s
// RUN: abn-opt %s --canonicalize | abn-opt --canonicalize | FileCheck %s

!full = tensor<2x3x4xf32>
!dyn = tensor<?x3x4xf32>
!vec = tensor<3xf32>

// The identity is its input, its inverse's input, and its gradient is dz.
// CHECK-LABEL: func @identity
// CHECK-SAME: (%[[Y:.+]]: tensor<2x3x4xf32>, %[[DZ:.+]]: tensor<2x3x4xf32>)
// CHECK-NEXT: return %[[Y]], %[[Y]], %[[DZ]]
func.func @identity(%y: !full, %dz: !full) -> (!full, !full, !full) {
  %0 = abn.activation #abn.identity ins(%y : !full) outs(%dz : !full) -> !full
  %1 = abn.activation_inverse #abn.identity ins(%y : !full) outs(%dz : !full) -> !full
  %2 = abn.activation_grad #abn.identity ins(%dz, %y : !full, !full) outs(%y : !full) -> !full
  return %0, %1, %2 : !full, !full, !full
}

// A result whose shape is known better than the input's stays so.
// CHECK-LABEL: func @identity_cast
// CHECK-SAME: (%[[Y:.+]]: tensor<?x3x4xf32>
// CHECK-NEXT: %[[C:.+]] = tensor.cast %[[Y]] : tensor<?x3x4xf32> to tensor<2x3x4xf32>
// CHECK-NEXT: return %[[C]]
func.func @identity_cast(%y: !dyn, %o: !full) -> !full {
  %0 = abn.activation #abn.identity ins(%y : !dyn) outs(%o : !full) -> !full
  return %0 : !full
}

// An activation and its inverse round: they stay.
// CHECK-LABEL: func @inverse_of_activation
// CHECK: abn.activation #abn.tanh
// CHECK: abn.activation_inverse #abn.tanh
func.func @inverse_of_activation(%y: !full, %o: !full) -> !full {
  %0 = abn.activation #abn.tanh ins(%y : !full) outs(%o : !full) -> !full
  %1 = abn.activation_inverse #abn.tanh ins(%0 : !full) outs(%o : !full) -> !full
  return %1 : !full
}

// Casts move out of the op: it works on the better known shape.
// CHECK-LABEL: func @casts
// CHECK-SAME: (%[[X:.+]]: tensor<2x3x4xf32>
// CHECK: abn.inplace_forward #abn.tanh {{.*}} outs(%[[X]], {{.*}}) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
func.func @casts(%x: !full, %s: !vec) -> !dyn {
  %c = tensor.cast %x : !full to !dyn
  %0:3 = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%c, %s, %s : !dyn, !vec, !vec) -> !dyn, !vec, !vec
  return %0#0 : !dyn
}

// An op without readers goes, also one that would check its checksum; on memrefs it is the effect
// that counts.
// CHECK-LABEL: func @dead
// CHECK-NEXT: abn.recover
// CHECK-NEXT: return
func.func @dead(%z: !full, %s: !vec, %m: memref<2x3xf32>, %ms: memref<3xf32>) {
  %0 = abn.recover #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%z : !full)
      stats(%s, %s : !vec, !vec) outs(%z : !full) -> !full
  abn.recover #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%m : memref<2x3xf32>)
      stats(%ms, %ms : memref<3xf32>, memref<3xf32>) outs(%m : memref<2x3xf32>)
  return
}

// A solved plan is constants.
// CHECK-LABEL: func @pack
// CHECK-DAG: %[[ARENA:.+]] = arith.constant 1024 : index
// CHECK-DAG: %[[A:.+]] = arith.constant 0 : index
// CHECK-DAG: %[[B:.+]] = arith.constant 512 : index
// CHECK: return %[[ARENA]], %[[A]], %[[B]]
func.func @pack(%a: index, %b: index) -> (index, index, index) {
  %0:3 = abn.pack lifetimes([0, 2, 1, 3]) sizes(%a, %b)
      {offsets = array<i64: 0, 512>, arena_size = 1024 : i64} : index, index
  return %0#0, %0#1, %0#2 : index, index, index
}

// An open one stays.
// CHECK-LABEL: func @pack_open
// CHECK: abn.pack
func.func @pack_open(%a: index) -> index {
  %0:2 = abn.pack lifetimes([0, 2]) sizes(%a) : index
  return %0#0 : index
}
