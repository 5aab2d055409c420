// RUN: abn-opt %s --pass-pipeline='builtin.module(gpu.module(abn-instrument-kernels))' --verify-diagnostics

// What is not known is not passed over.
gpu.module @unknown {
  gpu.func @copy(%x: memref<4xf32>, %y: memref<4xf32>) kernel {
    // expected-error @below {{'memref.copy' op accesses memory in a way that abn-instrument-kernels does not know}}
    memref.copy %x, %y : memref<4xf32> to memref<4xf32>
    gpu.return
  }
}
