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

// -----

!m = memref<8xf32>

// A version of a step gets the arena of the function that chooses: nobody else may call it.
// expected-error @+1 {{expected no call of `first`, which gets its arena as an argument}}
func.func private @first(%x: !m) -> !m attributes {abn.fallback = @second} {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  return %a : !m
}
func.func private @second(%x: !m) -> !m attributes {abn.is_fallback} {
  return %x : !m
}
func.func @step(%x: !m) -> !m attributes {abn.versions = [@first, @second]} {
  %r = call @first(%x) : (!m) -> !m
  return %r : !m
}
func.func @other(%x: !m) -> !m {
  // expected-note @+1 {{called here}}
  %0 = call @first(%x) : (!m) -> !m
  return %0 : !m
}
