// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-verify-plan

// Plans that were corrupted by hand, and what the checker cannot follow.

// An offset near 2^63.
func.func @wrap(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c = arith.constant 9223372036854775800 : index
  // expected-error @below {{expected an offset that is a sum of products of sizes, or the largest of several}}
  %s0 = memref.view %arena[%c][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// Two results in one slot.
func.func @same(%x: memref<2x4xf32>, %z: memref<4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %y = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<2x4xf32>
  %mean = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<4xf32>
  // expected-error @below {{(plan_c3) writes two results to one slot}}
  abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : memref<2x4xf32>)
      outs(%y, %mean, %mean : memref<2x4xf32>, memref<4xf32>, memref<4xf32>)
  memref.copy %mean, %z : memref<4xf32> to memref<4xf32>
  return
}

// -----

// A write to the arena itself.
func.func @direct(%x: memref<32xi8>, %f: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %f, %s0 : memref<8xf32> to memref<8xf32>
  // expected-error @below {{expected the arena to be used by views in the function's own block only}}
  memref.copy %x, %arena : memref<32xi8> to memref<32xi8>
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// via a subview/cast of the arena
func.func @cast(%f: memref<8xf32>, %g: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected the arena to be used by views in the function's own block only}}
  %a = memref.cast %arena : memref<32xi8> to memref<?xi8>
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  %s1 = memref.view %a[%c0][] {abn.slot = 1 : i64} : memref<?xi8> to memref<8xf32>
  memref.copy %f, %s0 : memref<8xf32> to memref<8xf32>
  memref.copy %g, %s1 : memref<8xf32> to memref<8xf32>
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// slot made in a region
func.func @region(%f: memref<8xf32>, %g: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %f, %s0 : memref<8xf32> to memref<8xf32>
  scf.for %i = %c0 to %c1 step %c1 {
    // expected-error @below {{expected the arena to be used by views in the function's own block only}}
    %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<8xf32>
    memref.copy %g, %s1 : memref<8xf32> to memref<8xf32>
  }
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// reinterpret_cast beyond the slot
func.func @reinterpret(%f: memref<8xf32>, %g: memref<8xf32, strided<[1], offset: 8>>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  %s1 = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %f, %s0 : memref<8xf32> to memref<8xf32>
  memref.copy %f, %s1 : memref<8xf32> to memref<8xf32>
  // expected-error @below {{expected a view that is known to stay within its slot}}
  %r = memref.reinterpret_cast %s0 to offset: [8], sizes: [8], strides: [1] : memref<8xf32> to memref<8xf32, strided<[1], offset: 8>>
  memref.copy %g, %r : memref<8xf32, strided<[1], offset: 8>> to memref<8xf32, strided<[1], offset: 8>>
  memref.copy %s1, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// transposed in place
#id = affine_map<(i, j) -> (i, j)>
func.func @transposed(%x: memref<4x4xf32>, %y: memref<4x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4x4xf32>
  memref.copy %x, %s0 : memref<4x4xf32> to memref<4x4xf32>
  // expected-error @below {{expected views as the only ops that give a slot another name}}
  %t = memref.transpose %s0 (i, j) -> (j, i) : memref<4x4xf32> to memref<4x4xf32, strided<[1, 4]>>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<4x4xf32, strided<[1, 4]>>) outs(%s0 : memref<4x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  memref.copy %s0, %y : memref<4x4xf32> to memref<4x4xf32>
  return
}

// -----

// linalg body reads the slot that is written
#i1 = affine_map<(i) -> (i)>
func.func @captured(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  linalg.generic {indexing_maps = [#i1], iterator_types = ["parallel"]}
      outs(%s0 : memref<8xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %c7 = arith.constant 7 : index
    %j = arith.subi %c7, %i : index
    // expected-error @below {{(plan_c4) reads a slot that the op around it writes over}}
    %v = memref.load %s0[%j] : memref<8xf32>
    linalg.yield %v : f32
  }
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @size_wrap(%y: memref<8xf32>, %f: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected an offset that is a sum of products of sizes, or the largest of several}}
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4611686018427387904xf32>
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  %z = arith.constant 0.0 : f32
  memref.copy %f, %s1 : memref<8xf32> to memref<8xf32>
  linalg.fill ins(%z : f32) outs(%s0 : memref<4611686018427387904xf32>)
  memref.copy %s1, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// scf.if writes only on one side
func.func @maybe(%c: i1, %y: memref<8xf32>, %f: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  // expected-note @below {{the slot}}
  %s1 = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  scf.if %c {
  memref.copy %f, %s1 : memref<8xf32> to memref<8xf32>
  }
  // expected-error @below {{(plan_c2) reads the slot at [0, 32) before all of it is written}}
  memref.copy %s1, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// no abn.arena mark: left alone
// expected-error @below {{expected one arena, got 2}}
func.func @twice(%f: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}, %arena2: memref<32xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %s0, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// atomic, store of a memref escaping
func.func @call(%f: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
  // expected-error @below {{expected the arena to be used by views in the function's own block only}}
  func.call @ext(%arena) : (memref<32xi8>) -> ()
  return
}
func.func private @ext(memref<32xi8>)
