// RUN: abn-opt %s --split-input-file --abn-materialize-arena | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-materialize-arena=arena=argument | FileCheck %s --check-prefix=ARGUMENT
// Nothing is left to place.
// RUN: abn-opt %s --split-input-file --abn-materialize-arena --abn-materialize-arena | FileCheck %s
// RUN: not abn-opt %s --split-input-file --abn-materialize-arena=arena=heap 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: error: expected `alloc` or `argument` for the option `arena`, got `heap`

!m = memref<8xf32>

// One allocation with the alignment, or a last argument and a function that says its size; views at the
// offsets, where the allocations were.
// CHECK-LABEL: func @step
// CHECK-SAME: abn.plan = {alignment = 256 : i64, arena_bytes = 288 : i64, lower_bound_bytes = 288 : i64, max_live_bytes = 64 : i64, objective = "peak"}
// CHECK: %[[ARENA:.+]] = memref.alloc() {abn.arena, alignment = 256 : i64} : memref<288xi8>
// CHECK-NOT: abn.pack
// CHECK: %[[O0:.+]] = arith.constant 0 : index
// CHECK: %[[A:.+]] = memref.view %[[ARENA]][%[[O0]]][] {abn.slot = 0 : i64} : memref<288xi8> to memref<8xf32>
// CHECK: memref.copy %{{.+}}, %[[A]]
// CHECK: %[[O1:.+]] = arith.constant 256 : index
// CHECK: %[[B:.+]] = memref.view %[[ARENA]][%[[O1]]][] {abn.slot = 1 : i64}
// CHECK: memref.copy %[[A]], %[[B]]
// CHECK: return %[[B]]
// ARGUMENT: func.func @step_arena_size() -> index
// ARGUMENT: %[[BYTES:.+]] = arith.constant 288 : index
// ARGUMENT: return %[[BYTES]]
// ARGUMENT: func.func @step(%{{.+}}: memref<8xf32>, %[[ARENA:.+]]: memref<288xi8> {abn.arena}) -> memref<8xf32>
// ARGUMENT-NOT: memref.alloc
// ARGUMENT: memref.view %[[ARENA]]
func.func @step(%x: !m) -> !m attributes {abn.plan = {arena_bytes = 99 : i64, objective = "peak"}} {
  %size = arith.constant 32 : index
  %arena, %o:2 = abn.pack lifetimes([0, 1, 1, 2]) sizes(%size, %size)
      {abn.lower_bound_bytes = 288 : i64, abn.max_live_bytes = 64 : i64, arena_size = 288 : i64, offsets = array<i64: 0, 256>} : index, index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  %b = memref.alloc() {abn.slot = 1 : i64} : !m
  memref.copy %a, %b : !m to !m
  return %b : !m
}

// -----

!m = memref<8xf32>

// Two versions of a step share the larger arena, which belongs to the function that chooses; the smaller version
// gets a view of its size. The report has the larger sizes and the first one's costs.
// CHECK-LABEL: func @step(
// CHECK-SAME: arena_bytes = 512 : i64
// CHECK-SAME: recompute_bytes = 7 : i64
// CHECK: %[[ARENA:.+]] = memref.alloc() {abn.arena, alignment = 256 : i64} : memref<512xi8>
// CHECK: scf.if
// CHECK: %[[FIRST:.+]] = memref.view %[[ARENA]][%{{.+}}][] : memref<512xi8> to memref<32xi8>
// CHECK: call @first(%{{.+}}, %[[FIRST]])
// CHECK: %[[SECOND:.+]] = memref.view %[[ARENA]][%{{.+}}][] : memref<512xi8> to memref<512xi8>
// CHECK: call @second(%{{.+}}, %[[SECOND]])
// CHECK: func private @first(%{{.+}}: memref<8xf32>, %{{.+}}: memref<32xi8> {abn.arena})
// CHECK-NOT: memref.alloc
// CHECK: func private @second(%{{.+}}: memref<8xf32>, %{{.+}}: memref<512xi8> {abn.arena})
// Only the chooser's arena is asked for.
// ARGUMENT: func.func @step_arena_size() -> index
// ARGUMENT: arith.constant 512 : index
// ARGUMENT: func.func @step(%{{.+}}: memref<8xf32>, %{{.+}}: i1, %{{.+}}: memref<512xi8> {abn.arena})
// ARGUMENT-NOT: _arena_size
func.func @step(%x: !m, %p: i1) -> !m attributes {abn.versions = [@first, @second]} {
  %r = scf.if %p -> !m {
    %a = func.call @first(%x) : (!m) -> !m
    scf.yield %a : !m
  } else {
    %b = func.call @second(%x) : (!m) -> !m
    scf.yield %b : !m
  }
  return %r : !m
}
func.func private @first(%x: !m) -> !m attributes {abn.fallback = @second, abn.plan = {recompute_bytes = 7 : i64}} {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  return %a : !m
}
func.func private @second(%x: !m) -> !m attributes {abn.is_fallback, abn.plan = {recompute_bytes = 9 : i64}} {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 512 : i64, offsets = array<i64: 256>} : index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  return %a : !m
}

// -----

// A function without a problem stays as it is, with what it allocates.
// CHECK-LABEL: func @no_problem
// CHECK-NEXT: memref.alloc() : memref<8xf32>
// ARGUMENT-LABEL: func @no_problem()
func.func @no_problem() -> memref<8xf32> {
  %a = memref.alloc() : memref<8xf32>
  return %a : memref<8xf32>
}
