// Ops on memrefs are lowered as on tensors; bufferization then finds their buffers again.
// RUN: abn-opt %s --convert-abn-to-linalg --convert-dnn-to-linalg | FileCheck %s
// RUN: abn-opt %s --convert-abn-to-linalg --convert-dnn-to-linalg --one-shot-bufferize --canonicalize | FileCheck %s --check-prefix=BUFFERS

!full = memref<8x16x7x7xf32>
!vec = memref<16xf32>

// One tensor stands for the memref that is read and overwritten; it is writable. No copy is left.
// CHECK-LABEL: func @over_dz
// CHECK-SAME: (%[[DZ:[^:]+]]: memref<8x16x7x7xf32>, %[[Y:[^:]+]]: memref<8x16x7x7xf32>
// CHECK-DAG: %[[TDZ:.+]] = bufferization.to_tensor %[[DZ]] restrict writable
// CHECK-DAG: %[[TY:.+]] = bufferization.to_tensor %[[Y]] restrict :
// CHECK: %[[DY:.+]] = linalg.generic {{.*}} ins(%[[TDZ]], %[[TY]] : {{.*}} outs(%[[TDZ]] :
// CHECK: bufferization.materialize_in_destination %[[DY]] in restrict writable %[[DZ]]
// CHECK-NOT: abn.
// BUFFERS-LABEL: func @over_dz
// BUFFERS-SAME: (%[[DZ:[^:]+]]: memref<8x16x7x7xf32>, %[[Y:[^:]+]]: memref<8x16x7x7xf32>
// BUFFERS-NOT: alloc
// BUFFERS: linalg.generic {{.*}} ins(%[[DZ]], %[[Y]] : {{.*}} outs(%[[DZ]] :
// BUFFERS-NOT: memref.copy
// BUFFERS: return
func.func @over_dz(%dz: !full, %y: !full) {
  abn.activation_grad #abn.silu ins(%dz, %y : !full, !full) outs(%dz : !full)
  return
}

// The normalised value goes over x in the last generic; only per-channel and partial sums are scratch.
// BUFFERS-LABEL: func @over_x
// BUFFERS-SAME: (%[[X:[^:]+]]: memref<8x16x7x7xf32>
// BUFFERS-NOT: memref.alloc() {{.*}}memref<8x16x7x7xf32>
// BUFFERS: linalg.generic {{.*}} ins(%[[X]], {{.*}} outs(%[[X]] :
// BUFFERS-NOT: memref.copy %{{.*}} : memref<8x16x7x7xf32>
// BUFFERS: return
func.func @over_x(%x: !full, %mean: !vec, %variance: !vec) {
  abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      outs(%x, %mean, %variance : !full, !vec, !vec)
  return
}

// A destination whose buffer another operand shows through a view is not writable: the result is
// computed beside it and copied.
// CHECK-LABEL: func @through_a_view
// CHECK-SAME: (%[[X:[^:]+]]: memref<8x16x49xf32>)
// CHECK: %[[VIEW:.+]] = memref.expand_shape %[[X]]
// CHECK: %[[FLAT:.+]] = memref.collapse_shape %[[VIEW]]
// CHECK-DAG: bufferization.to_tensor %[[FLAT]] restrict :
// CHECK-DAG: bufferization.to_tensor %[[X]] restrict :
// BUFFERS-LABEL: func @through_a_view
// BUFFERS: memref.alloc() {{.*}}memref<8x16x49xf32>
// BUFFERS: memref.copy {{.*}} memref<8x16x49xf32>
// BUFFERS: return
func.func @through_a_view(%x: memref<8x16x49xf32>) {
  %e = memref.expand_shape %x [[0], [1], [2, 3]] output_shape [8, 16, 7, 7]
      : memref<8x16x49xf32> into !full
  %c = memref.collapse_shape %e [[0], [1], [2, 3]] : !full into memref<8x16x49xf32>
  abn.activation #abn.silu ins(%c : memref<8x16x49xf32>) outs(%x : memref<8x16x49xf32>)
  return
}

// Two slots of an arena are two buffers.
// CHECK-LABEL: func @slots
// CHECK-SAME: (%[[ARENA:[^:]+]]: memref<64xi8>)
// CHECK: %[[A:.+]] = memref.view
// CHECK: %[[B:.+]] = memref.view
// CHECK-DAG: bufferization.to_tensor %[[A]] restrict :
// CHECK-DAG: bufferization.to_tensor %[[B]] restrict writable
func.func @slots(%arena: memref<64xi8>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %a = memref.view %arena[%c0][] : memref<64xi8> to memref<2x4xf32>
  %b = memref.view %arena[%c32][] : memref<64xi8> to memref<2x4xf32>
  abn.activation #abn.relu ins(%a : memref<2x4xf32>) outs(%b : memref<2x4xf32>)
  return
}

// A convolution's padded input is scratch of the lowering; the sums go where the result belongs.
// BUFFERS-LABEL: func @convolution
// BUFFERS-SAME: (%{{.*}}: memref<2x3x8xf32>, %{{.*}}: memref<4x3x3xf32>, %[[OUT:[^:]+]]: memref<2x4x8xf32>)
// BUFFERS: memref.alloc() {{.*}}memref<2x3x10xf32>
// BUFFERS: linalg.generic {{.*}} outs(%[[OUT]] : memref<2x4x8xf32>)
// BUFFERS-NOT: memref.copy {{.*}} memref<2x4x8xf32>
// BUFFERS: return
func.func @convolution(%x: memref<2x3x8xf32>, %w: memref<4x3x3xf32>, %out: memref<2x4x8xf32>) {
  dnn.convolution
      {strides = array<i64: 1>, padding_low = array<i64: 1>, padding_high = array<i64: 1>,
       dilations = array<i64: 1>}
      ins(%x, %w : memref<2x3x8xf32>, memref<4x3x3xf32>) outs(%out : memref<2x4x8xf32>)
  return
}
