// Canaries are room in the problem: every buffer is placed as if it were that much larger, and the
// plan says so.
// RUN: abn-opt %s -pass-pipeline='builtin.module(func.func(abn-assign-offsets{alignment=16}))' | FileCheck %s --check-prefix=WITHOUT
// RUN: abn-opt %s -pass-pipeline='builtin.module(func.func(abn-assign-offsets{alignment=16 canary-bytes=32}),abn-materialize-arena{arena=argument})' | FileCheck %s --check-prefix=WITH
// RUN: not abn-opt %s -pass-pipeline='builtin.module(func.func(abn-assign-offsets{canary-bytes=-1}))' 2>&1 | FileCheck %s --check-prefix=NEGATIVE

// WITHOUT: abn.pack
// WITHOUT-SAME: arena_size = 64 : i64
// WITHOUT-NOT: canary
// WITH: abn.plan = {{[{].*}}arena_bytes = 128 : i64, canary_bytes = 32 : i64
// NEGATIVE: canary-bytes.mlir:[[#@LINE+1]]:{{.*}} error: expected no negative option `canary-bytes`, got -1
func.func @two(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c32 = arith.constant 32 : index
  %arena, %o0, %o1 = abn.pack lifetimes([4, 6, 5, 7]) sizes(%c32, %c32) : index, index
  %a = memref.alloc() {abn.slot = 0 : i64} : memref<8xf32>
  %b = memref.alloc() {abn.slot = 1 : i64} : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  memref.copy %x, %b : memref<8xf32> to memref<8xf32>
  memref.copy %a, %y : memref<8xf32> to memref<8xf32>
  memref.copy %b, %y : memref<8xf32> to memref<8xf32>
  return
}
