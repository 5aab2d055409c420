// What would have to know of the new argument, and the name that the caller asks for its size.
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-materialize-arena=arena=argument

!m = memref<8xf32>

// A call has no arena to give.
// expected-error @+1 {{expected no call of `step`, which gets its arena as an argument}}
func.func @step(%x: !m) -> !m {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  return %a : !m
}
func.func @train(%x: !m) -> !m {
  // expected-note @+1 {{called here}}
  %0 = call @step(%x) : (!m) -> !m
  return %0 : !m
}

// -----

!m = memref<8xf32>

// Nor has one of the function that chooses between versions.
// expected-error @+1 {{expected no call of `step`, which gets its arena as an argument}}
func.func @step(%x: !m) -> !m attributes {abn.versions = [@first, @second]} {
  %r = call @first(%x) : (!m) -> !m
  return %r : !m
}
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
func.func @train(%x: !m) -> !m {
  // expected-note @+1 {{called here}}
  %0 = call @step(%x) : (!m) -> !m
  return %0 : !m
}

// -----

!m = memref<8xf32>

// The name says what the function is: another one would not be found.
// expected-error @+1 {{expected no symbol `step_arena_size`: it is to say how large the arena of `step` is}}
func.func @step(%x: !m) -> !m {
  %size = arith.constant 32 : index
  %arena, %o = abn.pack lifetimes([0, 1]) sizes(%size) {arena_size = 32 : i64, offsets = array<i64: 0>} : index
  %a = memref.alloc() {abn.slot = 0 : i64} : !m
  memref.copy %x, %a : !m to !m
  return %a : !m
}
// expected-note @+1 {{the symbol}}
func.func private @step_arena_size(f32) -> f32
