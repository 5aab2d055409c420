// RUN: abn-opt %s --abn-import-stablehlo --split-input-file | FileCheck %s
// RUN: abn-opt %s --abn-import-stablehlo --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// Calls and composites are inlined, constants of all bodies merged, private functions gone.
// CHECK-LABEL: func.func public @main
// CHECK: arith.constant dense<2.000000e+00> : tensor<4xf32>
// CHECK-NOT: arith.constant
// CHECK-NOT: call
// CHECK-NOT: func.func
// An inlined op has its own location and that of the call.
// LOC-LABEL: func.func public @main
// LOC: linalg.generic
// LOC: linalg.yield {{.*}} loc(callsite(callsite("inner" at "outer call") at "main call"))
module attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = func.call @outer(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("main call")
    %1 = func.call @outer(%0) : (tensor<4xf32>) -> tensor<4xf32>
    return %1 : tensor<4xf32>
  }
  func.func private @outer(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = "stablehlo.composite"(%x) <{decomposition = @inner, name = "an.op"}> : (tensor<4xf32>) -> tensor<4xf32> loc("outer call")
    return %0 : tensor<4xf32>
  }
  func.func private @inner(%x: tensor<4xf32>) -> tensor<4xf32> {
    %c = "stablehlo.constant"() <{value = dense<2.0> : tensor<4xf32>}> : () -> tensor<4xf32>
    %0 = "stablehlo.multiply"(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("inner")
    return %0 : tensor<4xf32>
  }
}

// -----

// Names come from what JAX wrote, unless the exporter gave some; roles are kept and never guessed;
// the front end's own attributes go.
// CHECK: module {
// CHECK-LABEL: func.func @names
// CHECK-SAME: tensor<4xf32> {abn.name = "params['w']"}
// CHECK-SAME: tensor<4xf32> {abn.name = "mine", abn.role = "param"}
// CHECK-SAME: tensor<4xf32> {abn.name = "batch"}
// CHECK-SAME: -> (tensor<4xf32> {abn.name = "result[0]['w']"})
module attributes {mhlo.num_partitions = 1 : i32, jax.uses_shape_polymorphism = false} {
  func.func @names(%x: tensor<4xf32> {jax.arg_info = "params['w']", jax.buffer_donor = true}, %y: tensor<4xf32> {tf.aliasing_output = 0 : i32, jax.arg_info = "theirs", abn.name = "mine", abn.role = "param"}, %z: tensor<4xf32> loc("batch")) -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}) {
    %0 = "stablehlo.add"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// The census is of the graph as it came: the normalised value crosses to the negation.
// CHECK-LABEL: func @memory
// CHECK-SAME: abn.memory_before = {batch_norms = 1 : i64, {{.*}}saved = [{bytes = 96 : i64, name = "stablehlo.batch_norm_training#0
func.func @memory(%x: tensor<2x3x4xf32>, %g: tensor<4xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<2x3x4xf32>) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %y, %m, %v = "stablehlo.batch_norm_training"(%x, %g, %g) <{epsilon = 1.0e-5 : f32, feature_index = 2 : i64}> : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>)
  %0 = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0, 1, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<f32>
  %1 = "stablehlo.negate"(%y) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0, %1 : tensor<f32>, tensor<2x3x4xf32>
}

// -----

// A module without such ops stays as it is, calls included.
// CHECK-LABEL: func @plain
// CHECK: call @other
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = func.call @other(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
