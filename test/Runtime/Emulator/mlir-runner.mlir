// The host module runs in upstream's runner as well: each of 96 threads adds its index to a sum.
// RUN: abn-opt %s --abn-to-gpu="chips=sm_80 format=offload instrument=true" \
// RUN:   | mlir-runner --entry-point-result=i32 --shared-libs=%build/lib/libabn_runtime_emulator.so | FileCheck %s
// CHECK: 4560
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @count(%sum: memref<1xi32>) kernel {
      %c0 = arith.constant 0 : index
      %i = gpu.global_id x
      %value = arith.index_cast %i : index to i32
      %old = memref.atomic_rmw addi %value, %sum[%c0] : (i32, memref<1xi32>) -> i32
      gpu.return
    }
  }
  func.func @main() -> i32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0 : i32
    %host = memref.alloc() : memref<1xi32>
    memref.store %zero, %host[%c0] : memref<1xi32>
    %t0 = gpu.wait async
    %device, %t1 = gpu.alloc async [%t0] () : memref<1xi32>
    %t2 = gpu.memcpy async [%t1] %device, %host : memref<1xi32>, memref<1xi32>
    %t3 = gpu.launch_func async [%t2] @kernels::@count blocks in (%c3, %c1, %c1)
        threads in (%c32, %c1, %c1) args(%device : memref<1xi32>)
    %t4 = gpu.memcpy async [%t3] %host, %device : memref<1xi32>, memref<1xi32>
    %t5 = gpu.dealloc async [%t4] %device : memref<1xi32>
    gpu.wait [%t5]
    %sum = memref.load %host[%c0] : memref<1xi32>
    memref.dealloc %host : memref<1xi32>
    return %sum : i32
  }
}
