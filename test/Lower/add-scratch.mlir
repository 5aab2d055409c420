// RUN: abn-opt %s --abn-add-scratch=chip=sm_80 | FileCheck %s
// RUN: not abn-opt %s --abn-add-scratch=chip=sm_1 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: unknown chip `sm_1`; known are sm_75, sm_80

// A reduction in several parts keeps their states, and per-channel vectors between its kernels.
// CHECK-LABEL: func.func @parts
// CHECK: %[[S:.+]] = memref.alloc() : memref<[[BYTES:[0-9]+]]xi8>
// CHECK-NEXT: abn.scratch %[[S]] : memref<[[BYTES]]xi8>
// CHECK-NEXT: abn.inplace_forward
// CHECK: abn.scratch %[[S]] : memref<[[BYTES]]xi8>
func.func @parts(%x: memref<32x64x112x112xf32>, %m: memref<64xf32>, %v: memref<64xf32>) {
  abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %m, %v : memref<32x64x112x112xf32>, memref<64xf32>, memref<64xf32>)
  return
}

// A map keeps nothing.
// CHECK-LABEL: func.func @map
// CHECK-NOT: abn.scratch
func.func @map(%x: memref<32x64x112x112xf32>) {
  abn.activation #abn.relu ins(%x : memref<32x64x112x112xf32>) outs(%x : memref<32x64x112x112xf32>)
  return
}
