// A name of the runtime that means something else.
// RUN: abn-opt %s --split-input-file --verify-diagnostics --convert-dnn-to-calls

// expected-error @below {{expected `abnDnnMatmul` to be the runtime's, an llvm.func of type '!llvm.func<void (ptr, ptr, ptr, ptr, ptr, i64, ptr)>'}}
func.func private @abnDnnMatmul(memref<4x6xf32>)
func.func @taken(%a: memref<4x6xf32>, %b: memref<6x5xf32>, %c: memref<4x5xf32>) {
  // expected-note @below {{for the call that this op becomes}}
  linalg.matmul ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>) outs(%c : memref<4x5xf32>)
  return
}

// -----

// expected-error @below {{expected `abnDnnMatmul` to be the runtime's}}
llvm.func @abnDnnMatmul(!llvm.ptr)
func.func @other_type(%a: memref<4x6xf32>, %b: memref<6x5xf32>, %c: memref<4x5xf32>) {
  // expected-note @below {{for the call that this op becomes}}
  linalg.matmul ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>) outs(%c : memref<4x5xf32>)
  return
}
