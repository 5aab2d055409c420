// A budget is a promise: where there is nothing to plan it cannot be kept, and a number of bytes is not
// negative.
// RUN: not abn-opt %s --abn-plan-recompute=budget-bytes=1000 2>&1 | FileCheck %s --check-prefix=NOBODY
// RUN: not abn-opt %s --abn-plan-recompute=budget-bytes=-5 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: abn-opt %s --abn-plan-recompute | FileCheck %s

// NOBODY: error: cannot keep a budget: there is no training step
// NEGATIVE: error: expected a number of bytes for the option `budget-bytes`, got -5
// CHECK-LABEL: func @no_loss
// CHECK-NOT: abn.plan
func.func @no_loss(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %y = abn.activation #abn.relu ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
