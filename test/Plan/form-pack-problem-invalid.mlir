// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics --abn-form-pack-problem

// A buffer that is not contiguous has no place in the arena.
func.func @layout() {
  // expected-error @+1 {{expected an allocation with identity layout, got 'memref<8x4xf32, strided<[1, 8]>>'}}
  %a = memref.alloc() : memref<8x4xf32, strided<[1, 8]>>
  "test.use"(%a) : (memref<8x4xf32, strided<[1, 8]>>) -> ()
  return
}

// -----

// A result of control flow is one buffer or another, and none of them may be given to others meanwhile: the op is
// named, with a buffer that it may return.
func.func @one_or_the_other(%which: i1, %x: memref<8xf32>, %y: memref<8xf32>) {
  // expected-note @+1 {{it may be the buffer of this op}}
  %a = memref.alloc() : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{expected no `scf.if` that returns a tensor, in a function with an arena: which buffer that is, only the running step knows}}
  %s = scf.if %which -> memref<8xf32> {
    scf.yield %a : memref<8xf32>
  } else {
    scf.yield %x : memref<8xf32>
  }
  memref.copy %s, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

// So is a tensor that a loop hands from one iteration to the next,
func.func @carried(%x: memref<8xf32>, %from: index, %to: index, %step: index) {
  // expected-note @+1 {{it may be the buffer of this op}}
  %a = memref.alloc() : memref<8xf32>
  // expected-error @+1 {{expected no `scf.for` that returns a tensor}}
  %s = scf.for %i = %from to %to step %step iter_args(%c = %a) -> memref<8xf32> {
    linalg.exp ins(%x : memref<8xf32>) outs(%c : memref<8xf32>)
    scf.yield %c : memref<8xf32>
  }
  return
}

// -----

// one that the op itself allocates, which would be in no arena,
func.func @allocated_inside(%which: i1, %x: memref<8xf32>) -> memref<8xf32> {
  // expected-error @+1 {{expected no `scf.if` that returns a tensor}}
  %s = scf.if %which -> memref<8xf32> {
    // expected-note @+1 {{it may be the buffer of this op}}
    %a = memref.alloc() : memref<8xf32>
    linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
    scf.yield %a : memref<8xf32>
  } else {
    scf.yield %x : memref<8xf32>
  }
  return %s : memref<8xf32>
}

// -----

// and what a choice without regions, or a call, returns.
func.func @selected(%which: i1, %x: memref<8xf32>) -> memref<8xf32> {
  // expected-note @+1 {{it may be the buffer of this op}}
  %a = memref.alloc() : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  // expected-error @+1 {{expected no `arith.select` that returns a tensor}}
  %s = arith.select %which, %a, %x : memref<8xf32>
  return %s : memref<8xf32>
}

// -----

// How long an element is that depends on the machine nobody knows here.
func.func @scalable(%x: memref<8xvector<[4]xf32>>) -> memref<8xvector<[4]xf32>> {
  // expected-error @+1 {{expected elements that are numbers, complex numbers or vectors of a constant length, got 'vector<[4]xf32>'}}
  %a = memref.alloc() : memref<8xvector<[4]xf32>>
  memref.copy %x, %a : memref<8xvector<[4]xf32>> to memref<8xvector<[4]xf32>>
  return %a : memref<8xvector<[4]xf32>>
}
