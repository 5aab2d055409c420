// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-materialize-arena

// The problem must be solved.
func.func @not_solved(%x: memref<8xf32>) {
  %size = arith.constant 32 : index
  // expected-error @+1 {{expected `offsets`; run abn-assign-offsets first}}
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) : index
  %a = memref.alloc() {abn.slot = 0 : i64} : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  return
}

// -----

// A slot is an index of the problem.
func.func @no_such_slot(%x: memref<8xf32>) {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  // expected-error @+1 {{expected a slot of the pack op, got 1 : i64}}
  %a = memref.alloc() {abn.slot = 1 : i64} : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @slot_of_another_kind(%x: memref<8xf32>) {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  // expected-error @+1 {{expected a slot of the pack op, got "first"}}
  %a = memref.alloc() {abn.slot = "first"} : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  return
}

// -----

// One arena has one problem.
func.func @two_problems(%x: memref<8xf32>) {
  %size = arith.constant 32 : index
  // expected-error @+1 {{expected one `abn.pack` in a function}}
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  %other, %p = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  return
}
