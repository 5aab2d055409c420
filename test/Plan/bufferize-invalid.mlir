// An op without a buffer form is named where it stands.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics --abn-bufferize

func.func @unknown(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{op was not bufferized}}
  %y = "test.unknown"(%x) : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// Scalar ops take tensors too, but nothing bufferizes them.
func.func @elementwise(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{expected elementwise ops as linalg, got `arith.addf` of tensors: run `--convert-elementwise-to-linalg` first}}
  %0 = arith.addf %x, %y : tensor<8xf32>
  return %0 : tensor<8xf32>
}
