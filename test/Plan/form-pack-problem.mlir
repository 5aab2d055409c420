// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem | FileCheck %s
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem=outputs=outside \
// RUN:   | FileCheck %s --check-prefix=OUTSIDE
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem=outputs=elsewhere 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BAD

// BAD: form-pack-problem.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected `arena` or `outside` for the option `outputs`, got `elsewhere`

!m = memref<8x4xf32>
!v = memref<32xf32>

// Positions count all ops of the block, from 0. A buffer is there from its first use, not from its
// allocation, to its last use through any view; a view uses no byte itself. The result lives to the return.
// CHECK-LABEL: func @lifetimes
// CHECK-DAG: %[[SIZE:.+]] = arith.constant 128 : index
// CHECK: abn.pack lifetimes([4, 7, 5, 6, 6, 8]) sizes(%[[SIZE]], %[[SIZE]], %[[SIZE]])
// CHECK-NEXT: memref.alloc() {abn.slot = 0 : i64}
// CHECK: memref.alloc() {abn.slot = 1 : i64}
// CHECK: memref.alloc() {abn.slot = 2 : i64}
// Results that have their own allocations are not in the problem.
// OUTSIDE-LABEL: func @lifetimes
// OUTSIDE: abn.pack lifetimes([4, 7, 5, 6])
// OUTSIDE: memref.alloc() {abn.slot = 1 : i64}
// OUTSIDE: %[[C:.+]] = memref.alloc() : memref<8x4xf32>
// OUTSIDE: return %[[C]]
func.func @lifetimes(%x: !m) -> !m {
  %a = memref.alloc() : !m                                                              // 0
  %b = memref.alloc() : !m                                                              // 1
  %c = memref.alloc() : !m                                                              // 2
  %flat = memref.collapse_shape %a [[0, 1]] : !m into !v                                // 3
  memref.copy %x, %a : !m to !m                                                         // 4
  linalg.exp ins(%x : !m) outs(%b : !m)                                                 // 5
  linalg.add ins(%a, %b : !m, !m) outs(%c : !m)                                         // 6
  "test.use"(%flat) : (!v) -> ()                                                        // 7
  return %c : !m                                                                        // 8
}

// -----

// Uses inside a region count where the op with the region stands; a size of its own is a constant of its own.
// CHECK-LABEL: func @region
// CHECK-DAG: %[[A:.+]] = arith.constant 32 : index
// CHECK-DAG: %[[B:.+]] = arith.constant 6 : index
// CHECK: abn.pack lifetimes([5, 6, 6, 7]) sizes(%[[A]], %[[B]])
func.func @region(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<3xf16>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %a[%i] : memref<8xf32>
    %h = arith.truncf %v : f32 to f16
    memref.store %h, %b[%c0] : memref<3xf16>
  }
  "test.use"(%b) : (memref<3xf16>) -> ()
  return
}

// -----

// An allocation that nothing uses has no slot; without any there is no problem.
// CHECK-LABEL: func @unused
// CHECK-NOT: abn.pack
// CHECK: memref.alloc() : memref<8xf32>
// CHECK-NEXT: return
func.func @unused() {
  %a = memref.alloc() : memref<8xf32>
  return
}

// -----

// Booleans take a byte each.
// CHECK-LABEL: func @booleans
// CHECK: arith.constant 5 : index
func.func @booleans() {
  %a = memref.alloc() : memref<5xi1>
  "test.use"(%a) : (memref<5xi1>) -> ()
  return
}

// -----

// The planner counted the results: outside of the arena its bound is none, and an arena of nothing has no bytes.
// CHECK-LABEL: func @planned
// CHECK-SAME: abn.plan = {arena_bytes = 256 : i64, max_live_bytes = 128 : i64, plan_lower_bound_bytes = 128 : i64}
// CHECK: abn.pack
// OUTSIDE-LABEL: func @planned
// OUTSIDE-SAME: abn.plan = {arena_bytes = 0 : i64, max_live_bytes = 0 : i64}
// OUTSIDE-NOT: abn.pack
func.func @planned(%x: memref<32xf32>) -> memref<32xf32>
    attributes {abn.plan = {arena_bytes = 256 : i64, max_live_bytes = 128 : i64, plan_lower_bound_bytes = 128 : i64}} {
  %a = memref.alloc() : memref<32xf32>
  memref.copy %x, %a : memref<32xf32> to memref<32xf32>
  return %a : memref<32xf32>
}
