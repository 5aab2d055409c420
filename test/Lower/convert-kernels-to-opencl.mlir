// RUN: abn-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(gpu.module(abn-convert-kernels-to-opencl))" | FileCheck %s
// RUN: abn-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(gpu.module(abn-convert-kernels-to-opencl,abn-convert-kernels-to-opencl))" | FileCheck %s

// Buffers become variables of their own, with their alignment; functions are declared once. What has an LLVM intrinsic
// is left.
// CHECK-LABEL: gpu.module @kernels
// CHECK-DAG: llvm.func spir_funccc @_Z3erff(f32) -> f32 attributes {no_unwind, will_return}
// CHECK-DAG: memref.global "private" @one_workgroup_0 : memref<64xf32, 3> = uninitialized {alignment = 16 : i64}
// CHECK: gpu.func @one(%[[X:.+]]: f32, %[[I:.+]]: index) kernel {
// CHECK: %[[BUFFER:.+]] = memref.get_global @one_workgroup_0 : memref<64xf32, 3>
// CHECK: %[[ERF:.+]] = llvm.call spir_funccc @_Z3erff(%[[X]]) : (f32) -> f32
// CHECK: %[[EXP:.+]] = math.exp %[[ERF]]
// CHECK: %[[TANH:.+]] = llvm.call spir_funccc @_Z4tanhf(%[[EXP]])
// CHECK: memref.store %[[TANH]], %[[BUFFER]][%[[I]]] : memref<64xf32, 3>
// CHECK: memref.global "private" @two_workgroup_0 : memref<64xf32, 3> = uninitialized
// CHECK: gpu.func @two
// CHECK-NOT: workgroup(
// CHECK: llvm.call spir_funccc @_Z3erff
gpu.module @kernels {
  gpu.func @one(%x: f32, %i: index)
      workgroup(%buffer: memref<64xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
    %0 = math.erf %x : f32
    %1 = math.exp %0 : f32
    %2 = math.tanh %1 : f32
    memref.store %2, %buffer[%i] : memref<64xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
  gpu.func @two(%x: f32, %i: index) workgroup(%buffer: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
    %0 = math.erf %x : f32
    memref.store %0, %buffer[%i] : memref<64xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @f64(%x: f64, %to: memref<f64>) kernel {
    // expected-error @below {{'math.erf' op expected f32 in a kernel for OpenCL, got 'f64'}}
    %0 = math.erf %x : f64
    memref.store %0, %to[] : memref<f64>
    gpu.return
  }
}
