// RUN: abn-opt %s --split-input-file --abn-lend-workspaces -o %t.once
// RUN: FileCheck %s --input-file=%t.once
// RUN: abn-opt %t.once --split-input-file --abn-lend-workspaces | diff %t.once -
// What is lent overlaps no live slot: the checker says so.
// RUN: abn-opt %t.once --split-input-file --abn-verify-plan -o /dev/null

// While the first product runs, [256, 768) is live; of what is free before it, between and behind, 512 bytes
// behind are the largest range. During the second one %b is dead and its bytes are part of the range.
// CHECK-LABEL: func.func @two
// CHECK: %[[C768:.+]] = arith.constant 768 : index
// CHECK: %[[W:.+]] = memref.view %arg2[%[[C768]]][] {abn.slot = 2 : i64} : memref<1280xi8{{.*}}> to memref<512xi8>
// CHECK-NEXT: abn.scratch %[[W]] : memref<512xi8>
// CHECK-NEXT: linalg.matmul
// CHECK-NEXT: abn.scratch %[[W]] : memref<512xi8>
// CHECK: %[[C512:.+]] = arith.constant 512 : index
// CHECK: %[[V:.+]] = memref.view %arg2[%[[C512]]][] {abn.slot = 3 : i64} : memref<1280xi8{{.*}}> to memref<768xi8>
// CHECK-NEXT: abn.scratch %[[V]] : memref<768xi8>
// CHECK-NEXT: linalg.matmul
// CHECK-NEXT: abn.scratch %[[V]] : memref<768xi8>
func.func @two(%x: memref<8x8xf32>, %out: memref<8x8xf32>, %arena: memref<1280xi8> {abn.arena})
    attributes {abn.plan = {alignment = 256 : i64, arena_bytes = 1280 : i64}} {
  %c256 = arith.constant 256 : index
  %c512 = arith.constant 512 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.view %arena[%c256][] {abn.slot = 0 : i64} : memref<1280xi8> to memref<8x8xf32>
  %b = memref.view %arena[%c512][] {abn.slot = 1 : i64} : memref<1280xi8> to memref<8x8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<8x8xf32>)
  linalg.fill ins(%zero : f32) outs(%b : memref<8x8xf32>)
  linalg.matmul ins(%x, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  linalg.matmul ins(%x, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%out : memref<8x8xf32>)
  return
}

// -----

// Nothing is free, or between canaries: no workspace.
// CHECK-LABEL: func.func @full
// CHECK-NOT: abn.scratch
func.func @full(%x: memref<8x8xf32>, %arena: memref<256xi8> {abn.arena})
    attributes {abn.plan = {alignment = 256 : i64, arena_bytes = 256 : i64}} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<256xi8> to memref<8x8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<8x8xf32>)
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// CHECK-LABEL: func.func @canaries
// CHECK-NOT: abn.scratch
func.func @canaries(%x: memref<8x8xf32>, %arena: memref<1024xi8> {abn.arena})
    attributes {abn.plan = {alignment = 256 : i64, arena_bytes = 1024 : i64, canary_bytes = 64 : i64}} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<1024xi8> to memref<8x8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<8x8xf32>)
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}
