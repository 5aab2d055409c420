// RUN: abn-opt %s -convert-dnn-to-linalg -verify-diagnostics

// The pass runs on tensors.
func.func @memrefs(%x: memref<2x4x8xf32>, %y: memref<2x4x4xf32>) {
  // expected-error @+1 {{expected tensors, got memrefs; convert-dnn-to-linalg runs before bufferization}}
  dnn.avg_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%x : memref<2x4x8xf32>) outs(%y : memref<2x4x4xf32>)
  return
}
