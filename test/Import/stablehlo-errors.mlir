// RUN: abn-opt %s --abn-import-stablehlo --split-input-file --verify-diagnostics

func.func @unknown_op(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{unknown op `stablehlo.frobnicate`: docs/Importing.md lists the known ones}}
  %0 = "stablehlo.frobnicate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @loop(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{`stablehlo.while` is control flow: a training step is imported as one block}}
  %0 = "stablehlo.while"(%x) ({
  ^bb0(%a: tensor<4xf32>):
    %c = "stablehlo.constant"() <{value = dense<true> : tensor<i1>}> : () -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<4xf32>):
    "stablehlo.return"(%a) : (tensor<4xf32>) -> ()
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @branch(%i: tensor<i32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{`stablehlo.case` is control flow: a training step is imported as one block; use a select}}
  %0 = "stablehlo.case"(%i) ({
    "stablehlo.return"(%x) : (tensor<4xf32>) -> ()
  }) : (tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @generator(%s: tensor<2xui64>) -> tensor<4xui32> {
  // expected-error @below {{`stablehlo.rng_bit_generator` is not supported: pass the random numbers as arguments}}
  %0, %1 = "stablehlo.rng_bit_generator"(%s) <{rng_algorithm = #stablehlo<rng_algorithm THREE_FRY>}> : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
  return %1 : tensor<4xui32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{`stablehlo.abs` expected static shapes, got 'tensor<?xf32>'}}
  %0 = "stablehlo.abs"(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @complex(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  // expected-error @below {{expected elements of f16, bf16, f32, f64 or integers of 1, 8, 16, 32 or 64 bits}}
  %0 = "stablehlo.abs"(%x) : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}

// -----

func.func @empty(%x: tensor<0xf32>) -> tensor<0xf32> {
  // expected-error @below {{`stablehlo.abs` expected no sizes of 0}}
  %0 = "stablehlo.abs"(%x) : (tensor<0xf32>) -> tensor<0xf32>
  return %0 : tensor<0xf32>
}

// -----

func.func @integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @below {{`stablehlo.exponential` expected floating-point elements, got 'i32'}}
  %0 = "stablehlo.exponential"(%x) : (tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

func.func @arity(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{`stablehlo.add` expected 2 operands, got 1}}
  %0 = "stablehlo.add"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @shapes(%x: tensor<4xf32>, %y: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @below {{`stablehlo.add` expected operand 1 of the result's shape, got 'tensor<3xf32>'}}
  %0 = "stablehlo.add"(%x, %y) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @direction(%x: tensor<4xf32>) -> tensor<4xi1> {
  // expected-error @below {{expected `comparison_direction` to be EQ, NE, GE, GT, LE or LT}}
  %0 = "stablehlo.compare"(%x, %x) <{comparison_direction = #stablehlo<comparison_direction UP>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

func.func @reshape(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error @below {{`stablehlo.reshape` cannot reshape 'tensor<4xf32>' to 'tensor<5xf32>'}}
  %0 = "stablehlo.reshape"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @permutation(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @below {{expected distinct dimensions from 0 to 1 in `permutation`, got 0}}
  %0 = "stablehlo.transpose"(%x) <{permutation = array<i64: 0, 0>}> : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @dimension_numbers(%x: tensor<1x4x1xf32>) -> tensor<1x4x1xf32> {
  // expected-error @below {{expected `dimension_numbers` like #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>}}
  %0 = "stablehlo.convolution"(%x, %x) <{dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]>}> : (tensor<1x4x1xf32>, tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  return %0 : tensor<1x4x1xf32>
}

// -----

func.func @convolution_shape(%x: tensor<1x4x1xf32>, %w: tensor<3x1x1xf32>) -> tensor<1x4x1xf32> {
  // expected-error @below {{expected a result of sizes [1, 1, 2] (batch, features, spatial), got [1, 1, 4]}}
  %0 = "stablehlo.convolution"(%x, %w) <{dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>}> : (tensor<1x4x1xf32>, tensor<3x1x1xf32>) -> tensor<1x4x1xf32>
  return %0 : tensor<1x4x1xf32>
}

// -----

func.func @region(%x: tensor<4x3xf32>, %i: tensor<f32>) -> tensor<4xf32> {
  %0 = "stablehlo.reduce"(%x, %i) <{dimensions = array<i64: 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    // expected-error @below {{`stablehlo.reshape` is not elementwise, and stands in a region that must be}}
    %1 = "stablehlo.reshape"(%a) : (tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%1) : (tensor<f32>) -> ()
  }) : (tensor<4x3xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @select_and_scatter(%x: tensor<1x4x4x1xf32>, %y: tensor<1x2x2x1xf32>, %i: tensor<f32>) -> tensor<1x4x4x1xf32> {
  // expected-error @below {{`stablehlo.select_and_scatter` is known as the gradient of max pooling only}}
  %0 = "stablehlo.select_and_scatter"(%x, %y, %i) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.compare"(%a, %b) <{comparison_direction = #stablehlo<comparison_direction LE>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<1x4x4x1xf32>, tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x4x4x1xf32>
  return %0 : tensor<1x4x4x1xf32>
}

// -----

func.func @custom_call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{`stablehlo.custom_call` of `lapack_sgesdd` is not supported}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "lapack_sgesdd"}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @recursive(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{recursive call of `recursive`}}
  %1 = "stablehlo.composite"(%0) <{decomposition = @recursive, name = "n"}> : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @caller(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{expected operands and results of `callee`'s type '(tensor<3xf32>) -> tensor<4xf32>'}}
  %1 = "stablehlo.composite"(%0) <{decomposition = @callee, name = "n"}> : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func private @callee(%x: tensor<3xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.constant"() <{value = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
