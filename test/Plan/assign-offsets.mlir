// RUN: abn-opt %s --split-input-file --abn-assign-offsets | FileCheck %s
// An answer is replaced: the second run gives the same.
// RUN: abn-opt %s --split-input-file --abn-assign-offsets=alignment=64 --abn-assign-offsets | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-assign-offsets=alignment=64 | FileCheck %s --check-prefix=SIXTYFOUR
// RUN: abn-opt %s --split-input-file --abn-assign-offsets=alignment=1 | FileCheck %s --check-prefix=ONE
// RUN: abn-opt %s --split-input-file --abn-assign-offsets=node-limit=0 | FileCheck %s --check-prefix=NODES
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=alignment=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=alignment=-256 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=alignment=48 2>&1 | FileCheck %s --check-prefix=NOT-A-POWER
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=alignment=8589934592 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=canary-bytes=-1 2>&1 | FileCheck %s --check-prefix=CANARY
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=canary-bytes=9223372036854775807 2>&1 | FileCheck %s --check-prefix=CANARIES
// RUN: not abn-opt %s --split-input-file --abn-assign-offsets=node-limit=-1 2>&1 | FileCheck %s --check-prefix=NO-NODES

// ZERO: assign-offsets.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected a power of two for the option `alignment`, got 0
// NEGATIVE: error: expected a power of two for the option `alignment`, got -256
// NOT-A-POWER: error: expected a power of two for the option `alignment`, got 48
// HUGE: error: expected at most 4294967296 for the option `alignment`, got 8589934592
// CANARY: error: expected no negative option `canary-bytes`, got -1
// CANARIES: error: expected at most 1073741824 for the option `canary-bytes`, got 9223372036854775807
// NO-NODES: error: expected no negative option `node-limit`, got -1

// Three buffers of which two are live at a time: the third takes the place of the first. What is live is
// 200 bytes; the second of two that are live together begins at a multiple of the alignment, which the bound
// knows.
// CHECK-LABEL: func @chain
// CHECK: abn.pack lifetimes([0, 1, 1, 2, 2, 3])
// CHECK-SAME: abn.lower_bound_bytes = 356 : i64, abn.max_live_bytes = 200 : i64, arena_size = 356 : i64
// CHECK-SAME: offsets = array<i64: [[A:0|256]], {{0|256}}, [[A]]>
// SIXTYFOUR-LABEL: func @chain
// SIXTYFOUR: alignment = 64 : i64, arena_size = 228 : i64
// ONE-LABEL: func @chain
// ONE: abn.lower_bound_bytes = 200 : i64, abn.max_live_bytes = 200 : i64, alignment = 1 : i64, arena_size = 200 : i64
// Without a search the heuristics' answer stands, with the same bound.
// NODES-LABEL: func @chain
// NODES: abn.lower_bound_bytes = 356
func.func @chain() -> index {
  %size = arith.constant 100 : index
  %arena, %o:3 = abn.pack lifetimes([0, 1, 1, 2, 2, 3]) sizes(%size, %size, %size) : index, index, index
  return %arena : index
}

// -----

// Buffers of no bytes are in nobody's way; two ops are two problems.
// CHECK-LABEL: func @empty
// CHECK: arena_size = 0 : i64
// CHECK: arena_size = 100 : i64
func.func @empty() -> (index, index) {
  %zero = arith.constant 0 : index
  %size = arith.constant 100 : index
  %a, %o:2 = abn.pack lifetimes([0, 1, 0, 1]) sizes(%zero, %zero) : index, index
  %b, %p:2 = abn.pack lifetimes([0, 1, 0, 1]) sizes(%size, %zero) : index, index
  return %a, %b : index, index
}
