// RUN: abn-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(abn-map-linalg-loops))" | FileCheck %s
// RUN: abn-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(abn-map-linalg-loops),convert-parallel-loops-to-gpu)" | FileCheck %s --check-prefix=GPU
// RUN: not abn-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(abn-map-linalg-loops{threads=100}))" 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: expected `threads` to be a multiple of 32 up to 1024, got 100

// One dimension of 800 positions in blocks of 256, whose last one is not full.
// CHECK-LABEL: func @elementwise
// CHECK: %[[ROWS:.+]] = arith.muli %{{.*}}, %c8
// CHECK: %[[ALL:.+]] = arith.muli %[[ROWS]], %c100
// CHECK: %[[STEP:.+]] = arith.muli %{{.*}}, %c256
// CHECK: scf.parallel ({{.*}}) = ({{.*}}) to (%[[ALL]]) step (%[[STEP]])
// CHECK: scf.parallel ({{.*}}) to (%[[STEP]])
// CHECK: scf.if
// CHECK: math.exp
// CHECK: processor = thread_x
// CHECK: processor = block_x
// GPU-LABEL: func @elementwise
// GPU: gpu.launch
// GPU: math.exp
func.func @elementwise(%x: memref<8x100xf32>, %y: memref<8x100xf32>) {
  linalg.exp ins(%x : memref<8x100xf32>) outs(%y : memref<8x100xf32>)
  return
}

// -----

// A sum over the first dimension: a thread for each column adds its rows in their order.
// CHECK-LABEL: func @columns
// CHECK: scf.parallel {{.*}} to (%c100{{.*}})
// CHECK: scf.parallel
// CHECK: scf.for {{.*}} to %c8
// CHECK: arith.addf
// GPU-LABEL: func @columns
// GPU: gpu.launch
// GPU: scf.for
func.func @columns(%x: memref<8x100xf32>, %sum: memref<100xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<8x100xf32>) outs(%sum : memref<100xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Nothing is parallel: the whole op is one thread's, and the host touches no memory.
// CHECK-LABEL: func @scalar
// CHECK-NOT: memref.load
// CHECK: scf.parallel
// CHECK-NEXT: memref.load
// CHECK-NEXT: memref.load
// CHECK: memref.store
// CHECK: processor = block_x
// GPU-LABEL: func @scalar
// GPU: gpu.launch
func.func @scalar(%x: memref<f32>, %y: memref<f32>) {
  linalg.div ins(%x, %y : memref<f32>, memref<f32>) outs(%x : memref<f32>)
  return
}
