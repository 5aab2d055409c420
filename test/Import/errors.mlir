// RUN: abn-opt %s --abn-import-aten --split-input-file --verify-diagnostics

func.func @unknown_op(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{unknown op `aten.frobnicate.default`: docs/Importing.md lists the known ones}}
  %0 = "aten.frobnicate.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @no_arguments(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{`aten.neg.default` expected an array attribute `args`}}
  %0 = "aten.neg.default"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @wrong_arity(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected 1 arguments, got 2: neg(Tensor self) -> Tensor}}
  %0 = "aten.neg.default"(%x) <{args = ["%0", 1 : i64]}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @operand_out_of_range(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{argument `self`: "%1" names none of the 1 operands}}
  %0 = "aten.neg.default"(%x) <{args = ["%1"]}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @wrong_attribute_type(%x: tensor<4x4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected bool for `keepdim`, got 0 : i64}}
  %0 = "aten.amax.default"(%x) <{args = ["%0", [0 : i64], 0 : i64]}> : (tensor<4x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @none_for_a_tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected Tensor for `self`, got unit}}
  %0 = "aten.neg.default"(%x) <{args = [unit]}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unknown_dtype(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected ScalarType? for `dtype`, got "torch.complex64"}}
  %0 = "aten._to_copy.default"(%x) <{args = ["%0"], dtype = "torch.complex64"}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unknown_keyword(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{does not take the keyword `beta`}}
  %0 = "aten.neg.default"(%x) <{args = ["%0"], beta = 1 : i64}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @wrong_result_count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected 1 results, got 2}}
  %0:2 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<4xf32>
}

// -----

func.func @wrong_result_shape(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error @below {{result 0: expected 'tensor<4xf32>', got 'tensor<5xf32>'}}
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @wrong_result_element(%x: tensor<4xf32>, %y: tensor<4xf64>) -> tensor<4xf32> {
  // expected-error @below {{result 0: expected 'tensor<4xf64>', got 'tensor<4xf32>'}}
  %0 = "aten.add.Tensor"(%x, %y) <{args = ["%0", "%1"]}> : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @used_none(%dy: tensor<2x6x4x4xf32>, %x: tensor<2x4x4x4xf32>, %w: tensor<6x4x1x1xf32>) -> none {
  // expected-error @below {{result 0 is `none` and must not be used}}
  %0:3 = "aten.convolution_backward.default"(%dy, %x, %w) <{args = ["%0", "%1", "%2", unit, [1 : i64], [0 : i64], [1 : i64], false, [0 : i64], 1 : i64, [false, true, false]]}>
      : (tensor<2x6x4x4xf32>, tensor<2x4x4x4xf32>, tensor<6x4x1x1xf32>) -> (none, tensor<6x4x1x1xf32>, none)
  return %0#0 : none
}

// -----

func.func @masked_result(%dy: tensor<2x6x4x4xf32>, %x: tensor<2x4x4x4xf32>, %w: tensor<6x4x1x1xf32>) -> tensor<6xf32> {
  // expected-error @below {{result 2: expected `none`, got 'tensor<6xf32>'}}
  %0:3 = "aten.convolution_backward.default"(%dy, %x, %w) <{args = ["%0", "%1", "%2", unit, [1 : i64], [0 : i64], [1 : i64], false, [0 : i64], 1 : i64, [false, true, false]]}>
      : (tensor<2x6x4x4xf32>, tensor<2x4x4x4xf32>, tensor<6x4x1x1xf32>) -> (none, tensor<6x4x1x1xf32>, tensor<6xf32>)
  return %0#2 : tensor<6xf32>
}

// -----

func.func @broadcast(%x: tensor<4xf32>, %y: tensor<5xf32>) -> tensor<4xf32> {
  // expected-error @below {{cannot broadcast sizes 4 and 5}}
  %0 = "aten.add.Tensor"(%x, %y) <{args = ["%0", "%1"]}> : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @rank_one(%x: tensor<4xf32>, %v: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected `input` of rank 2 to 5, got 'tensor<4xf32>'}}
  %0:3 = "aten._native_batch_norm_legit.no_stats"(%x) <{args = ["%0", unit, unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<4xf32>
}

// -----

func.func @not_float(%x: tensor<2x4xi32>) -> tensor<2x4xi32> {
  // expected-error @below {{expected floating-point elements for `self`, got 'tensor<2x4xi32>'}}
  %0 = "aten.relu.default"(%x) <{args = ["%0"]}> : (tensor<2x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// -----

func.func @channel_mismatch(%x: tensor<2x4x4x4xf32>, %g: tensor<5xf32>) -> tensor<2x4x4x4xf32> {
  // expected-error @below {{expected `weight` of shape [4], got 'tensor<5xf32>'}}
  %0:3 = "aten._native_batch_norm_legit.no_stats"(%x, %g) <{args = ["%0", "%1", unit, true, 0.1 : f64, 1.0e-5 : f64]}> : (tensor<2x4x4x4xf32>, tensor<5xf32>) -> (tensor<2x4x4x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<2x4x4x4xf32>
}

// -----

func.func @convolution_channels(%x: tensor<2x4x4x4xf32>, %w: tensor<6x3x1x1xf32>) -> tensor<2x6x4x4xf32> {
  // expected-error @below {{`aten.convolution.default`}}
  %0 = "aten.convolution.default"(%x, %w) <{args = ["%0", "%1", unit, [1 : i64], [0 : i64], [1 : i64], false, [0 : i64], 1 : i64]}> : (tensor<2x4x4x4xf32>, tensor<6x3x1x1xf32>) -> tensor<2x6x4x4xf32>
  return %0 : tensor<2x6x4x4xf32>
}

// -----

func.func @zero_size(%x: tensor<0x4xf32>) -> tensor<0x4xf32> {
  // expected-error @below {{operand 0: zero-size dimensions are not supported, got 'tensor<0x4xf32>'}}
  %0 = "aten.relu.default"(%x) <{args = ["%0"]}> : (tensor<0x4xf32>) -> tensor<0x4xf32>
  return %0 : tensor<0x4xf32>
}

// -----

func.func @dynamic(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{operand 0: expected a static shape, got 'tensor<?x4xf32>'}}
  %0 = "aten.relu.default"(%x) <{args = ["%0"]}> : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @not_a_tensor(%x: f32) -> f32 {
  // expected-error @below {{operand 0: expected a ranked tensor, got 'f32'}}
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (f32) -> f32
  return %0 : f32
}

// -----

func.func @unsupported_element(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  // expected-error @below {{operand 0: expected elements of f16, bf16, f32, f64, i1, i8, i16, i32 or i64}}
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}

// -----

func.func @huge(%x: tensor<9999999999x9999999999xf32>) -> tensor<9999999999x9999999999xf32> {
  // expected-error @below {{operand 0: expected at most 2^48 elements}}
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<9999999999x9999999999xf32>) -> tensor<9999999999x9999999999xf32>
  return %0 : tensor<9999999999x9999999999xf32>
}

// -----

func.func @dimension(%x: tensor<4x5xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected `dim` in [-2, 2), got 2}}
  %0 = "aten.sum.dim_IntList"(%x) <{args = ["%0", [2 : i64], false]}> : (tensor<4x5xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @view(%x: tensor<4x5xf32>) -> tensor<3x7xf32> {
  // expected-error @below {{cannot view 20 elements as `size`}}
  %0 = "aten.view.default"(%x) <{args = ["%0", [3 : i64, 7 : i64]]}> : (tensor<4x5xf32>) -> tensor<3x7xf32>
  return %0 : tensor<3x7xf32>
}

// -----

func.func @ping(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @pong(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @pong(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{recursive call of `ping`}}
  %0 = call @ping(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error @below {{`aten.zeros.default` stands outside of a function}}
%0 = "aten.zeros.default"() <{args = [[4 : i64]]}> : () -> tensor<4xf32>
