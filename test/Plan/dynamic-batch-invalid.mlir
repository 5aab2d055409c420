// What is refused where sizes are known only when the step runs.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics --abn-verify-plan --abn-form-pack-problem

// A coefficient that is too small: the slots overlap as soon as the batch is 2.
func.func @one_coefficient(%x: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %c255 = arith.constant 255 : index
  %c512 = arith.constant 512 : index
  %small = arith.muli %n, %c255 : index
  %two = arith.muli %n, %c512 : index
  %arena = memref.alloc(%two) {abn.arena} : memref<?xi8>
  // expected-note @+1 {{the slot}}
  %s0 = memref.view %arena[%c0][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
  memref.copy %x, %s0 : memref<?x64xf32> to memref<?x64xf32>
  // expected-note @+1 {{the other slot}}
  %s1 = memref.view %arena[%small][%n] {abn.slot = 1 : i64} : memref<?xi8> to memref<?x64xf32>
  memref.copy %x, %s1 : memref<?x64xf32> to memref<?x64xf32>
  // expected-error @+1 {{(plan_c2) reads the slot at [0, 256*s0) after another slot was written over it}}
  memref.copy %s0, %x : memref<?x64xf32> to memref<?x64xf32>
  return
}

// -----

// 256 bytes are enough for batch 1 only.
func.func @constant_offset(%x: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %c256 = arith.constant 256 : index
  %c512 = arith.constant 512 : index
  %two = arith.muli %n, %c512 : index
  %size = arith.addi %two, %c256 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  // expected-note @+1 {{the other slot}}
  %s0 = memref.view %arena[%c0][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
  memref.copy %x, %s0 : memref<?x64xf32> to memref<?x64xf32>
  // expected-note @+1 {{the slot that is written}}
  %s1 = memref.view %arena[%c256][%n] {abn.slot = 1 : i64} : memref<?xi8> to memref<?x64xf32>
  // expected-error @+1 {{(plan_c3) writes a slot that overlaps another slot that it uses}}
  memref.copy %s0, %s1 : memref<?x64xf32> to memref<?x64xf32>
  return
}

// -----

func.func @beyond_the_end(%x: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %c256 = arith.constant 256 : index
  %size = arith.muli %n, %c256 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  // expected-error @+1 {{(plan_c1) expected a slot within the arena of 256*s0 bytes, got [256, 256 + 256*s0)}}
  %s0 = memref.view %arena[%c256][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
  return
}

// -----

// Two sizes that may or may not be equal.
func.func @other_size(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x?xf32>
  %h = memref.dim %x, %c1 : memref<?x?xf32>
  %c4 = arith.constant 4 : index
  %size = arith.muli %n, %c4 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  // expected-error @+1 {{(plan_c1) expected a slot within the arena of 4*s0 bytes, got [0, 4*s1)}}
  %s0 = memref.view %arena[%c0][%h] {abn.slot = 0 : i64} : memref<?xi8> to memref<?xf32>
  return
}

// -----

func.func @unreadable_offset(%x: memref<?x64xf32>, %at: index) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %c512 = arith.constant 512 : index
  %size = arith.muli %n, %c512 : index
  %arena = memref.alloc(%size) {abn.arena} : memref<?xi8>
  // expected-error @+1 {{expected an offset that is a sum of products of sizes, or the largest of several}}
  %s0 = memref.view %arena[%at][%n] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
  return
}

// -----

// expected-error @+1 {{expected an arena whose size is known in the function}}
func.func @unknown_arena(%x: memref<?x64xf32>, %arena: memref<?xi8> {abn.arena}) {
  return
}

// -----

// A size that is read from memory is not there when the arena is made.
func.func @size_from_memory(%x: memref<1xindex>) {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error @+1 {{expected sizes that follow from the sizes of the function's arguments}}
  %a = memref.alloc(%n) : memref<?xf32>
  "test.use"(%a) : (memref<?xf32>) -> ()
  return
}

// -----

func.func @c5_together(%n: index) {
  // expected-error @+1 {{(pack_c5) expected `offset_maps` and `arena_map` together}}
  %0 = abn.pack lifetimes([]) sizes() symbols(%n) {arena_map = affine_map<()[s0] -> (s0)>}
  return
}

// -----

func.func @c5_both(%n: index) {
  // expected-error @+1 {{(pack_c5) expected either `offsets` or `offset_maps`, got both}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%n) symbols(%n) {arena_map = affine_map<()[s0] -> (s0)>,
      arena_size = 8 : i64, offset_maps = [affine_map<()[s0] -> (0)>], offsets = array<i64: 0>} : index
  return
}

// -----

func.func @c5_alignment(%n: index) {
  // expected-error @+1 {{(pack_c5) expected a sum of multiples of 256 that are not negative, got affine_map<()[s0] -> (s0 * 128)>}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%n) symbols(%n) {arena_map = affine_map<()[s0] -> (s0)>,
      offset_maps = [affine_map<()[s0] -> (s0 * 128)>]} : index
  return
}

// -----

func.func @c5_symbols(%n: index) {
  // expected-error @+1 {{(pack_c5) expected a map of 1 symbols}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%n) symbols(%n) {arena_map = affine_map<()[s0] -> (s0)>,
      offset_maps = [affine_map<()[s0, s1] -> (s1 * 256)>]} : index
  return
}

// -----

func.func @c5_count(%n: index) {
  // expected-error @+1 {{(pack_c5) expected 1 maps in `offset_maps`, got 0}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%n) symbols(%n) {arena_map = affine_map<()[s0] -> (s0)>,
      offset_maps = []} : index
  return
}
