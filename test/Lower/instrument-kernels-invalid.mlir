// RUN: abn-opt %s --split-input-file --pass-pipeline='builtin.module(gpu.module(abn-instrument-kernels))' --verify-diagnostics

// What is not known is not passed over.
gpu.module @unknown {
  gpu.func @copy(%x: memref<4xf32>, %y: memref<4xf32>) kernel {
    // expected-error @below {{'memref.copy' op accesses memory in a way that abn-instrument-kernels does not know}}
    memref.copy %x, %y : memref<4xf32> to memref<4xf32>
    gpu.return
  }
}

// -----

gpu.module @element {
  gpu.func @complex(%x: memref<4xcomplex<f32>>, %i: index) kernel {
    // expected-error @below {{'memref.load' op accesses memory in a way that abn-instrument-kernels does not know}}
    %v = memref.load %x[%i] : memref<4xcomplex<f32>>
    gpu.return
  }
}

// -----

gpu.module @transfer {
  gpu.func @beyond(%x: memref<4xf32>, %i: index, %p: f32) kernel {
    // expected-error @below {{'vector.transfer_read' op accesses memory in a way that abn-instrument-kernels does not know}}
    %v = vector.transfer_read %x[%i], %p : memref<4xf32>, vector<4xf32>
    gpu.return
  }
}
