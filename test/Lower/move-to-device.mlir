// RUN: abn-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(abn-move-to-device))" | FileCheck %s
// RUN: abn-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(abn-move-to-device,abn-move-to-device))" | FileCheck %s

// The arena and what is copied in it.
// CHECK-LABEL: func @arena
// CHECK: %[[ARENA:.+]] = gpu.alloc () : memref<256xi8>
// CHECK-DAG: %[[A:.+]] = memref.view %[[ARENA]][%c0]
// CHECK-DAG: %[[B:.+]] = memref.view %[[ARENA]][%c128]
// CHECK: gpu.memcpy %[[B]], %[[A]] : memref<32xf32>, memref<32xf32>
// CHECK: gpu.dealloc %[[ARENA]]
func.func @arena() {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %arena = memref.alloc() {alignment = 256} : memref<256xi8>
  %a = memref.view %arena[%c0][] : memref<256xi8> to memref<32xf32>
  %b = memref.view %arena[%c128][] : memref<256xi8> to memref<32xf32>
  memref.copy %a, %b : memref<32xf32> to memref<32xf32>
  memref.dealloc %arena : memref<256xi8>
  return
}

// -----

// A strided copy is a kernel's work.
// CHECK-LABEL: func @strided
// CHECK: linalg.copy
// CHECK-NOT: memcpy
func.func @strided(%x: memref<4x8xf32, strided<[16, 1]>>, %y: memref<4x8xf32>) {
  memref.copy %x, %y : memref<4x8xf32, strided<[16, 1]>> to memref<4x8xf32>
  return
}

// -----

// A constant lives on the device while the function runs.
// CHECK-LABEL: func @constant
// CHECK: %[[HOST:.+]] = memref.get_global @table
// CHECK: %[[DEVICE:.+]] = gpu.alloc
// CHECK: gpu.memcpy %[[DEVICE]], %[[HOST]]
// CHECK: linalg.exp ins(%[[DEVICE]]
// CHECK: gpu.dealloc %[[DEVICE]]
memref.global "private" constant @table : memref<2xf32> = dense<[1.0, 2.0]>
func.func @constant(%y: memref<2xf32>) {
  %table = memref.get_global @table : memref<2xf32>
  linalg.exp ins(%table : memref<2xf32>) outs(%y : memref<2xf32>)
  return
}

// -----

// What the host reads, here in a loop, is copied to it once, before.
// CHECK-LABEL: func @host_reads
// CHECK-SAME: (%[[X:.+]]: memref<?xf32>
// CHECK: %[[COPY:.+]] = memref.alloca(%{{.*}}) : memref<?xf32>
// CHECK: gpu.memcpy %[[COPY]], %[[X]]
// CHECK: scf.for
// CHECK: memref.load %[[COPY]]
func.func @host_reads(%x: memref<?xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> f32 {
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = arith.addf %s, %0 : f32
    scf.yield %1 : f32
  }
  return %sum : f32
}
