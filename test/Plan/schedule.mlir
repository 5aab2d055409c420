// The order of the ops for the smallest arena.
// RUN: abn-opt %s --split-input-file --abn-schedule | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-schedule --abn-schedule | FileCheck %s
// RUN: abn-opt %s --split-input-file --abn-schedule --remarks-filter-analyse=abn -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: not abn-opt %s --split-input-file --abn-schedule=alignment=3 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not abn-opt %s --split-input-file --abn-schedule=alignment=8589934592 2>&1 | FileCheck %s --check-prefix=HUGE

// BAD: error: expected a power of two for the option `alignment`, got 3
// HUGE: error: expected at most 4294967296 for the option `alignment`, got 8589934592

// A result that is larger than its operand waits until what else is live has gone: its large neighbour
// runs first. As given both were live together, 12,800 bytes.
// REMARK: arena of 8452 bytes
// CHECK-LABEL: func @larger_result
// CHECK: %[[LARGE:.+]] = linalg.broadcast ins(%arg1
// CHECK: linalg.generic {{.*}} ins(%[[LARGE]]
// CHECK: linalg.broadcast ins(%arg0
// CHECK: return
#map = affine_map<(i, j) -> (i, j)>
#rows = affine_map<(i, j) -> (i)>
func.func @larger_result(%a: tensor<16xf32>, %b: tensor<16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<16x128xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0.0 : f32
  %l0 = tensor.empty() : tensor<f32>
  %loss = linalg.fill ins(%c0 : f32) outs(%l0 : tensor<f32>) -> tensor<f32>
  %e = tensor.empty() : tensor<16x128xf32>
  %w = linalg.broadcast ins(%a : tensor<16xf32>) outs(%e : tensor<16x128xf32>) dimensions = [1]
  %f = tensor.empty() : tensor<16x64xf32>
  %large = linalg.broadcast ins(%b : tensor<16xf32>) outs(%f : tensor<16x64xf32>) dimensions = [1]
  %s0 = tensor.empty() : tensor<16xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%s0 : tensor<16xf32>) -> tensor<16xf32>
  %sum = linalg.generic {indexing_maps = [#map, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%large : tensor<16x64xf32>) outs(%zero : tensor<16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<16xf32>
  return %loss, %w, %sum : tensor<f32>, tensor<16x128xf32>, tensor<16xf32>
}

// -----

// A function without a loss is no training step and stays as it is.
// CHECK-LABEL: func @no_step
// CHECK: linalg.exp
// CHECK-NEXT: linalg.log
func.func @no_step(%a: tensor<4xf32>, %e: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = linalg.exp ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.log ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
