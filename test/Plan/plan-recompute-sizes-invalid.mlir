// Sums of sizes that do not fit in 64 bits are refused before anything is planned with them.
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-plan-recompute

// expected-error @+1 {{expected a step on tensors of at most 2^56 bytes in all, got more up to one of type 'tensor<4294967296x4294967296xf32>'}}
func.func @product(%x: tensor<4294967296x4294967296xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<4294967296x4294967296xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4294967296x4294967296xf32>
  %t = linalg.exp ins(%x : tensor<4294967296x4294967296xf32>)
      outs(%e : tensor<4294967296x4294967296xf32>) -> tensor<4294967296x4294967296xf32>
  %e0 = tensor.empty() : tensor<f32>
  %loss = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  return %loss, %t : tensor<f32>, tensor<4294967296x4294967296xf32>
}
