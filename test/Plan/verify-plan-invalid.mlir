// Each refusal, with the op and the slots that it is about.
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-verify-plan

func.func @c1_beyond_the_end(%x: memref<8xf32>, %arena: memref<48xi8> {abn.arena}) {
  %c32 = arith.constant 32 : index
  // expected-error @+1 {{(plan_c1) expected a slot within the arena of 48 bytes, got [32, 64)}}
  %s0 = memref.view %arena[%c32][] {abn.slot = 0 : i64} : memref<48xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @computed_offset(%x: memref<8xf32>, %at: index, %arena: memref<48xi8> {abn.arena}) {
  // expected-error @+1 {{expected a constant offset and a static shape in the arena}}
  %s0 = memref.view %arena[%at][] {abn.slot = 0 : i64} : memref<48xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @c2_overwritten(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c28 = arith.constant 28 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // Over the last element of the first slot.
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c28][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  memref.copy %s1, %y : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @c2_unwritten(%y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) before all of it is written}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// What is returned is read at the end, through a view as well.
func.func @c2_returned(%x: memref<8xf32>) -> memref<2x4xf32> {
  %arena = memref.alloc() {abn.arena} : memref<32xi8>
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %r = memref.expand_shape %s0 [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  return %r : memref<2x4xf32>
}

// -----

// A read inside a region.
func.func @c2_region(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<4xf32>
  linalg.fill ins(%zero : f32) outs(%s1 : memref<4xf32>)
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%so_far = %zero) -> f32 {
    %v = memref.load %s0[%i] : memref<8xf32>
    %next = arith.addf %so_far, %v : f32
    scf.yield %next : f32
  }
  return %sum : f32
}

// -----

// A write over what the same op reads: the op may have read only a part of it by then.
func.func @c3_operand(%x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  // expected-note @+1 {{the other slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // expected-note @+1 {{the slot that is written}}
  %s1 = memref.view %arena[%c4][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  // expected-error @+1 {{(plan_c3) writes a slot that overlaps another slot that it uses}}
  memref.copy %s0, %s1 : memref<8xf32> to memref<8xf32>
  return
}

// -----

// Two results of one op over each other.
func.func @c3_results(%x: memref<2x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %y = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<2x4xf32>
  // expected-note @+1 {{the slot that is written}}
  %mean = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<4xf32>
  // expected-note @+1 {{the other slot}}
  %variance = memref.view %arena[%c32][] {abn.slot = 2 : i64} : memref<64xi8> to memref<4xf32>
  // expected-error @+1 {{(plan_c3) writes a slot that overlaps another slot that it uses}}
  abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : memref<2x4xf32>)
      outs(%y, %mean, %variance : memref<2x4xf32>, memref<4xf32>, memref<4xf32>)
  return
}

// -----

// A view that is made inside a region shows the same slot.
func.func @c2_view_in_region(%x: memref<8xf32>, %y: memref<4xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) before all of it is written}}
  scf.for %i = %c0 to %c8 step %c1 {
    %half = memref.subview %s0[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
    memref.copy %half, %y : memref<4xf32, strided<[1]>> to memref<4xf32>
  }
  return
}

// -----

// What the checker cannot follow it does not let pass: another name for a slot ...
func.func @alias_by_select(%which: i1, %x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) -> memref<8xf32> {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %s1 = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{expected views as the only ops that give a slot another name}}
  %s = arith.select %which, %s0, %s1 : memref<8xf32>
  return %s : memref<8xf32>
}

// -----

func.func @alias_by_yield(%which: i1, %x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) -> memref<8xf32> {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %s = scf.if %which -> memref<8xf32> {
    // expected-error @+1 {{expected views as the only ops that give a slot another name}}
    scf.yield %s0 : memref<8xf32>
  } else {
    scf.yield %x : memref<8xf32>
  }
  return %s : memref<8xf32>
}

// -----

func.func @alias_by_loop(%x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) -> memref<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{expected views as the only ops that give a slot another name}}
  %s = scf.for %i = %c0 to %c1 step %c1 iter_args(%a = %s0) -> memref<8xf32> {
    scf.yield %x : memref<8xf32>
  }
  return %s : memref<8xf32>
}

// -----

// ... or several blocks.
// expected-error @+1 {{expected a function of one block}}
func.func @several_blocks(%arena: memref<64xi8> {abn.arena}) {
  cf.br ^bb1
^bb1:
  return
}

// -----

// A part of a slot is not all of it.
func.func @c2_partly_written(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  %a = memref.subview %s0[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  %b = memref.subview %s0[3] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 3>>
  %half = memref.subview %x[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  memref.copy %half, %a : memref<4xf32, strided<[1]>> to memref<4xf32, strided<[1]>>
  memref.copy %half, %b : memref<4xf32, strided<[1]>> to memref<4xf32, strided<[1], offset: 3>>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) before all of it is written}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// Nor does it bring back what another slot was written over.
func.func @c2_partly_restored(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  %a = memref.subview %s0[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  %half = memref.subview %x[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  memref.copy %half, %a : memref<4xf32, strided<[1]>> to memref<4xf32, strided<[1]>>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// An op that writes over what it has still to read: row i of a transpose is read after row 0 was written,
#id = affine_map<(i, j) -> (i, j)>
#transposed = affine_map<(i, j) -> (j, i)>
func.func @c4_transpose(%x: memref<4x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4x4xf32>
  memref.copy %x, %s0 : memref<4x4xf32> to memref<4x4xf32>
  // expected-error @+1 {{(plan_c4) writes over the slot at [0, 64) before it has read all that it reads of it}}
  linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s0 : memref<4x4xf32>) outs(%s0 : memref<4x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// each element of a product reads a row and a column,
func.func @c4_matmul(%x: memref<4x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4x4xf32>
  memref.copy %x, %s0 : memref<4x4xf32> to memref<4x4xf32>
  // expected-error @+1 {{(plan_c4) writes over the slot}}
  linalg.matmul ins(%x, %s0 : memref<4x4xf32>, memref<4x4xf32>) outs(%s0 : memref<4x4xf32>)
  return
}

// -----

// and a convolution its neighbours.
func.func @c4_convolution(%w: memref<2x2x1xf32>, %x: memref<1x2x4xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<1x2x4xf32>
  memref.copy %x, %s0 : memref<1x2x4xf32> to memref<1x2x4xf32>
  // expected-error @+1 {{(plan_c4) writes over the slot}}
  dnn.convolution {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>, dilations = array<i64: 1>}
      ins(%s0, %w : memref<1x2x4xf32>, memref<2x2x1xf32>) outs(%s0 : memref<1x2x4xf32>)
  return
}

// -----

// An offset whose end is beyond 2^63 wraps around to a small number.
func.func @c1_offset_wraps(%x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %huge = arith.constant 9223372036854775800 : index
  // expected-error @+1 {{(plan_c1) expected a slot whose bytes are a sum of products of sizes, below 2^63 with its offset}}
  %s0 = memref.view %arena[%huge][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @c1_size_wraps(%zero: f32, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{(plan_c1) expected a slot whose bytes are a sum of products of sizes, below 2^63}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4611686018427387904xf32>
  linalg.fill ins(%zero : f32) outs(%s0 : memref<4611686018427387904xf32>)
  return
}

// -----

func.func @c1_computed_size_wraps(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %many = arith.constant 4611686018427387904 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %size = arith.muli %n, %many : index
  %arena = memref.alloc(%n) {abn.arena} : memref<?xi8>
  // expected-error @+1 {{(plan_c1) expected a slot whose bytes are a sum of products of sizes, below 2^63}}
  %s0 = memref.view %arena[%c0][%size] {abn.slot = 0 : i64} : memref<?xi8> to memref<?xf32>
  return
}

// -----

func.func @c5_alignment(%x: memref<8xf32>, %arena: memref<512xi8> {abn.arena})
    attributes {abn.plan = {alignment = 256 : i64, arena_bytes = 512 : i64}} {
  %c32 = arith.constant 32 : index
  // expected-error @+1 {{(plan_c5) expected an offset that is a multiple of 256, got 32}}
  %s0 = memref.view %arena[%c32][] {abn.slot = 0 : i64} : memref<512xi8> to memref<8xf32>
  return
}

// -----

func.func @c5_computed_offset(%x: memref<?x64xf32>) attributes {abn.plan = {alignment = 256 : i64}} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c512 = arith.constant 512 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %at = arith.muli %n, %c4 : index
  %size = arith.muli %n, %c512 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  // expected-error @+1 {{(plan_c5) expected an offset that is a multiple of 256, got 4*s0}}
  %s0 = memref.view %arena[%at][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
  return
}

// -----

// The arena is used through slots only: not by itself ...
func.func @arena_copied(%x: memref<32xi8>, %arena: memref<32xi8> {abn.arena}) {
  // expected-error @+1 {{expected slots, made by `memref.view`, as the only uses of the arena}}
  memref.copy %x, %arena : memref<32xi8> to memref<32xi8>
  return
}

// -----

func.func private @ext(memref<32xi8>)
func.func @arena_passed_on(%arena: memref<32xi8> {abn.arena}) {
  // expected-error @+1 {{expected slots, made by `memref.view`, as the only uses of the arena}}
  call @ext(%arena) : (memref<32xi8>) -> ()
  return
}

// -----

func.func @arena_renamed(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expected slots, made by `memref.view`, as the only uses of the arena}}
  %a = memref.cast %arena : memref<32xi8> to memref<?xi8>
  %s0 = memref.view %a[%c0][] {abn.slot = 0 : i64} : memref<?xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  return
}

// -----

// ... and not inside a region.
func.func @slot_in_region(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %c1 step %c1 {
    // expected-error @+1 {{expected slots in the function's block only}}
    %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
    memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  }
  return
}

// -----

func.func @two_arenas(%a: memref<32xi8> {abn.arena},
                      // expected-error @+1 {{expected one argument with `abn.arena`, got two}}
                      %b: memref<32xi8> {abn.arena}) {
  return
}

// -----

func.func @another_arena(%a: memref<32xi8> {abn.arena}) {
  // expected-error @+1 {{expected `abn.arena` on one allocation of the function's block, or on one view from 0 of the argument that has it}}
  %b = memref.alloc() {abn.arena} : memref<32xi8>
  return
}

// -----

// expected-error @+1 {{expected an arena of bytes, got 'memref<8xf32>'}}
func.func @not_bytes(%arena: memref<8xf32> {abn.arena}) {
  return
}

// -----

// A view that leaves its slot.
func.func @view_beyond(%x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-error @+1 {{expected a view that lies within what it is a view of}}
  %r = memref.reinterpret_cast %s0 to offset: [1], sizes: [8], strides: [1]
      : memref<8xf32> to memref<8xf32, strided<[1], offset: 1>>
  return
}

// -----

// Nothing says where this part lies.
// expected-note @+1 {{its offset in dimension 0 is known only when the step runs: from -9223372036854775808 to 9223372036854775807}}
func.func @view_anywhere(%at: index, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-error @+1 {{expected a view that lies within what it is a view of}}
  %r = memref.subview %s0[%at] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  return
}

// -----

// Nor that it ends within the slot.
func.func @view_too_far(%at: index, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c6 = arith.constant 6 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-note @+1 {{its offset in dimension 0 is known only when the step runs: from 0 to 5}}
  %first = arith.remui %at, %c6 : index
  // expected-error @+1 {{expected a view that lies within what it is a view of}}
  %r = memref.subview %s0[%first] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  return
}

// -----

// A write to a part, which one nobody knows, does not bring back what another slot has taken.
func.func @lost(%at: index, %x: memref<8xf32>, %z: memref<4xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  %first = arith.remui %at, %c5 : index
  %part = memref.subview %s0[%first] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  memref.copy %z, %part : memref<4xf32> to memref<4xf32, strided<[1], offset: ?>>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  memref.copy %s0, %x : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @address_taken(%arena: memref<64xi8> {abn.arena}) -> index {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-error @+1 {{expected an op that reads or writes the slot at [0, 32)}}
  %p = memref.extract_aligned_pointer_as_index %s0 : memref<8xf32> -> index
  return %p : index
}

// -----

func.func @slot_freed(%arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-error @+1 {{expected an op that reads or writes the slot at [0, 32)}}
  memref.dealloc %s0 : memref<8xf32>
  return
}

// -----

// One slot for two results.
func.func @c3_one_slot(%x: memref<2x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %y = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<2x4xf32>
  // expected-note @+1 {{the slot}}
  %mean = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<4xf32>
  // expected-error @+1 {{(plan_c3) writes the slot at [32, 48) as two of its results}}
  abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : memref<2x4xf32>)
      outs(%y, %mean, %mean : memref<2x4xf32>, memref<4xf32>, memref<4xf32>)
  return
}

// -----

// A body that reads what the op writes at another index.
#i = affine_map<(i) -> (i)>
func.func @c4_body(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{(plan_c4) uses the slot at [0, 32) in its body and as an operand, and writes it}}
  linalg.generic {indexing_maps = [#i], iterator_types = ["parallel"]} outs(%s0 : memref<8xf32>) {
  ^bb0(%out: f32):
    %at = linalg.index 0 : index
    %other = arith.subi %c7, %at : index
    %v = memref.load %s0[%other] : memref<8xf32>
    linalg.yield %v : f32
  }
  return
}

// -----

// A transpose that is a view is one still.
#id = affine_map<(i, j) -> (i, j)>
func.func @c4_transposed_view(%x: memref<4x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4x4xf32>
  memref.copy %x, %s0 : memref<4x4xf32> to memref<4x4xf32>
  %t = memref.transpose %s0 (i, j) -> (j, i) : memref<4x4xf32> to memref<4x4xf32, strided<[1, 4]>>
  // expected-error @+1 {{(plan_c4) writes over the slot at [0, 64) before it has read all that it reads of it}}
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<4x4xf32, strided<[1, 4]>>) outs(%s0 : memref<4x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// What one branch writes may not be written,
func.func @c2_one_branch(%which: i1, %x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  scf.if %which {
    memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  }
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) before all of it is written}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// and what it writes over may be lost.
func.func @c2_lost_in_one_branch(%which: i1, %x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  scf.if %which {
    memref.copy %x, %s1 : memref<8xf32> to memref<8xf32>
  }
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 32) after another slot was written over it}}
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}
