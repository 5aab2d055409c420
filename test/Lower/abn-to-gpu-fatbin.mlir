// With a toolkit kernels become machine code, and no function of libdevice is left open.
// REQUIRES: cuda-toolkit
// RUN: abn-opt %s --abn-to-gpu="chips=sm_80,sm_90 toolkit=%cuda" | FileCheck %s
// RUN: abn-opt %s --abn-to-gpu="chips=sm_80 format=isa toolkit=%cuda" | FileCheck %s --check-prefix=ISA

// One object for both chips.
// CHECK: gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_80", features = "+ptx70">
// CHECK-NOT: #gpu.object
// ISA-NOT: __nv_
// ISA: ex2.approx.ftz.f32
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @exp(%x: memref<?xf32>) kernel {
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      %r = math.exp %v : f32
      memref.store %r, %x[%i] : memref<?xf32>
      gpu.return
    }
  }
}
