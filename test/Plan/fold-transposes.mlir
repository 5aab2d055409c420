// RUN: abn-opt %s --split-input-file --abn-fold-transposes | FileCheck %s
// Nothing is left to fold.
// RUN: abn-opt %s --split-input-file --abn-fold-transposes --abn-fold-transposes | FileCheck %s

// PyTorch's linear layer: the weight is stored as (out, in). The matmul reads it there.
// CHECK: #[[$X:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK: #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: #[[$Y:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @right_operand
// CHECK-SAME: %[[A:.+]]: tensor<8x64xf32>, %[[B:.+]]: tensor<10x64xf32>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.matmul indexing_maps = [#[[$X]], #[[$W]], #[[$Y]]]
// CHECK-SAME: ins(%[[A]], %[[B]] : tensor<8x64xf32>, tensor<10x64xf32>)
func.func @right_operand(%x: tensor<8x64xf32>, %w: tensor<10x64xf32>, %zero: tensor<8x10xf32>) -> tensor<8x10xf32> {
  %e = tensor.empty() : tensor<64x10xf32>
  %t = linalg.transpose ins(%w : tensor<10x64xf32>) outs(%e : tensor<64x10xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<8x64xf32>, tensor<64x10xf32>) outs(%zero : tensor<8x10xf32>) -> tensor<8x10xf32>
  return %y : tensor<8x10xf32>
}

// -----

// The weight's gradient is a matmul of a transposed left operand; both operands at once fold too.
// CHECK-LABEL: func @both_operands
// CHECK-NOT: linalg.transpose
// CHECK: linalg.matmul indexing_maps = [#{{.+}}, #{{.+}}, #{{.+}}] ins(%arg0, %arg1 : tensor<8x10xf32>, tensor<64x8xf32>)
func.func @both_operands(%dy: tensor<8x10xf32>, %x: tensor<64x8xf32>, %zero: tensor<10x64xf32>) -> tensor<10x64xf32> {
  %e = tensor.empty() : tensor<10x8xf32>
  %f = tensor.empty() : tensor<8x64xf32>
  %t = linalg.transpose ins(%dy : tensor<8x10xf32>) outs(%e : tensor<10x8xf32>) permutation = [1, 0]
  %u = linalg.transpose ins(%x : tensor<64x8xf32>) outs(%f : tensor<8x64xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%t, %u : tensor<10x8xf32>, tensor<8x64xf32>) outs(%zero : tensor<10x64xf32>) -> tensor<10x64xf32>
  return %y : tensor<10x64xf32>
}

// -----

// Two transposes in a row are none.
// CHECK-LABEL: func @transposed_twice
// CHECK-NEXT: return %arg0
func.func @transposed_twice(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %f = tensor.empty() : tensor<8x4xf32>
  %t = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
  %u = linalg.transpose ins(%t : tensor<4x8xf32>) outs(%f : tensor<8x4xf32>) permutation = [1, 0]
  return %u : tensor<8x4xf32>
}

// -----

// A transpose with another reader stays for that one.
// CHECK-LABEL: func @other_reader
// CHECK: %[[T:.+]] = linalg.transpose
// CHECK: linalg.matmul {{.*}} ins(%arg0, %arg1 :
// CHECK: return %{{.+}}, %[[T]]
func.func @other_reader(%x: tensor<8x64xf32>, %w: tensor<10x64xf32>, %zero: tensor<8x10xf32>) -> (tensor<8x10xf32>, tensor<64x10xf32>) {
  %e = tensor.empty() : tensor<64x10xf32>
  %t = linalg.transpose ins(%w : tensor<10x64xf32>) outs(%e : tensor<64x10xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<8x64xf32>, tensor<64x10xf32>) outs(%zero : tensor<8x10xf32>) -> tensor<8x10xf32>
  return %y, %t : tensor<8x10xf32>, tensor<64x10xf32>
}

// -----

// Ops that are no matmuls are left alone.
// CHECK-LABEL: func @not_a_matmul
// CHECK: %[[T:.+]] = linalg.transpose
// CHECK: linalg.add ins(%[[T]],
func.func @not_a_matmul(%x: tensor<8x4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %t = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
  %z = linalg.add ins(%t, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}
