// What the planner does with sizes that are known when the step runs: they are computed where the function
// begins, from the arguments' sizes, and no tensor is asked for its size.
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-plan-recompute | FileCheck %s
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-plan-recompute --abn-schedule \
// RUN:   | FileCheck %s
// RUN: not abn-opt %s --abn-schedule=dynamic-size=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not abn-opt %s --abn-plan-recompute=dynamic-size=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not abn-opt %s --abn-assign-offsets=dynamic-size=-1 2>&1 | FileCheck %s --check-prefix=OFFSETS

// ZERO: error: expected a positive option `dynamic-size`, got 0
// NEGATIVE: error: expected a positive option `dynamic-size`, got -1
// OFFSETS: error: expected no negative option `dynamic-size`, got -1

// The size of %y is asked of %y, through a reshape; it is the argument's.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: dynamic_size = 8 : i64
// CHECK: %[[N:.+]] = tensor.dim %arg0, %c0
// CHECK-NOT: tensor.dim
// CHECK: tensor.empty(%[[N]])
// CHECK-NOT: tensor.dim
// CHECK: return
func.func @chain(%x: tensor<?x64xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = abn.activation #abn.tanh ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %m = tensor.dim %y, %c0 : tensor<?x64xf32>
  %wide = tensor.expand_shape %y [[0], [1, 2]] output_shape [%m, 8, 8]
      : tensor<?x64xf32> into tensor<?x8x8xf32>
  %k = tensor.dim %wide, %c0 : tensor<?x8x8xf32>
  %e1 = tensor.empty(%k) : tensor<?x8x8xf32>
  %z = abn.activation #abn.tanh ins(%wide : tensor<?x8x8xf32>) outs(%e1 : tensor<?x8x8xf32>) -> tensor<?x8x8xf32>
  %es = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%es : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce ins(%z : tensor<?x8x8xf32>) outs(%f : tensor<f32>) dimensions = [0, 1, 2]
    (%in: f32, %out: f32) {
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    }
  %l = tensor.dim %z, %c0 : tensor<?x8x8xf32>
  %e2 = tensor.empty(%l) : tensor<?x64xf32>
  %d = abn.activation_grad #abn.tanh ins(%x, %y : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%e2 : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %loss, %d : tensor<f32>, tensor<?x64xf32>
}

// -----

func.func @size_from_data(%x: tensor<64xf32>, %sizes: tensor<1xindex>) -> (tensor<f32> {abn.role = "loss"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.extract %sizes[%c0] : tensor<1xindex>
  // expected-error @+1 {{expected sizes that follow from the sizes of the function's arguments}}
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %es = tensor.empty() : tensor<f32>
  %loss = linalg.reduce ins(%y : tensor<?xf32>) outs(%es : tensor<f32>) dimensions = [0]
    (%in: f32, %out: f32) {
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    }
  return %loss : tensor<f32>
}
