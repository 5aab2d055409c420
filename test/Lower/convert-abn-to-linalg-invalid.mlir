// The pass runs on tensors.
// RUN: abn-opt %s --convert-abn-to-linalg --verify-diagnostics

func.func @memrefs(%x: memref<2x3xf32>) {
  // expected-error @+1 {{expected tensors, got memrefs; convert-abn-to-linalg runs before bufferization}}
  abn.activation #abn.relu ins(%x : memref<2x3xf32>) outs(%x : memref<2x3xf32>)
  return
}
