// Plans that are right: slots that share bytes one after the other, views of a slot, an op in place,
// a use inside a region, an arena as an argument or allocated, no arena at all.
// RUN: abn-opt %s --abn-verify-plan | FileCheck %s

#id = affine_map<(i) -> (i)>

// The third slot lies over the first, which has had its last use.
// CHECK-LABEL: func @one_after_the_other
func.func @one_after_the_other(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %s1 = memref.view %arena[%c32][] {abn.slot = 1 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %s0, %s1 : memref<8xf32> to memref<8xf32>
  %s2 = memref.view %arena[%c0][] {abn.slot = 2 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %s1, %s2 : memref<8xf32> to memref<8xf32>
  memref.copy %s2, %y : memref<8xf32> to memref<8xf32>
  return
}

// CHECK-LABEL: func @in_place_and_returned
func.func @in_place_and_returned(%x: memref<8xf32>) -> memref<2x4xf32> {
  %arena = memref.alloc() {abn.arena} : memref<32xi8>
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%s0 : memref<8xf32>) outs(%s0 : memref<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %in : f32
    linalg.yield %0 : f32
  }
  %r = memref.expand_shape %s0 [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  return %r : memref<2x4xf32>
}

// CHECK-LABEL: func @region
func.func @region(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%so_far = %zero) -> f32 {
    %v = memref.load %s0[%i] : memref<8xf32>
    %next = arith.addf %so_far, %v : f32
    scf.yield %next : f32
  }
  return %sum : f32
}

// The window of a pooling is an operand for its shape only: nobody writes it.
// CHECK-LABEL: func @window
func.func @window(%x: memref<1x2x4x1xf32>, %y: memref<1x1x2x1xf32>, %arena: memref<16xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<16xi8> to memref<2x2xf32>
  linalg.pooling_nhwc_sum {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
      ins(%x, %s0 : memref<1x2x4x1xf32>, memref<2x2xf32>) outs(%y : memref<1x1x2x1xf32>)
  return
}

// Parts that do not overlap make a whole, one of them through a view and with a size that is known only at run time.
// CHECK-LABEL: func @parts
func.func @parts(%x: memref<?x4xf32>, %y: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %size = arith.muli %n, %c32 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  %s0 = memref.view %arena[%c0][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x8xf32>
  %a = memref.subview %s0[0, 0] [%n, 4] [1, 1] : memref<?x8xf32> to memref<?x4xf32, strided<[8, 1]>>
  %b = memref.subview %s0[0, 4] [%n, 4] [1, 1] : memref<?x8xf32> to memref<?x4xf32, strided<[8, 1], offset: 4>>
  %c = memref.cast %b : memref<?x4xf32, strided<[8, 1], offset: 4>> to memref<?x4xf32, strided<[?, ?], offset: ?>>
  memref.copy %x, %a : memref<?x4xf32> to memref<?x4xf32, strided<[8, 1]>>
  memref.copy %x, %c : memref<?x4xf32> to memref<?x4xf32, strided<[?, ?], offset: ?>>
  memref.copy %s0, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// An elementwise op may write over its operand, and what its body does not read it may write anyhow.
// CHECK-LABEL: func @in_place
func.func @in_place(%x: memref<4x4xf32>, %y: memref<4x4xf32>, %arena: memref<64xi8> {abn.arena}) {
  %c0 = arith.constant 0 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<4x4xf32>
  memref.copy %x, %s0 : memref<4x4xf32> to memref<4x4xf32>
  linalg.exp ins(%s0 : memref<4x4xf32>) outs(%s0 : memref<4x4xf32>)
  abn.activation #abn.relu ins(%s0 : memref<4x4xf32>) outs(%s0 : memref<4x4xf32>)
  memref.copy %s0, %y : memref<4x4xf32> to memref<4x4xf32>
  return
}

// What both branches write is written; an offset that is clamped stays within the slot.
// CHECK-LABEL: func @branches
func.func @branches(%which: i1, %at: index, %x: memref<8xf32>, %y: memref<8xf32>, %z: memref<4xf32>,
                    %arena: memref<32xi8> {abn.arena}) attributes {abn.plan = {alignment = 16 : i64}} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  scf.if %which {
    memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  } else {
    memref.copy %y, %s0 : memref<8xf32> to memref<8xf32>
  }
  %low = arith.maxsi %at, %c0 : index
  %first = arith.minsi %low, %c4 : index
  %part = memref.subview %s0[%first] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  memref.copy %part, %z : memref<4xf32, strided<[1], offset: ?>> to memref<4xf32>
  %half = memref.reinterpret_cast %s0 to offset: [4], sizes: [4], strides: [1]
      : memref<8xf32> to memref<4xf32, strided<[1], offset: 4>>
  memref.copy %half, %z : memref<4xf32, strided<[1], offset: 4>> to memref<4xf32>
  return
}

// CHECK-LABEL: func @no_arena
func.func @no_arena(%x: memref<8xf32>, %y: memref<8xf32>) {
  memref.copy %x, %y : memref<8xf32> to memref<8xf32>
  return
}

// An offset that only the running step knows lies within the slot by a remainder, or by what a loop counts.
// CHECK-LABEL: func @ranges
func.func @ranges(%at: i32, %x: memref<8xf32>, %z: memref<4xf32>, %v: f32,
                  %arena: memref<32xi8> {abn.arena}) attributes {abn.plan = {alignment = 16 : i64}} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %s0 = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
  memref.copy %x, %s0 : memref<8xf32> to memref<8xf32>
  %any = arith.index_cast %at : i32 to index
  %first = arith.remui %any, %c5 : index
  %part = memref.subview %s0[%first] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  memref.copy %z, %part : memref<4xf32> to memref<4xf32, strided<[1], offset: ?>>
  scf.for %i = %c0 to %c8 step %c2 {
    %one = memref.subview %s0[%i] [1] [1] : memref<8xf32> to memref<1xf32, strided<[1], offset: ?>>
    linalg.fill ins(%v : f32) outs(%one : memref<1xf32, strided<[1], offset: ?>>)
  }
  memref.copy %s0, %x : memref<8xf32> to memref<8xf32>
  return
}
