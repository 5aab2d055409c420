// RUN: abn-opt %s --verify-diagnostics --pass-pipeline="builtin.module(func.func(abn-map-linalg-loops))"

func.func @tensors(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{expected memrefs: bufferize before abn-map-linalg-loops}}
  %0 = linalg.exp ins(%x : tensor<8xf32>) outs(%x : tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
