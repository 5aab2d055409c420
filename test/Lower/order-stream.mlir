// RUN: abn-opt %s --abn-order-stream | FileCheck %s
// The host module still has the one stream, and no other.
// RUN: abn-opt %s --abn-to-gpu="chips=sm_80 format=offload" | FileCheck %s --check-prefix=HOST

// One stream for kernels and copies; the host waits before it returns, and before it reads.
// CHECK-LABEL: func @step
// CHECK: %[[S:.+]] = call @mgpuStreamCreate()
// CHECK: %[[T:.+]] = builtin.unrealized_conversion_cast %[[S]] : !llvm.ptr to !gpu.async.token
// CHECK: gpu.launch_func async [%[[T]]] @kernels::@f
// CHECK: call @mgpuMemcpy(%{{.*}}, %{{.*}}, %{{.*}}, %[[S]])
// CHECK-NOT: mgpuStreamSynchronize
// CHECK: gpu.launch_func async [%[[T]]] @kernels::@f
// CHECK: memref.alloca
// CHECK: call @mgpuMemcpy(%{{.*}}, %{{.*}}, %{{.*}}, %[[S]])
// CHECK-NEXT: call @mgpuStreamSynchronize(%[[S]])
// CHECK: memref.load
// CHECK: call @mgpuStreamSynchronize(%[[S]])
// CHECK: call @mgpuStreamDestroy(%[[S]])
// CHECK: return

// HOST-LABEL: llvm.func @step
// HOST: %[[S:.+]] = llvm.call @mgpuStreamCreate()
// HOST: gpu.launch_func <%[[S]] : !llvm.ptr> @kernels::@f
// HOST: gpu.launch_func <%[[S]] : !llvm.ptr> @kernels::@f
// HOST-NOT: mgpuStreamCreate
// HOST: llvm.return

// CHECK-LABEL: func @host_only
// CHECK-NOT: mgpu
// CHECK: return
module attributes {gpu.container_module} {
  func.func @step(%x: memref<32xf32>, %y: memref<32xf32>) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<32xf32>)
    gpu.memcpy %y, %x : memref<32xf32>, memref<32xf32>
    gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%y : memref<32xf32>)
    %host = memref.alloca() : memref<32xf32>
    gpu.memcpy %host, %y : memref<32xf32>, memref<32xf32>
    %0 = memref.load %host[%c0] : memref<32xf32>
    return %0 : f32
  }
  func.func @host_only(%x: f32) -> f32 {
    return %x : f32
  }
  gpu.module @kernels {
    gpu.func @f(%x: memref<32xf32>) kernel {
      gpu.return
    }
  }
}
