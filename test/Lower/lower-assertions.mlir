// RUN: abn-opt %s --pass-pipeline="builtin.module(gpu.module(abn-lower-assertions))" | FileCheck %s --check-prefixes=CHECK,TRAP
// RUN: abn-opt %s --pass-pipeline="builtin.module(gpu.module(abn-lower-assertions{print=true}))" | FileCheck %s --check-prefixes=CHECK,PRINT
// RUN: abn-opt %s --pass-pipeline="builtin.module(gpu.module(abn-lower-assertions,abn-lower-assertions))" | FileCheck %s --check-prefixes=CHECK,TRAP

// What is behind an assertion stays behind it. A message is no format.
// CHECK-LABEL: gpu.func @check
// CHECK-NOT: cf.assert
// CHECK: memref.store
// CHECK: %[[FAILS:.+]] = arith.xori %{{.+}}, %true
// CHECK-NEXT: scf.if %[[FAILS]] {
// TRAP-NEXT: llvm.intr.trap
// PRINT-NEXT: gpu.printf "50%% of the channels are lost\0A"
// CHECK-NEXT: }
// CHECK-NEXT: memref.store
gpu.module @kernels {
  gpu.func @check(%holds: i1, %a: f32, %b: f32, %to: memref<f32>) kernel {
    memref.store %a, %to[] : memref<f32>
    cf.assert %holds, "50% of the channels are lost"
    memref.store %b, %to[] : memref<f32>
    gpu.return
  }
}
