// RUN: abn-opt %s --split-input-file --abn-bufferize | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-bufferize --remarks-filter-missed=abn -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// Nothing is left to bufferize.
// RUN: abn-opt %s --split-input-file --abn-bufferize --abn-bufferize | FileCheck %s

!t = tensor<8x4xf32>

// Destinations as they are: what dies is written over. No copy, no remark.
// REMARK-NOT: bufferize.mlir:{{1[0-9]}}:
// CHECK-LABEL: func @in_place
// CHECK-SAME: (%[[X:.+]]: memref<8x4xf32>) -> memref<8x4xf32>
// CHECK-NEXT: %[[A:.+]] = memref.alloc() : memref<8x4xf32>
// CHECK-NEXT: linalg.exp ins(%[[X]] : {{.*}} outs(%[[A]] :
// CHECK-NEXT: linalg.tanh ins(%[[A]] : {{.*}} outs(%[[A]] :
// CHECK-NEXT: return %[[A]]
func.func @in_place(%x: !t) -> !t {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.tanh ins(%a : !t) outs(%a : !t) -> !t
  return %b : !t
}

// -----

!t = tensor<8x4xf32>
#id = affine_map<(i, j) -> (i, j)>

// What is updated in place and read again is copied, once, and the remark says for whom.
// CHECK-LABEL: func @updated_and_returned
// CHECK: linalg.exp {{.*}} outs(%[[A:.+]] :
// CHECK: %[[B:.+]] = memref.alloc()
// CHECK: memref.copy %[[A]], %[[B]]
// CHECK: linalg.generic {{.*}} outs(%[[B]] :
// CHECK-NOT: memref.copy
// CHECK: return %[[A]], %[[B]]
// REMARK: bufferize.mlir:[[@LINE+4]]:{{.*}}copied 128 bytes: what `linalg.generic` ({{.*}}bufferize.mlir:[[@LINE+4]]) overwrites is read again later
func.func @updated_and_returned(%x: !t, %one: f32) -> (!t, !t) {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%a : !t) {
  ^bb0(%o: f32):
    %s = arith.addf %o, %one : f32
    linalg.yield %s : f32
  } -> !t
  return %a, %b : !t, !t
}

// -----

!t = tensor<8x4xf32>

// What is only written needs no copy: another buffer.
// CHECK-LABEL: func @written_and_read_later
// CHECK: linalg.exp {{.*}} outs(%[[A:.+]] :
// CHECK: %[[B:.+]] = memref.alloc()
// CHECK-NEXT: linalg.tanh ins(%[[A]] : {{.*}} outs(%[[B]] :
// CHECK-NEXT: linalg.add ins(%[[A]], %[[B]] : {{.*}} outs(%[[B]] :
// CHECK-NOT: memref.copy
func.func @written_and_read_later(%x: !t) -> !t {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.tanh ins(%a : !t) outs(%a : !t) -> !t
  %c = linalg.add ins(%a, %b : !t, !t) outs(%b : !t) -> !t
  return %c : !t
}

// -----

!t = tensor<8x4xf32>

// An argument is written over only if the caller gave it up.
// CHECK-LABEL: func @arguments
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<8x4xf32>, %[[W:[a-z0-9]+]]: memref<8x4xf32> {abn.donated})
// CHECK: %[[A:.+]] = memref.alloc()
// CHECK: linalg.tanh ins(%[[X]] : {{.*}} outs(%[[A]] :
// CHECK: linalg.tanh ins(%[[W]] : {{.*}} outs(%[[W]] :
// CHECK: return %[[A]], %[[W]]
func.func @arguments(%x: !t, %w: !t {abn.donated}) -> (!t, !t) {
  %a = linalg.tanh ins(%x : !t) outs(%x : !t) -> !t
  %b = linalg.tanh ins(%w : !t) outs(%w : !t) -> !t
  return %a, %b : !t, !t
}

// -----

!t = tensor<8x4xf32>

// One empty tensor as the destination of two ops whose results live together: two buffers.
// CHECK-LABEL: func @shared_empty
// CHECK: linalg.exp {{.*}} outs(%[[A:.+]] :
// CHECK: linalg.exp {{.*}} outs(%[[B:.+]] :
// CHECK: linalg.add ins(%[[A]], %[[B]] : {{.*}} outs(%[[A]] :
// CHECK-NOT: memref.copy
func.func @shared_empty(%x: !t, %y: !t) -> !t {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.exp ins(%y : !t) outs(%e : !t) -> !t
  %c = linalg.add ins(%a, %b : !t, !t) outs(%a : !t) -> !t
  return %c : !t
}

// -----

!t = tensor<4x4xf32>
#id = affine_map<(i, j) -> (i, j)>

// What an op's body reads by itself, here the mirrored element, must not be what it writes; a later reader
// of that kind is a reader as any other.
// CHECK-LABEL: func @captured
// CHECK: linalg.exp {{.*}} outs(%[[A:.+]] :
// CHECK: linalg.tanh ins(%[[A]] : {{.*}} outs(%[[B:.+]] :
// CHECK: linalg.generic {{.*}} ins(%[[B]] : {{.*}} outs(%[[C:.+]] :
// CHECK: memref.load %[[A]]
// CHECK: return %[[C]] :
func.func @captured(%x: !t) -> !t {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.tanh ins(%a : !t) outs(%a : !t) -> !t
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%b : !t) outs(%e : !t) {
  ^bb0(%in: f32, %out: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %v = tensor.extract %a[%j, %i] : !t
    %s = arith.addf %in, %v : f32
    linalg.yield %s : f32
  } -> !t
  return %c : !t
}

// -----

!t = tensor<8x4xf32>

// Constants are never written.
// CHECK-LABEL: func @constant
// CHECK: %[[C:.+]] = memref.get_global
// CHECK: linalg.tanh {{.*}} outs(%[[A:.+]] :
// CHECK: linalg.add ins(%[[C]], %[[A]] : {{.*}} outs(%[[A]] :
func.func @constant(%x: !t) -> !t {
  %c = arith.constant dense<1.0> : !t
  %b = linalg.tanh ins(%x : !t) outs(%c : !t) -> !t
  %d = linalg.add ins(%c, %b : !t, !t) outs(%b : !t) -> !t
  return %d : !t
}

// -----

!t = tensor<8x4xf32>

// Control flow on tensors is left to upstream's analysis: %a is read behind the branch that overwrites it.
// CHECK-LABEL: func @control_flow
// CHECK: linalg.exp {{.*}} outs(%[[A:.+]] :
// CHECK: %[[R:.+]] = scf.if
// CHECK: linalg.tanh ins(%[[A]] : {{.*}} outs(%[[B:.+]] :
// CHECK: linalg.add ins(%[[A]], %[[R]]
func.func @control_flow(%x: !t, %p: i1) -> !t {
  %e = tensor.empty() : !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %r = scf.if %p -> !t {
    %b = linalg.tanh ins(%a : !t) outs(%a : !t) -> !t
    scf.yield %b : !t
  } else {
    scf.yield %x : !t
  }
  %c = linalg.add ins(%a, %r : !t, !t) outs(%e : !t) -> !t
  return %c : !t
}

// -----

!t = tensor<8x4xf32>
#id = affine_map<(i, j) -> (i, j)>

// One empty tensor that two ops write, as CSE leaves it, and one fill that two ops update: two buffers of each, no
// copy, the fills where they are needed.
// REMARK-NOT: @blank
// CHECK-LABEL: func @blank
// CHECK: %[[A:.+]] = memref.alloc()
// CHECK: linalg.exp {{.*}} outs(%[[A]] :
// CHECK: %[[B:.+]] = memref.alloc()
// CHECK: linalg.log ins(%[[A]] {{.*}} outs(%[[B]] :
// CHECK: %[[C:.+]] = memref.alloc()
// CHECK-NEXT: linalg.fill {{.*}} outs(%[[C]] :
// CHECK: linalg.generic {{.*}} outs(%[[C]] :
// CHECK: linalg.tanh ins(%[[C]]
// CHECK: %[[D:.+]] = memref.alloc()
// CHECK-NEXT: linalg.fill {{.*}} outs(%[[D]] :
// CHECK: linalg.generic {{.*}} outs(%[[D]] :
// CHECK-NOT: memref.copy
// CHECK: return %[[D]]
func.func @blank(%x: !t, %zero: f32) -> !t {
  %e = tensor.empty() : !t
  %fill = linalg.fill ins(%zero : f32) outs(%e : !t) -> !t
  %a = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %b = linalg.log ins(%a : !t) outs(%e : !t) -> !t
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%b : !t) outs(%fill : !t) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.addf %i, %o : f32
    linalg.yield %s : f32
  } -> !t
  %d = linalg.tanh ins(%c : !t) outs(%c : !t) -> !t
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%d : !t) outs(%fill : !t) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.addf %i, %o : f32
    linalg.yield %s : f32
  } -> !t
  return %f : !t
}

// -----

#id = affine_map<(i, j) -> (i, j)>
!t = tensor<4x8xf32>

// Which of two arguments a select gives is not known, and one of them was not given up: what reads it
// for the last time does not write over it.
// CHECK-LABEL: func @selected
// CHECK: %[[V:.+]] = arith.select
// CHECK: %[[T:.+]] = memref.alloc()
// CHECK: linalg.tanh ins(%[[V]] : {{.*}}) outs(%[[T]] :
// CHECK: return %[[T]]
func.func @selected(%b: i1, %x: !t {abn.donated}, %p: !t) -> !t {
  %v = arith.select %b, %x, %p : !t
  %t = linalg.tanh ins(%v : !t) outs(%v : !t) -> !t
  return %t : !t
}

// -----

!t = tensor<8x4xf32>
!r = tensor<1x4xf32>

// The last part of a buffer that is read is updated in a buffer of its own: in place it would keep all of
// it. Of an argument, which is there anyway, it is updated in place.
// CHECK-LABEL: func @last_part
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<8x4xf32> {abn.donated}, %[[V:.+]]: f32)
// CHECK: linalg.exp {{.*}} outs(%[[B:.+]] :
// CHECK: %[[R:.+]] = memref.subview %[[B]][3, 0]
// CHECK: %[[COPY:.+]] = memref.alloc() {{.*}}: memref<1x4xf32>
// CHECK: memref.copy %[[R]], %[[COPY]]
// CHECK: memref.store %[[V]], %[[COPY]]
// CHECK: %[[S:.+]] = memref.subview %[[Y]][3, 0]
// CHECK-NOT: memref.copy
// CHECK: memref.store %[[V]], %[[S]]
// CHECK: linalg.add ins(%[[COPY]], %[[S]] :
// REMARK: bufferize.mlir:[[@LINE+6]]:{{.*}}copied 16 bytes: what `memref.store` ({{.*}}) overwrites is read again later, or is the last part of a larger buffer that is needed
func.func @last_part(%x: !t, %y: !t {abn.donated}, %v: f32) -> !r {
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : !t
  %b = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %row = tensor.extract_slice %b[3, 0] [1, 4] [1, 1] : !t to !r
  %t = tensor.insert %v into %row[%c0, %c0] : !r
  %other = tensor.extract_slice %y[3, 0] [1, 4] [1, 1] : !t to !r
  %u = tensor.insert %v into %other[%c0, %c0] : !r
  %er = tensor.empty() : !r
  %sum = linalg.add ins(%t, %u : !r, !r) outs(%er : !r) -> !r
  return %sum : !r
}
