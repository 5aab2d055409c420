// RUN: abn-opt %s --pass-pipeline="builtin.module(gpu.module(abn-expand-math))" | FileCheck %s

// Instructions become intrinsics, other functions polynomials; what has none is left.
// CHECK-LABEL: gpu.func @functions
// CHECK-NOT: math.absf
// CHECK-NOT: math.sqrt
// CHECK-NOT: math.exp
// CHECK-NOT: math.tanh
// CHECK-NOT: math.log1p
// CHECK-NOT: math.erf
// CHECK-DAG: llvm.call_intrinsic "llvm.fabs"(
// CHECK-DAG: llvm.call_intrinsic "llvm.sqrt"(
// CHECK-DAG: llvm.call_intrinsic "llvm.fma"(
// CHECK: math.atanh
gpu.module @kernels {
  gpu.func @functions(%x: f32, %to: memref<f32>) kernel {
    %0 = math.absf %x : f32
    %1 = math.sqrt %0 : f32
    %2 = math.exp %1 : f32
    %3 = math.expm1 %2 : f32
    %4 = math.tanh %3 : f32
    %5 = math.log1p %4 : f32
    %6 = math.erf %5 : f32
    %7 = math.atanh %6 : f32
    memref.store %7, %to[] : memref<f32>
    gpu.return
  }
}
