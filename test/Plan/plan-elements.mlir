// Complex elements have two numbers each, in the plan and for the checker.
// RUN: abn-opt %s --abn-optimize --abn-plan | FileCheck %s

// CHECK-LABEL: func @main
// CHECK: memref.alloc() {{.*}} : memref<{{[0-9]+}}xi8>
// CHECK: memref<8xcomplex<f32>>
func.func @main(%x: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<8xcomplex<f32>>) {
  %zero = arith.constant 0.0 : f32
  %c = complex.constant [1.0 : f32, 2.0 : f32] : complex<f32>
  %e = tensor.empty() : tensor<8xcomplex<f32>>
  %f = linalg.fill ins(%c : complex<f32>) outs(%e : tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  return %f0, %f : tensor<f32>, tensor<8xcomplex<f32>>
}
