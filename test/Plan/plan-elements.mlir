// Elements that are no numbers of one, two, four or eight bytes: two floats each, vectors, of which three floats take
// as much as four, and integers of three bytes, which take four.
// RUN: abn-opt %s --abn-optimize --abn-plan | FileCheck %s

// One scalar of 4 bytes, then slots of 64, 128, 128 and 32 bytes at multiples of 256.
// CHECK-LABEL: func @main
// CHECK-SAME: max_live_bytes = 356 : i64
// CHECK: memref.alloc() {{.*}} : memref<{{[0-9]+}}xi8>
// CHECK-DAG: memref<8xcomplex<f32>>
// CHECK-DAG: memref<8xvector<4xf32>>
// CHECK-DAG: memref<8xvector<3xf32>>
// CHECK-DAG: memref<8xi24>
func.func @main(%x: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<8xcomplex<f32>>, tensor<8xvector<4xf32>>,
        tensor<8xvector<3xf32>>, tensor<8xi24>) {
  %zero = arith.constant 0.0 : f32
  %c = complex.constant [1.0 : f32, 2.0 : f32] : complex<f32>
  %v = arith.constant dense<0.0> : vector<4xf32>
  %v3 = arith.constant dense<0.0> : vector<3xf32>
  %i = arith.constant 1 : i24
  %e = tensor.empty() : tensor<8xcomplex<f32>>
  %f = linalg.fill ins(%c : complex<f32>) outs(%e : tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>>
  %ev = tensor.empty() : tensor<8xvector<4xf32>>
  %fv = linalg.fill ins(%v : vector<4xf32>) outs(%ev : tensor<8xvector<4xf32>>) -> tensor<8xvector<4xf32>>
  %ev3 = tensor.empty() : tensor<8xvector<3xf32>>
  %fv3 = linalg.fill ins(%v3 : vector<3xf32>) outs(%ev3 : tensor<8xvector<3xf32>>) -> tensor<8xvector<3xf32>>
  %ei = tensor.empty() : tensor<8xi24>
  %fi = linalg.fill ins(%i : i24) outs(%ei : tensor<8xi24>) -> tensor<8xi24>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  return %f0, %f, %fv, %fv3, %fi
      : tensor<f32>, tensor<8xcomplex<f32>>, tensor<8xvector<4xf32>>, tensor<8xvector<3xf32>>, tensor<8xi24>
}
