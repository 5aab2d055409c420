// Values that may be in another value's buffer: what a call or a loop returns, and one of two tensors.
// RUN: abn-opt %s --split-input-file --abn-optimize="numerics=exact recognize=false" --abn-plan | FileCheck %s

!t = tensor<256xf32>

// A bound that is proved counts nothing for what a call returns: it may be the argument.
// CHECK-LABEL: func @called
// CHECK-SAME: arena_bytes = 4 : i64, {{.*}}plan_lower_bound_bytes = 4 : i64
func.func @called(%q: !t, %x: !t) -> (tensor<f32> {abn.role = "loss"}, !t) {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%q : !t) outs(%f0 : tensor<f32>) dimensions = [0]
  %u = func.call @identity(%x) : (!t) -> !t
  return %loss, %u : tensor<f32>, !t
}
func.func private @identity(%x: !t) -> !t {
  return %x : !t
}

// -----

!t = tensor<256xf32>

// Nor for a loop, which here updates a donated argument.
// CHECK-LABEL: func @looped
// CHECK-SAME: arena_bytes = 4 : i64, {{.*}}plan_lower_bound_bytes = 4 : i64
func.func @looped(%q: !t, %x: !t {abn.donated}) -> (tensor<f32> {abn.role = "loss"}, !t) {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%q : !t) outs(%f0 : tensor<f32>) dimensions = [0]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %u = scf.for %i = %c0 to %c16 step %c1 iter_args(%a = %x) -> !t {
    %n = linalg.tanh ins(%a : !t) outs(%a : !t) -> !t
    scf.yield %n : !t
  }
  return %loss, %u : tensor<f32>, !t
}

// -----

!t = tensor<256xf32>

// The copy that updates %v is as large as %v, which is %w or an argument.
// CHECK-LABEL: func @chosen
// CHECK-SAME: arena_bytes = 1028 : i64, {{.*}}plan_lower_bound_bytes = 1024 : i64
func.func @chosen(%q: !t, %x: !t {abn.donated}, %y: !t) -> (tensor<f32> {abn.role = "loss"}, !t) {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%q : !t) outs(%f0 : tensor<f32>) dimensions = [0]
  %l = tensor.extract %loss[] : tensor<f32>
  %c = arith.cmpf ogt, %l, %zero : f32
  %e = tensor.empty() : !t
  %w = linalg.tanh ins(%x : !t) outs(%e : !t) -> !t
  %v = arith.select %c, %w, %y : !t
  %u = linalg.tanh ins(%v : !t) outs(%v : !t) -> !t
  return %loss, %u : tensor<f32>, !t
}

// -----

!t = tensor<256xf32>

// A choice between arguments takes no byte, and %y is written over once it has been read, beside an op
// whose region holds scalars only, too.
// CHECK-LABEL: func @padded
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<256xf32> {abn.donated})
// CHECK-SAME: arena_bytes = 2308 : i64, {{.*}}curve = array<i64: 2308,
// CHECK: linalg.exp ins(%[[Y]] : {{.*}}) outs(%[[Y]] :
func.func @padded(%x: !t, %y: !t {abn.donated})
    -> (tensor<f32> {abn.role = "loss"}, !t, !t, tensor<258xf32>) {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%x : !t) outs(%f0 : tensor<f32>) dimensions = [0]
  %l = tensor.extract %loss[] : tensor<f32>
  %c = arith.cmpf ogt, %l, %zero : f32
  %v = arith.select %c, %x, %y : !t
  %e = tensor.empty() : !t
  %u = linalg.tanh ins(%v : !t) outs(%e : !t) -> !t
  %w = linalg.exp ins(%y : !t) outs(%y : !t) -> !t
  %pad = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : !t to tensor<258xf32>
  return %loss, %u, %w, %pad : tensor<f32>, !t, !t, tensor<258xf32>
}
