// Resizing gathers; its gradient contracts with interpolation weights, axis by axis.
// RUN: abn-opt %s -convert-dnn-to-linalg -cse -canonicalize | FileCheck %s
// What is left has no dnn op, and a second run changes nothing.
// RUN: abn-opt %s -convert-dnn-to-linalg -o %t.once
// RUN: abn-opt %t.once -convert-dnn-to-linalg | diff %t.once -
// RUN: not grep "dnn\." %t.once

// Nearest moves values as they are; the axis that keeps its size is read where it stands.
// CHECK-LABEL: func @nearest
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x4x5xf16>
// CHECK-DAG: %[[SCALE:.+]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG: %[[LAST:.+]] = arith.constant 3 : index
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel"]
// CHECK: %[[H:.+]] = linalg.index 2
// CHECK: %[[W:.+]] = linalg.index 3
// CHECK: arith.mulf %{{.+}}, %[[SCALE]]
// CHECK: %[[AT:.+]] = arith.minsi %{{.+}}, %[[LAST]]
// CHECK: %[[VALUE:.+]] = tensor.extract %[[X]][%{{.+}}, %{{.+}}, %[[AT]], %[[W]]]
// CHECK: linalg.yield %[[VALUE]] : f16
func.func @nearest(%x: tensor<2x3x4x5xf16>, %init: tensor<2x3x8x5xf16>) -> tensor<2x3x8x5xf16> {
  %y = dnn.resize {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<asymmetric>}
      ins(%x : tensor<2x3x4x5xf16>) outs(%init : tensor<2x3x8x5xf16>) -> tensor<2x3x8x5xf16>
  return %y : tensor<2x3x8x5xf16>
}

// Bilinear reads four neighbours and interpolates in f32.
// CHECK-LABEL: func @bilinear
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x4x5xbf16>
// CHECK-COUNT-4: tensor.extract %[[X]]
// CHECK-NOT: tensor.extract
// CHECK: arith.truncf %{{.+}} : f32 to bf16
func.func @bilinear(%x: tensor<2x3x4x5xbf16>, %init: tensor<2x3x7x9xbf16>)
    -> tensor<2x3x7x9xbf16> {
  %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x3x4x5xbf16>) outs(%init : tensor<2x3x7x9xbf16>) -> tensor<2x3x7x9xbf16>
  return %y : tensor<2x3x7x9xbf16>
}

// Open sizes: the scale is computed where the program runs.
// CHECK-LABEL: func @dynamic
// CHECK-DAG: %[[IN:.+]] = tensor.dim %{{.+}}, %c2
// CHECK-DAG: %[[OUT:.+]] = tensor.dim %{{.+}}, %c2
// CHECK: arith.divf
// CHECK: linalg.generic
func.func @dynamic(%x: tensor<2x3x?xf32>, %init: tensor<2x3x?xf32>) -> tensor<2x3x?xf32> {
  %y = dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : tensor<2x3x?xf32>) outs(%init : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  return %y : tensor<2x3x?xf32>
}

// The gradient sums along one axis after the other, over the few positions that read an element;
// weights of 0 add nothing, not even NaN.
// CHECK-LABEL: func @bilinear_grad
// CHECK-SAME: %[[DY:[^:]+]]: tensor<2x3x7x9xf32>
// CHECK-DAG: %[[STARTS:.+]] = arith.constant dense<[0, 1, 3, 4]> : tensor<4xi64>
// CHECK-DAG: %[[ROWS:.+]] = arith.constant dense<{{.*}}> : tensor<4x3xf32>
// CHECK: %[[FIRST:.+]] = linalg.generic {{.*}}ins(%[[STARTS]], %[[ROWS]] : {{.*}}) outs(%{{.+}} : tensor<2x3x4x9xf32>)
// CHECK: tensor.extract %[[DY]]
// CHECK: arith.cmpf une
// CHECK: arith.select
// CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<2x3x4x5xf32>)
// CHECK: tensor.extract %[[FIRST]]
func.func @bilinear_grad(%dy: tensor<2x3x7x9xf32>, %init: tensor<2x3x4x5xf32>)
    -> tensor<2x3x4x5xf32> {
  %dx = dnn.resize_grad
      {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%dy : tensor<2x3x7x9xf32>) outs(%init : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %dx : tensor<2x3x4x5xf32>
}

// With open sizes it contracts with the matrix of all weights.
// CHECK-LABEL: func @dynamic_grad
// CHECK-SAME: %[[DY:[^:]+]]: tensor<2x3x?xf32>
// CHECK: %[[WEIGHTS:.+]] = linalg.generic {{.*}}outs(%{{.+}} : tensor<?x?xf32>)
// CHECK: linalg.generic {{.*}}ins(%[[DY]], %[[WEIGHTS]] : {{.*}}) outs(%{{.+}} : tensor<2x3x?xf32>)
// CHECK: arith.cmpf une
func.func @dynamic_grad(%dy: tensor<2x3x?xf32>, %init: tensor<2x3x?xf32>) -> tensor<2x3x?xf32> {
  %dx = dnn.resize_grad
      {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%dy : tensor<2x3x?xf32>) outs(%init : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  return %dx : tensor<2x3x?xf32>
}
