// The reducer keeps the op that makes a case interesting and drops the rest.
// RUN: abn-reduce %s --reduction-tree='traversal-mode=0 test=%S/Inputs/has-activation.sh' | FileCheck %s

// CHECK-NOT: @unrelated
// CHECK-LABEL: func @interesting
// CHECK-NOT: math.exp
// CHECK: abn.activation
func.func @unrelated(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = math.exp %x : tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @interesting(%y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = math.exp %y : tensor<2x4xf32>
  %2 = abn.activation #abn.leaky_relu<0.01> {channel_dim = 1 : i64}
      ins(%y : tensor<2x4xf32>) outs(%0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}
