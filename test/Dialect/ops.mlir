// RUN: abn-opt %s | abn-opt | FileCheck %s

// CHECK-LABEL: func @inplace
// CHECK: abn.inplace_forward <leaky_relu<0.01>>
func.func @inplace(%x: tensor<8x64x56x56xf32>, %g: tensor<64xf32>, %b: tensor<64xf32>, %m0: tensor<64xf32>, %v0: tensor<64xf32>) -> tensor<8x64x56x56xf32> {
    %z, %mean, %var = abn.inplace_forward #abn.leaky_relu<0.01>
        {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%x, %m0, %v0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
  return %z : tensor<8x64x56x56xf32>
}
