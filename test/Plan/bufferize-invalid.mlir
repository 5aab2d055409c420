// An op without a buffer form is named where it stands.
// RUN: abn-opt %s --allow-unregistered-dialect --verify-diagnostics --abn-bufferize

func.func @unknown(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{op was not bufferized}}
  %y = "test.unknown"(%x) : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
