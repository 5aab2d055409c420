// Sizes that are known when the step runs: what each pass makes of them.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem | FileCheck %s --check-prefix=FORM
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem --abn-assign-offsets \
// RUN:   | FileCheck %s --check-prefix=ASSIGN
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem --abn-assign-offsets=dynamic-size=1 \
// RUN:   | FileCheck %s --check-prefix=ONE
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem --abn-assign-offsets \
// RUN:   --abn-assign-offsets | FileCheck %s --check-prefix=ASSIGN
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem --abn-assign-offsets \
// RUN:   --abn-materialize-arena --abn-verify-plan | FileCheck %s --check-prefix=ALLOC
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-form-pack-problem --abn-assign-offsets \
// RUN:   --abn-materialize-arena=arena=argument --abn-verify-plan | FileCheck %s --check-prefix=ARGUMENT

// Two buffers that grow with the batch and one that does not. %a and %c share their bytes above %b; the
// arena ends where the larger of the two does.
// FORM-LABEL: func.func @batch
// FORM: %[[N:.+]] = memref.dim %arg0, %{{.+}} : memref<?x64xf32>
// FORM: %[[A:.+]] = arith.muli %{{.+}}, %[[N]]
// FORM: %[[C:.+]] = arith.constant 4096 : index
// FORM: abn.pack lifetimes([6, 7, 7, 9, 8, 9]) sizes(%[[A]], %[[A]], %[[C]])
// ASSIGN: #[[ARENA:.+]] = affine_map<()[s0] -> (s0 * 512, s0 * 256 + 4096)>
// ASSIGN: #[[ABOVE:.+]] = affine_map<()[s0] -> (s0 * 256)>
// ASSIGN: #[[BOTTOM:.+]] = affine_map<()[s0] -> (0)>
// ASSIGN: func.func @batch
// ASSIGN: %[[N:.+]] = memref.dim %arg0
// ASSIGN: abn.pack {{.+}} symbols(%[[N]]) {abn.arena_bytes = 6144 : i64, abn.dynamic_size = 8 : i64
// ASSIGN-SAME: arena_map = #[[ARENA]], offset_maps = [#[[ABOVE]], #[[BOTTOM]], #[[ABOVE]]]}
// ONE-LABEL: func.func @batch
// ONE: abn.arena_bytes = 4352 : i64, abn.dynamic_size = 1 : i64
// ALLOC-LABEL: func.func @batch
// ALLOC-SAME: arena_bytes = 6144 : i64, arena_formula = "max(512*s0, 256*s0 + 4096)", arena_symbols = ["x[0]"], dynamic_size = 8 : i64
// ALLOC: %[[SIZE:.+]] = arith.maxsi
// ALLOC: %[[ARENA:.+]] = memref.alloc(%[[SIZE]]) {abn.arena, alignment = 256 : i64} : memref<?xi8>
// ALLOC: memref.view %[[ARENA]][%{{.+}}][%{{.+}}] {abn.slot = 0 : i64} : memref<?xi8> to memref<?x64xf32>
// ALLOC: memref.view %[[ARENA]][%{{.+}}][] {abn.slot = 2 : i64} : memref<?xi8> to memref<1024xf32>
// ARGUMENT: func.func @batch_arena_size(%[[N:.+]]: index {abn.name = "x[0]"}) -> index
// ARGUMENT: %[[QUERY:.+]] = arith.maxsi
// ARGUMENT: return %[[QUERY]]
// ARGUMENT-LABEL: func.func @batch(
// ARGUMENT-SAME: %[[GIVEN:[a-z0-9]+]]: memref<?xi8> {abn.arena})
// ARGUMENT: %[[SIZE:.+]] = arith.maxsi
// ARGUMENT: %[[LENGTH:.+]] = memref.dim %[[GIVEN]]
// ARGUMENT: %[[ENOUGH:.+]] = arith.cmpi sge, %[[LENGTH]], %[[SIZE]]
// ARGUMENT: cf.assert %[[ENOUGH]], "abn: the arena is smaller than the step needs"
// ARGUMENT: memref.view %[[GIVEN]][%{{.+}}][%[[SIZE]]] {abn.arena} : memref<?xi8> to memref<?xi8>
func.func @batch(%x: memref<?x64xf32> {abn.name = "x"}, %w: memref<1024xf32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %a = memref.alloc(%n) : memref<?x64xf32>
  // The size of an allocation is what it was given.
  %m = memref.dim %a, %c0 : memref<?x64xf32>
  %b = memref.alloc(%m) : memref<?x64xf32>
  %c = memref.alloc() : memref<1024xf32>
  memref.copy %x, %a : memref<?x64xf32> to memref<?x64xf32>
  memref.copy %a, %b : memref<?x64xf32> to memref<?x64xf32>
  memref.copy %w, %c : memref<1024xf32> to memref<1024xf32>
  "test.use"(%b, %c) : (memref<?x64xf32>, memref<1024xf32>) -> ()
  return
}

// -----

// Two sizes, and a buffer with both of them: their product is a third symbol.
// FORM-LABEL: func.func @batch_and_height
// FORM: %[[N:.+]] = memref.dim %arg0, %c0
// FORM: %[[H:.+]] = memref.dim %arg0, %c1
// FORM: %[[A:.+]] = arith.muli %{{.+}}, %[[N]]
// FORM: arith.muli %[[A]], %[[H]]
// ASSIGN-LABEL: func.func @batch_and_height
// ASSIGN: %[[N:.+]] = memref.dim %arg0, %c0
// ASSIGN: %[[H:.+]] = memref.dim %arg0, %c1
// ASSIGN: %[[NH:.+]] = arith.muli %[[N]], %[[H]] : index
// ASSIGN: symbols(%[[NH]], %[[H]])
// ALLOC-LABEL: func.func @batch_and_height
// ALLOC-SAME: arena_symbols = ["arg0[0]*arg0[1]", "arg0[1]"]
// ARGUMENT: func.func @batch_and_height_arena_size(%{{.+}}: index {abn.name = "arg0[0]"}, %{{.+}}: index {abn.name = "arg0[1]"}) -> index
func.func @batch_and_height(%x: memref<?x?x16xf32>, %r: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x?x16xf32>
  %h = memref.dim %x, %c1 : memref<?x?x16xf32>
  %a = memref.alloc(%n, %h) : memref<?x?x16xf32>
  %row = memref.alloc(%h) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x?x16xf32> to memref<?x?x16xf32>
  memref.copy %r, %row : memref<?x16xf32> to memref<?x16xf32>
  "test.use"(%a, %row) : (memref<?x?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

// A size that is asked of a view of a buffer.
// FORM-LABEL: func.func @views
// FORM: %[[N:.+]] = memref.dim %arg0, %{{.+}} : memref<?x64xf32>
// FORM-COUNT-3: memref.alloc(%[[N]])
// ASSIGN-LABEL: func.func @views
// ALLOC-LABEL: func.func @views
// ALLOC-SAME: arena_symbols = ["arg0[0]"]
func.func @views(%x: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %a = memref.alloc(%n) : memref<?x64xf32>
  memref.copy %x, %a : memref<?x64xf32> to memref<?x64xf32>
  %e = memref.expand_shape %a [[0], [1, 2]] output_shape [%n, 8, 8] : memref<?x64xf32> into memref<?x8x8xf32>
  %m = memref.dim %e, %c0 : memref<?x8x8xf32>
  %b = memref.alloc(%m) : memref<?x8x8xf32>
  memref.copy %e, %b : memref<?x8x8xf32> to memref<?x8x8xf32>
  %f = memref.collapse_shape %b [[0], [1, 2]] : memref<?x8x8xf32> into memref<?x64xf32>
  %k = memref.dim %f, %c0 : memref<?x64xf32>
  %c = memref.alloc(%k) : memref<?x64xf32>
  memref.copy %f, %c : memref<?x64xf32> to memref<?x64xf32>
  "test.use"(%a, %b, %c) : (memref<?x64xf32>, memref<?x8x8xf32>, memref<?x64xf32>) -> ()
  return
}
