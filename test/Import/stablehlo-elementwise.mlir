// RUN: abn-opt %s --abn-import-stablehlo --split-input-file | FileCheck %s
// RUN: abn-opt %s --abn-import-stablehlo --split-input-file | abn-opt --abn-import-stablehlo --split-input-file | FileCheck %s

// One scalar op per op, and one constant per value; a broadcast constant is a splat.
// CHECK-LABEL: func @leaky_relu
// CHECK-SAME: %[[Y:[a-z0-9]+]]: tensor<2x3xf32>
// CHECK-DAG: %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : tensor<2x3xf32>
// CHECK-DAG: %[[SLOPE:.+]] = arith.constant dense<0.00999999977> : tensor<2x3xf32>
// CHECK-NOT: arith.constant
// CHECK: %[[POSITIVE:.+]] = linalg.generic {{.*}} ins(%[[Y]], %[[ZERO]] :
// CHECK: arith.cmpf oge
// CHECK: %[[SCALED:.+]] = linalg.generic {{.*}} ins(%[[SLOPE]], %[[Y]] :
// CHECK: arith.mulf
// CHECK: linalg.generic {{.*}} ins(%[[POSITIVE]], %[[Y]], %[[SCALED]] :
// CHECK: arith.select
// CHECK: linalg.generic {{.*}} ins({{.*}}, %[[ZERO]] :
// CHECK: arith.maximumf
func.func @leaky_relu(%y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.broadcast_in_dim"(%c) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<2x3xf32>
  %1 = "stablehlo.compare"(%y, %0) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %s = "stablehlo.constant"() <{value = dense<0.01> : tensor<f32>}> : () -> tensor<f32>
  %2 = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<2x3xf32>
  %3 = "stablehlo.multiply"(%2, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = "stablehlo.select"(%1, %y, %3) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %d = "stablehlo.constant"() <{value = dense<0.0> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  %5 = "stablehlo.maximum"(%4, %d) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %5 : tensor<2x3xf32>
}

// -----

// Attributes may stand beside the operands too, as older versions printed them.
// CHECK-LABEL: func @old_form
// CHECK: linalg.transpose {{.*}} permutation = [1, 0]
func.func @old_form(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "stablehlo.transpose"(%x) {permutation = dense<[1, 0]> : tensor<2xi64>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// Unsigned integers become signless, and the ops on them say how to read them.
// CHECK-LABEL: func @unsigned
// CHECK-SAME: tensor<4xi32>, %{{.+}}: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi1>, tensor<4xf32>, tensor<4xi64>)
// CHECK: arith.maxui
// CHECK: arith.cmpi ult
// CHECK: arith.uitofp
// CHECK: arith.extui
func.func @unsigned(%x: tensor<4xui32>, %y: tensor<4xui32>) -> (tensor<4xui32>, tensor<4xi1>, tensor<4xf32>, tensor<4xui64>) {
  %0 = "stablehlo.maximum"(%x, %y) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %1 = "stablehlo.compare"(%x, %y) <{comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xi1>
  %2 = "stablehlo.convert"(%x) : (tensor<4xui32>) -> tensor<4xf32>
  %3 = "stablehlo.convert"(%x) : (tensor<4xui32>) -> tensor<4xui64>
  return %0, %1, %2, %3 : tensor<4xui32>, tensor<4xi1>, tensor<4xf32>, tensor<4xui64>
}

// -----

// A broadcast drops what grows and adds what is missing; without growth it is a reshape.
// CHECK-LABEL: func @broadcasts
// CHECK: tensor.expand_shape {{.*}} tensor<4xf32> into tensor<1x1x4xf32>
// CHECK: %[[V:.+]] = tensor.collapse_shape {{.*}} tensor<1x1x4xf32> into tensor<4xf32>
// CHECK: linalg.broadcast ins(%[[V]] : tensor<4xf32>) outs({{.*}}) dimensions = [0, 1]
func.func @broadcasts(%x: tensor<4xf32>) -> tensor<2x3x4xf32> {
  %0 = "stablehlo.broadcast_in_dim"(%x) <{broadcast_dimensions = array<i64: 2>}> : (tensor<4xf32>) -> tensor<1x1x4xf32>
  %1 = "stablehlo.broadcast_in_dim"(%0) <{broadcast_dimensions = array<i64: 0, 1, 2>}> : (tensor<1x1x4xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// A sum is one reduction of one level, whatever its length.
// CHECK-LABEL: func @sum
// CHECK: %[[INIT:.+]] = linalg.fill
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "reduction", "parallel"]} ins(%{{.+}} : tensor<64x64x8xf32>) outs(%[[INIT]] : tensor<8xf32>)
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
func.func @sum(%x: tensor<64x64x8xf32>) -> tensor<8xf32> {
  %c = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce"(%x, %c) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%1) : (tensor<f32>) -> ()
  }) : (tensor<64x64x8xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// rng draws from the importers' own generator: two ops, two seeds.
// CHECK-LABEL: func @dropout
// CHECK: arith.xori
// CHECK: arith.uitofp
func.func @dropout() -> tensor<4x4xf32> {
  %a = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %b = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %s = "stablehlo.constant"() <{value = dense<4> : tensor<2xi64>}> : () -> tensor<2xi64>
  %0 = "stablehlo.rng"(%a, %b, %s) <{rng_distribution = #stablehlo<rng_distribution UNIFORM>}> : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
