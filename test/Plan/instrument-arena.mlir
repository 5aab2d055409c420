// RUN: abn-opt %s --split-input-file --abn-instrument-arena | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-instrument-arena --abn-instrument-arena | FileCheck %s
// What is added does not disturb the checker of the plan.
// RUN: abn-opt %s --split-input-file --abn-instrument-arena --abn-verify-plan | FileCheck %s

// The arena is dead on entry. A slot is dead before its first use, has its canary behind it until its
// last, which is a use of a view of it, and is dead again after that; a returned slot stays. Two
// canaries differ. At the end all but the returned slot is dead.
// CHECK-LABEL: func @slots
// CHECK-SAME: %[[X:[^:]+]]: memref<8xf32>, %[[ARENA:[^:]+]]: memref<256xi8>
// CHECK-SAME: abn.instrumented
// CHECK: %[[BYTES:.+]] = memref.cast %[[ARENA]] : memref<256xi8> to memref<?xi8>
// CHECK: %[[B:.+]] = arith.constant 0 : index
// CHECK: %[[E:.+]] = arith.constant 256 : index
// CHECK: %[[V:.+]] = arith.constant -1 : i8
// CHECK: call @abn_fill_bytes(%[[BYTES]], %[[B]], %[[E]], %[[V]])
// CHECK: %[[S0:.+]] = memref.view %[[ARENA]]
// CHECK: %[[B:.+]] = arith.constant 128 : index
// CHECK: %[[E:.+]] = arith.constant 176 : index
// CHECK: %[[V:.+]] = arith.constant -1 : i8
// CHECK: %[[FREE:.+]] = call @abn_holds_bytes(%[[BYTES]], %[[B]], %[[E]], %[[V]])
// CHECK: cf.assert %[[FREE]], "abn: slot 0 ({{.*}}instrument-arena.mlir:[[#]]): another slot was live in its bytes at its first use"
// CHECK: %[[B:.+]] = arith.constant 160 : index
// CHECK: %[[E:.+]] = arith.constant 176 : index
// CHECK: %[[V:.+]] = arith.constant 90 : i8
// CHECK: call @abn_fill_bytes(%[[BYTES]], %[[B]], %[[E]], %[[V]])
// CHECK: memref.copy %[[X]], %[[S0]]
// CHECK-NOT: call
// CHECK: %[[R:.+]] = memref.expand_shape %[[S0]]
// CHECK: %[[S1:.+]] = memref.view %[[ARENA]]
// CHECK: call @abn_holds_bytes
// CHECK: cf.assert {{.*}} "abn: slot 1
// CHECK: arith.constant 121 : i8
// CHECK: call @abn_fill_bytes
// CHECK: memref.copy %[[R]], %[[S1]]
// The first slot dies here.
// CHECK: %[[B:.+]] = arith.constant 160 : index
// CHECK: %[[E:.+]] = arith.constant 176 : index
// CHECK: %[[V:.+]] = arith.constant 90 : i8
// CHECK: %[[WHOLE:.+]] = call @abn_holds_bytes(%[[BYTES]], %[[B]], %[[E]], %[[V]])
// CHECK: cf.assert %[[WHOLE]], "abn: slot 0 ({{.*}}): the bytes behind it were overwritten while it was live"
// CHECK: %[[B:.+]] = arith.constant 128 : index
// CHECK: %[[E:.+]] = arith.constant 176 : index
// CHECK: %[[V:.+]] = arith.constant -1 : i8
// CHECK: call @abn_fill_bytes(%[[BYTES]], %[[B]], %[[E]], %[[V]])
// CHECK-NOT: abn_fill_bytes
// The returned one is checked and kept; [48, 256) and nothing else must be dead.
// CHECK: call @abn_holds_bytes
// CHECK: cf.assert {{.*}} "abn: slot 1 ({{.*}}): the bytes behind it were overwritten while it was live"
// CHECK: call @abn_holds_bytes
// CHECK: cf.assert {{.*}} "abn: bytes [48, 256) of the arena were written when no slot was live there"
// CHECK-NOT: call
// CHECK: return %[[S1]]
func.func @slots(%x: memref<8xf32>, %arena: memref<256xi8> {abn.arena}) -> memref<2x4xf32>
    attributes {abn.plan = {arena_bytes = 256 : i64, canary_bytes = 16 : i64}} {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %s0 = memref.view %arena[%c128][] {abn.slot = 0 : i64} : memref<256xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %r = memref.expand_shape %s0 [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<256xi8> to memref<2x4xf32>
  memref.copy %r, %s1 : memref<2x4xf32> to memref<2x4xf32>
  return %s1 : memref<2x4xf32>
}

// The two functions are shared, private, and not inlined by LLVM either.
// CHECK-LABEL: func private @abn_fill_bytes(%{{.*}}: memref<?xi8>, %{{.*}}: index, %{{.*}}: index, %{{.*}}: i8)
// CHECK-SAME: no_inline, passthrough = ["noinline"]
// CHECK: scf.for
// CHECK: memref.store
// CHECK-LABEL: func private @abn_holds_bytes(%{{.*}}: memref<?xi8>, %{{.*}}: index, %{{.*}}: index, %{{.*}}: i8) -> i1
// CHECK-NOT: func private @abn_fill_bytes
// CHECK-NOT: func private @abn_holds_bytes

// -----

// The function's own arena; without canaries in the plan there is nothing behind a slot to watch.
// CHECK-LABEL: func @allocated
// CHECK: %[[ARENA:.+]] = memref.alloc() {abn.arena, alignment = 256 : i64} : memref<32xi8>
// CHECK-NEXT: memref.cast %[[ARENA]]
// CHECK: call @abn_fill_bytes
// CHECK: call @abn_holds_bytes
// CHECK: another slot was live
// CHECK: memref.copy
// CHECK: arith.constant -1 : i8
// CHECK-NOT: overwritten
// CHECK: call @abn_fill_bytes
// CHECK: "abn: bytes [0, 32) of the arena
// CHECK: return
func.func @allocated(%x: memref<8xf32>) {
  %arena = memref.alloc() {abn.arena, alignment = 256 : i64} : memref<32xi8>
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  return
}

// -----

// A use inside a region is a use by the op in the function's block.
// CHECK-LABEL: func @region
// CHECK: memref.view
// CHECK: another slot was live
// CHECK: scf.for
// CHECK-NOT: call
// CHECK: memref.store
// CHECK-NOT: call
// CHECK: }
// CHECK: call @abn_fill_bytes
// CHECK: "abn: bytes [0, 32) of the arena
func.func @region(%v: f32, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %v, %s0[%i] : memref<8xf32>
  }
  return
}

// -----

// Without an arena nothing changes, and no function is added.
// CHECK-LABEL: func @no_arena
// CHECK-NEXT: return
// CHECK-NOT: func
func.func @no_arena(%x: memref<8xf32>) {
  return
}
