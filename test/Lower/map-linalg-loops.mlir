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

// -----

// A long sum with few results: a block for each, whose threads share its elements and are combined in
// halves; what the destination held is added once.
// CHECK-LABEL: func @long_sum
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c64, {{.*}}) threads({{.*}}) in (%{{.*}} = %c256,
// CHECK-SAME: workgroup(%[[BUFFER:.+]] : memref<256xf32, #gpu.address_space<workgroup>>)
// CHECK: %[[SUM:.+]] = scf.for %{{.*}} = %{{.*}} to %c800{{.*}} step %c256{{.*}} iter_args(%[[SO_FAR:.+]] = %{{.*}})
// CHECK: %[[X:.+]] = memref.load %arg0[
// CHECK: arith.addf %[[SO_FAR]], %[[X]]
// CHECK: memref.store %[[SUM]], %[[BUFFER]][
// CHECK: gpu.barrier
// CHECK: arith.cmpi ult, %{{.*}}, %c128
// CHECK: scf.if
// CHECK: gpu.barrier
// CHECK: arith.cmpi eq
// CHECK: memref.load %arg1[
// CHECK: arith.addf
// CHECK: memref.store %{{.*}}, %arg1[
// CHECK-NOT: scf.parallel
func.func @long_sum(%x: memref<8x64x100xf32>, %sum: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(n, c, i) -> (n, c, i)>, affine_map<(n, c, i) -> (c)>],
                  iterator_types = ["reduction", "parallel", "reduction"]}
      ins(%x : memref<8x64x100xf32>) outs(%sum : memref<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Where the largest value is: no single op combines two such pairs, so that one thread does it.
// CHECK-LABEL: func @argmax
// CHECK-NOT: gpu.launch
// CHECK: scf.parallel
func.func @argmax(%x: memref<1000xf32>, %max: memref<f32>, %at: memref<index>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>, affine_map<(i) -> ()>],
                  iterator_types = ["reduction"]}
      ins(%x : memref<1000xf32>) outs(%max, %at : memref<f32>, memref<index>) {
  ^bb0(%a: f32, %m: f32, %j: index):
    %i = linalg.index 0 : index
    %0 = arith.cmpf ogt, %a, %m : f32
    %1 = arith.select %0, %a, %m : f32
    %2 = arith.select %0, %i, %j : index
    linalg.yield %1, %2 : f32, index
  }
  return
}

// -----

// Sizes that are not known, and few elements per result: a thread per result.
// CHECK-LABEL: func @short_or_open
// CHECK-NOT: gpu.launch
func.func @short_or_open(%x: memref<?x64xf32>, %y: memref<64x100xf32>, %sum: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (c)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%sum : memref<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(c, i) -> (c, i)>, affine_map<(c, i) -> (c)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%y : memref<64x100xf32>) outs(%sum : memref<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Nine results would take 36 bytes of workgroup memory per thread.
// CHECK-LABEL: func @many_results
// CHECK-NOT: gpu.launch
// CHECK: return
func.func @many_results(%x: memref<1000xf32>, %s0: memref<f32>, %s1: memref<f32>, %s2: memref<f32>, %s3: memref<f32>, %s4: memref<f32>, %s5: memref<f32>, %s6: memref<f32>, %s7: memref<f32>, %s8: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<1000xf32>) outs(%s0, %s1, %s2, %s3, %s4, %s5, %s6, %s7, %s8 : memref<f32>, memref<f32>, memref<f32>, memref<f32>, memref<f32>, memref<f32>, memref<f32>, memref<f32>, memref<f32>) {
  ^bb0(%a: f32, %b0: f32, %b1: f32, %b2: f32, %b3: f32, %b4: f32, %b5: f32, %b6: f32, %b7: f32, %b8: f32):
    %r0 = arith.addf %b0, %a : f32
    %r1 = arith.addf %b1, %a : f32
    %r2 = arith.addf %b2, %a : f32
    %r3 = arith.addf %b3, %a : f32
    %r4 = arith.addf %b4, %a : f32
    %r5 = arith.addf %b5, %a : f32
    %r6 = arith.addf %b6, %a : f32
    %r7 = arith.addf %b7, %a : f32
    %r8 = arith.addf %b8, %a : f32
    linalg.yield %r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8 : f32, f32, f32, f32, f32, f32, f32, f32, f32
  }
  return
}
