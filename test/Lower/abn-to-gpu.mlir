// RUN: abn-opt %s --abn-to-gpu="chips=sm_80 format=offload" | FileCheck %s --check-prefixes=CHECK,OFFLOAD
// RUN: abn-opt %s --abn-to-gpu="chips=sm_75,sm_90 format=isa" | FileCheck %s --check-prefixes=CHECK,ISA
// RUN: abn-opt %s --abn-to-gpu="chips=sm_80 format=offload" | mlir-translate --mlir-to-llvmir | FileCheck %s --check-prefix=HOST
// RUN: not abn-opt %s --abn-to-gpu="chips=sm_1" 2>&1 | FileCheck %s --check-prefix=CHIP

// Kernels are one object per chip; 128-bit accesses stay 128 bits wide.
// OFFLOAD: gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_80", features = "+ptx70">, offload = "BC\C0\DE
// ISA: gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_75", features = "+ptx63">
// ISA-SAME: assembly = "
// ISA-SAME: ld.global.v4.b32
// ISA-SAME: #gpu.object<#nvvm.target<O = 3, chip = "sm_90", features = "+ptx78">
// CHECK: llvm.func @launch
// HOST-DAG: call ptr @mgpuModuleLoad(
// HOST-DAG: call ptr @mgpuModuleGetFunction(
// HOST-DAG: call void @mgpuLaunchKernel(
// CHIP: abn-to-gpu.mlir:{{.*}}: error: unknown chip `sm_1`
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @double(%x: memref<?xf32>) kernel {
      %i = gpu.global_id x
      %c4 = arith.constant 4 : index
      %at = arith.muli %i, %c4 : index
      %v = vector.load %x[%at] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
      %r = arith.addf %v, %v : vector<4xf32>
      vector.store %r, %x[%at] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
      gpu.return
    }
  }
  func.func @launch(%x: memref<?xf32>, %blocks: index) {
    %c1 = arith.constant 1 : index
    %c256 = arith.constant 256 : index
    gpu.launch_func @kernels::@double blocks in (%blocks, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<?xf32>)
    return
  }
}
