// RUN: abn-opt %s --abn-import-aten | FileCheck %s
// RUN: abn-opt %s --abn-import-aten --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// CHECK-DAG: #[[$ROW:.+]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[$COLUMN:.+]] = affine_map<(d0, d1) -> (d1)>

// The counter of a batch norm: rank 0, integers, a number for a tensor.
// CHECK-LABEL: func @counter
// CHECK: linalg.generic {{.*}}iterator_types = []
// CHECK: arith.addi %{{.+}}, %c1_i64
func.func @counter(%n: tensor<i64>) -> tensor<i64> {
  %0 = "aten.add.Tensor"(%n) <{args = ["%0", 1 : i64]}> : (tensor<i64>) -> tensor<i64>
  return %0 : tensor<i64>
}

// Dimensions of size 1 are read at position 0; missing ones do not appear.
// CHECK-LABEL: func @broadcast
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x1xf32>, %[[Y:[a-z0-9]+]]: tensor<5xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$ROW]], #[[$COLUMN]], #{{.+}}]{{.*}}ins(%[[X]], %[[Y]] : {{.*}}outs({{.*}} : tensor<4x5xf32>)
// CHECK: arith.mulf {{.*}} : f32
func.func @broadcast(%x: tensor<4x1xf32>, %y: tensor<5xf32>) -> tensor<4x5xf32> {
  %0 = "aten.mul.Tensor"(%x, %y) <{args = ["%0", "%1"]}> : (tensor<4x1xf32>, tensor<5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// f16 computes in f32 and rounds once.
// CHECK-LABEL: func @half
// CHECK: arith.extf {{.*}} : f16 to f32
// CHECK: arith.subf {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f32 to f16
func.func @half(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xf16> {
  %0 = "aten.sub.Tensor"(%x, %y) <{args = ["%0", "%1"], alpha = 1 : i64}> : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// A keyword other than the default: x + alpha * y.
// CHECK-LABEL: func @alpha
// CHECK: %[[SCALED:.+]] = arith.mulf %{{.+}}, %cst
// CHECK: arith.addf %{{.+}}, %[[SCALED]]
func.func @alpha(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "aten.add.Tensor"(%x, %y) <{args = ["%0", "%1"], alpha = 0.5 : f64}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Integers by a number divide as floats; a tensor of rank 0 does not widen one of rank 1.
// CHECK-LABEL: func @promotion
// CHECK: arith.sitofp
// CHECK: arith.divf {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f64 to f32
// CHECK: arith.addf {{.*}} : f32
func.func @promotion(%i: tensor<4xi64>, %d: tensor<f64>) -> tensor<4xf32> {
  %0 = "aten.div.Scalar"(%i) <{args = ["%0", 2 : i64]}> : (tensor<4xi64>) -> tensor<4xf32>
  %1 = "aten.add.Tensor"(%0, %d) <{args = ["%0", "%1"]}> : (tensor<4xf32>, tensor<f64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Comparisons give bools, which select.
// CHECK-LABEL: func @select
// CHECK: arith.cmpf ogt
// CHECK: linalg.yield %{{.+}} : i1
// CHECK: arith.select
func.func @select(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "aten.gt.Scalar"(%x) <{args = ["%0", 0 : i64]}> : (tensor<4xf32>) -> tensor<4xi1>
  %1 = "aten.where.self"(%0, %x, %y) <{args = ["%0", "%1", "%2"]}> : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Locations are kept.
// CHECK-LABEL: func @location
func.func @location(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<4xf32> loc("model.head"("model.py":7:3))
  return %0 : tensor<4xf32>
}
// LOC-LABEL: func @location
// LOC: linalg.generic
// LOC: } -> tensor<4xf32> loc("model.head"("model.py":7:3))
