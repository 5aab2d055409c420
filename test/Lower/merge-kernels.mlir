// RUN: abn-opt %s --abn-merge-kernels | FileCheck %s
// RUN: abn-opt %s --abn-merge-kernels -o %t && abn-opt %t --abn-merge-kernels | diff %t -

// Two kernels that do the same are one; one that differs, or only has the same name, is kept.
// CHECK-LABEL: func @launches
// CHECK: gpu.launch_func @first::@f
// CHECK: gpu.launch_func @first::@f{{ }}
// CHECK: gpu.launch_func @first::@f_1
// CHECK: gpu.launch_func @targeted::@f{{ }}
// CHECK: gpu.module @first {
// CHECK: gpu.func @f(
// CHECK: gpu.func @f_1(
// CHECK-NOT: gpu.func
// CHECK: gpu.module @targeted
// CHECK-NOT: gpu.module
module attributes {gpu.container_module} {
  func.func @launches(%x: memref<32xf32>) {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    gpu.launch_func @first::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<32xf32>)
    gpu.launch_func @second::@g blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<32xf32>)
    gpu.launch_func @third::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<32xf32>)
    gpu.launch_func @targeted::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<32xf32>)
    return
  }
  gpu.module @first {
    gpu.func @f(%x: memref<32xf32>) kernel {
      %t = gpu.thread_id x
      %0 = memref.load %x[%t] : memref<32xf32>
      %1 = arith.addf %0, %0 : f32
      memref.store %1, %x[%t] : memref<32xf32>
      gpu.return
    }
  }
  gpu.module @second {
    gpu.func @g(%x: memref<32xf32>) kernel {
      %t = gpu.thread_id x
      %0 = memref.load %x[%t] : memref<32xf32>
      %1 = arith.addf %0, %0 : f32
      memref.store %1, %x[%t] : memref<32xf32>
      gpu.return
    }
  }
  gpu.module @third {
    gpu.func @f(%x: memref<32xf32>) kernel {
      %t = gpu.thread_id x
      %0 = memref.load %x[%t] : memref<32xf32>
      %1 = arith.mulf %0, %0 : f32
      memref.store %1, %x[%t] : memref<32xf32>
      gpu.return
    }
  }
  gpu.module @targeted [#nvvm.target<chip = "sm_90">] {
    gpu.func @f(%x: memref<32xf32>) kernel {
      gpu.return
    }
  }
}
