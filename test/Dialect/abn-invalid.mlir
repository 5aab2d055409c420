// One case per numbered constraint, named after it; the dialect's and the ops' documentation list
// them.
// RUN: abn-opt %s --split-input-file --verify-diagnostics

// Tensors and memrefs do not mix.
func.func @c1_mixed(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %m: memref<2x3x4xf32>) {
  // expected-error @+1 {{(c1) expected only tensors or only memrefs, got both}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%m : memref<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Destinations are ranked tensors or memrefs.
func.func @c1_unranked(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %u: tensor<*xf32>) {
  // expected-error @+1 {{(c1) expected ranked tensors or memrefs, got 'tensor<*xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%u, %v, %v : tensor<*xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// There is a result per tensor destination.
func.func @c1_results(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{expected the number of tensor results (2) to be equal to the number of output tensors (3)}}
  %0:2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>
  return
}

// -----

// The channel dimension exists.
func.func @c2_channel_dim(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c2) expected `channel_dim` in [0, 3), got 3}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// A negative one does not.
func.func @c2_negative(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c2) expected `channel_dim` in [0, 3), got -1}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = -1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Vectors have one entry per channel.
func.func @c3_channels(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{(c3) expected 3 channels, got 'tensor<4xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%w : tensor<4xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Static sizes of vectors agree even if the channel dimension is dynamic.
func.func @c3_dynamic_channel(%x: tensor<2x?x4xf32>, %v: tensor<3xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{(c3) expected 4 channels, got 'tensor<3xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x?x4xf32>)
      gamma(%w : tensor<4xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x?x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x?x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Per-channel destinations are vectors.
func.func @c3_rank(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c3) expected one entry per channel, got 'tensor<2x3x4xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %x, %v : tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<3xf32>
  return
}

// -----

// Full-size operands share their element type,
func.func @c4_element_type(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %h: tensor<2x3x4xf16>) {
  // expected-error @+1 {{(c4) expected the destination's element type 'f32', got 'f16'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%h : tensor<2x3x4xf16>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// and their shape.
func.func @c4_shape(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %h: tensor<2x3x5xf32>) {
  // expected-error @+1 {{(c4) expected the destination's shape, that of 'tensor<2x3x4xf32>', got 'tensor<2x3x5xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%h : tensor<2x3x5xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Ranks are checked before.
func.func @c4_rank_1(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor or memref of rank 2 to 5 of f16, bf16, f32 or f64, but got 'tensor<3xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%v : tensor<3xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// An in-place op has no other full-size operand: its destination's rank counts.
func.func @c4_destination_rank(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c4) expected a first destination of rank 2 to 5, got 'tensor<3xf32>'}}
  %0:3 = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 0 : i64}
      outs(%v, %v, %v : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Statistics of f16 data are f32.
func.func @c5_statistics(%x: tensor<2x3x4xf16>, %v: tensor<3xf16>, %s: tensor<3xf32>) {
  // expected-error @+1 {{(c5) expected per-channel results of 'f32' for data of 'f16', got 'f16'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf16>)
      gamma(%v : tensor<3xf16>)
      outs(%x, %s, %v : tensor<2x3x4xf16>, tensor<3xf32>, tensor<3xf16>) -> tensor<2x3x4xf16>, tensor<3xf32>, tensor<3xf16>
  return
}

// -----

// Statistics of f64 data are f64.
func.func @c5_f64(%x: tensor<2x3xf64>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c5) expected statistics of 'f64' for data of 'f64', got 'f32'}}
  %0 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3xf64>)
      stats(%v, %v : tensor<3xf32>, tensor<3xf32>) outs(%x : tensor<2x3xf64>) -> tensor<2x3xf64>
  return
}

// -----

// Gamma has the type of the data or of the statistics.
func.func @c5_gamma(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>, %h: tensor<3xf16>) {
  // expected-error @+1 {{(c5) expected gamma, beta and params of 'f32' or 'f32', got 'f16'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%h : tensor<3xf16>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Data are floats.
func.func @c5_integer(%x: tensor<2x3xi32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor or memref of rank 2 to 5 of f16, bf16, f32 or f64, but got 'tensor<2x3xi32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3xi32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xi32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// The destination's element type is checked where it alone carries the data.
func.func @c5_destination_integer(%x: tensor<2x3xi32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c5) expected data of f16, bf16, f32 or f64, got 'i32'}}
  %0:3 = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xi32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Epsilon is not negative.
func.func @c6_negative(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c6) expected a finite `epsilon` that is not negative, got -1.0}}
  %0:3 = abn.batch_norm {epsilon = -1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Epsilon is finite.
func.func @c6_infinite(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c6) expected a finite `epsilon` that is not negative, got +Inf}}
  %0:3 = abn.batch_norm {epsilon = 0x7FF0000000000000 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Prelu takes its slopes.
func.func @c7_missing(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c7) expected 1 params for #abn.prelu, got 0}}
  %0 = abn.activation #abn.prelu ins(%x : tensor<2x3x4xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// Others take nothing.
func.func @c7_superfluous(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c7) expected 0 params for #abn.relu, got 1}}
  %0 = abn.activation #abn.relu ins(%x : tensor<2x3x4xf32>) params(%v : tensor<3xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// A derivative that needs y is not computed from z.
func.func @activation_grad_c8(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(activation_grad_c8) expected an activation whose derivative can be computed from its output, got #abn.silu}}
  %0 = abn.activation_grad #abn.silu {from_output} ins(%x, %x : tensor<2x3x4xf32>, tensor<2x3x4xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// 0.1 is not the same number in f16 and f32, so that a stored z cannot be compared with it.
func.func @activation_grad_c8_inexact_bound(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(activation_grad_c8) expected an activation whose derivative can be computed from its output, got #abn.hardtanh<0.0, 0.1>}}
  %0 = abn.activation_grad #abn.hardtanh<0.0, 0.1> {from_output} ins(%x, %x : tensor<2x3x4xf32>, tensor<2x3x4xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// Relu has no inverse.
func.func @activation_inverse_c8(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(activation_inverse_c8) expected an invertible activation, got #abn.relu}}
  %0 = abn.activation_inverse #abn.relu ins(%x : tensor<2x3x4xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// In training the inverse is needed everywhere.
func.func @inplace_c8_forward(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.relu}}
  %0:3 = abn.inplace_forward #abn.relu
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// A leaky relu without a slope is relu.
func.func @inplace_c8_leaky_relu(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.leaky_relu<0.0>}}
  %0:3 = abn.inplace_forward #abn.leaky_relu<0.0>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// With a negative slope it is not monotone.
func.func @inplace_c8_leaky_relu_negative(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.leaky_relu<-0.1>}}
  %0:3 = abn.inplace_forward #abn.leaky_relu<-0.1>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Elu falls where alpha is negative.
func.func @inplace_c8_elu_negative(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.elu<-1.0, scale = 1.0, input_scale = 1.0>}}
  %0:3 = abn.inplace_forward #abn.elu<-1.0, scale = 1.0, input_scale = 1.0>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// So does celu.
func.func @inplace_c8_celu_negative(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.celu<-1.0>}}
  %0:3 = abn.inplace_forward #abn.celu<-1.0>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Softplus jumps at a low threshold.
func.func @inplace_c8_softplus(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.softplus<1.0, threshold = 1.0>}}
  %0:3 = abn.inplace_forward #abn.softplus<1.0, threshold = 1.0>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Silu has a minimum.
func.func @inplace_c8_silu(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.silu}}
  %0:3 = abn.inplace_forward #abn.silu
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// The same in the backward pass.
func.func @inplace_c8_backward(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.gelu}}
  %0:3 = abn.inplace_backward #abn.gelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : tensor<2x3x4xf32>) stats(%v : tensor<3xf32>) outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Frozen statistics allow relu, but not silu.
func.func @inplace_c8_inference(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.silu}}
  %0 = abn.inplace_inference #abn.silu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      stats(%v, %v : tensor<3xf32>, tensor<3xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// x is recovered everywhere.
func.func @inplace_c8_recover(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.relu}}
  %0 = abn.recover #abn.relu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : tensor<2x3x4xf32>) stats(%v, %v : tensor<3xf32>, tensor<3xf32>) outs(%x : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

// The clamp's threshold is positive.
func.func @inplace_c9(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c9) expected a finite, positive `gamma_threshold`, got 0.000000e+00}}
  %0:3 = abn.inplace_forward #abn.tanh
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_threshold = 0.0 : f64}
      outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Frozen statistics are no checksum.
func.func @inplace_c10(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c10) expected a `gamma_policy` other than check: frozen statistics are no checksum}}
  %0:3 = abn.inplace_inference_backward #abn.relu
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<check>}
      ins(%x : tensor<2x3x4xf32>) stats(%v : tensor<3xf32>) outs(%x, %v, %v : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Destinations are counted.
func.func @c11(%x: tensor<2x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c11) expected 3 destinations, got 2}}
  %0:2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<2x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v : tensor<2x3x4xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>, tensor<3xf32>
  return
}

// -----

// No elements, no statistics,
func.func @c12_positions(%x: tensor<0x3x4xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{(c12) expected no dimension of size 0, got 'tensor<0x3x4xf32>'}}
  %0:3 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : tensor<0x3x4xf32>)
      gamma(%v : tensor<3xf32>) beta(%v : tensor<3xf32>)
      outs(%x, %v, %v : tensor<0x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<0x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// nor without channels.
func.func @c12_channels(%x: tensor<2x0x4xf32>, %v: tensor<0xf32>) {
  // expected-error @+1 {{(c12) expected no dimension of size 0, got 'tensor<2x0x4xf32>'}}
  %0:3 = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %v, %v : tensor<2x0x4xf32>, tensor<0xf32>, tensor<0xf32>) -> tensor<2x0x4xf32>, tensor<0xf32>, tensor<0xf32>
  return
}

// -----

// Elementwise ops and frozen statistics may be empty.
func.func @empty(%x: tensor<0x3xf32>, %v: tensor<3xf32>) {
  %0 = abn.activation #abn.relu ins(%x : tensor<0x3xf32>) outs(%x : tensor<0x3xf32>)
      -> tensor<0x3xf32>
  %1 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : tensor<0x3xf32>) stats(%v, %v : tensor<3xf32>, tensor<3xf32>)
      outs(%x : tensor<0x3xf32>) -> tensor<0x3xf32>
  return
}

// -----

// Parameters of activations are finite.
// expected-error @+1 {{(activation_a1) expected a finite slope, got +Inf}}
func.func private @f() attributes {a = #abn.leaky_relu<1.0e400>}

// -----

// Each of elu's.
// expected-error @+1 {{(activation_a1) expected a finite input_scale, got +Inf}}
func.func private @f() attributes {a = #abn.elu<1.0, scale = 1.0, input_scale = 1.0e400>}

// -----

// Nothing is divided by zero.
// expected-error @+1 {{(activation_a2) expected alpha not to be zero}}
func.func private @f() attributes {a = #abn.celu<0.0>}

// -----

// Softplus divides by beta.
// expected-error @+1 {{(activation_a2) expected beta not to be zero}}
func.func private @f() attributes {a = #abn.softplus<0.0, threshold = 20.0>}

// -----

// The bounds of hardtanh are in order.
// expected-error @+1 {{(activation_a3) expected the minimum not to exceed the maximum, got 1.000000e+00 and -1.000000e+00}}
func.func private @f() attributes {a = #abn.hardtanh<1.0, -1.0>}

// -----

// What scaled scales is an activation.
// expected-error @+1 {{(activation_a4) expected an activation, got 1 : i64}}
func.func private @f() attributes {a = #abn.scaled<1 : i64, input_scale = 1.0, output_scale = 1.0>}

// -----

// Nothing would be left of y.
// expected-error @+1 {{(activation_a4) expected input_scale not to be zero}}
func.func private @f() attributes {a = #abn.scaled<#abn.tanh, input_scale = 0.0, output_scale = 1.0>}

// -----

// Nothing would be left of z: nor of a negative zero.
// expected-error @+1 {{(activation_a4) expected output_scale not to be zero}}
func.func private @f() attributes {a = #abn.scaled<#abn.tanh, input_scale = 1.0, output_scale = -0.0>}

// -----

// The scales are finite.
// expected-error @+1 {{(activation_a1) expected a finite input_scale, got +Inf}}
func.func private @f() attributes {a = #abn.scaled<#abn.tanh, input_scale = 1.0e400, output_scale = 1.0>}

// -----

// Both of them.
// expected-error @+1 {{(activation_a1) expected a finite output_scale, got -Inf}}
func.func private @f() attributes {a = #abn.scaled<#abn.tanh, input_scale = 1.0, output_scale = -1.0e400>}

// -----

// An in-place op takes only a scaled activation that has an inverse.
func.func @scaled_silu(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{(inplace_c8) expected an invertible activation, got #abn.scaled<#abn.silu, input_scale = 1.702, output_scale = 1.0>}}
  %0:3 = abn.inplace_forward #abn.scaled<#abn.silu, input_scale = 1.702, output_scale = 1.0>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} outs(%x, %s, %s : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>)
      -> tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

// Two steps per buffer.
func.func @pack_c1_count(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c1) expected 2 entries in `lifetimes`, got 3}}
  %0:2 = abn.pack lifetimes([0, 1, 2]) sizes(%a) : index
  return
}

// -----

// A lifetime does not end before it begins.
func.func @pack_c1_order(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c1) expected 0 <= lower <= upper, got [3, 2] for buffer 0}}
  %0:2 = abn.pack lifetimes([3, 2]) sizes(%a) : index
  return
}

// -----

// Steps count from 0.
func.func @pack_c1_negative(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c1) expected 0 <= lower <= upper, got [-1, 2] for buffer 0}}
  %0:2 = abn.pack lifetimes([-1, 2]) sizes(%a) : index
  return
}

// -----

// One offset per buffer.
func.func @pack_c2(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c2) expected 1 offset results, got 2}}
  %0:3 = abn.pack lifetimes([0, 1]) sizes(%a) : index, index
  return
}

// -----

// Alignments are powers of two.
func.func @pack_c3(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c3) expected a power of two for `alignment`, got 48}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%a) {alignment = 48 : i64} : index
  return
}

// -----

// The answer comes whole.
func.func @pack_c4_half(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c4) expected `offsets` and `arena_size` together}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%a) {arena_size = 8 : i64} : index
  return
}

// -----

// One answer per buffer.
func.func @pack_c4_count(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c4) expected 1 offsets, got 2}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%a) {arena_size = 8 : i64, offsets = array<i64: 0, 0>} : index
  return
}

// -----

// Offsets are aligned.
func.func @pack_c4_alignment(%a: index, %b: index) {
  // expected-error @+1 {{(pack_c4) expected offsets that are multiples of 256 and not negative, got 64}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%a) {arena_size = 512 : i64, offsets = array<i64: 64>} : index
  return
}

// -----

// Buffers end within the arena.
func.func @pack_c4_arena() {
  %big = arith.constant 512 : index
  %small = arith.constant 256 : index
  // expected-error @+1 {{(pack_c4) expected buffer 0 to end within the arena of 512 bytes, got offset 256 and size 512}}
  %0:2 = abn.pack lifetimes([0, 1]) sizes(%big)
      {arena_size = 512 : i64, offsets = array<i64: 256>} : index
  return
}

// -----

// Buffers that meet in one step are apart, whichever comes first.
func.func @pack_c4_overlap() {
  %big = arith.constant 512 : index
  %small = arith.constant 256 : index
  // expected-error @+1 {{(pack_c4) expected buffers that are live together to be disjoint, got buffer 1 and buffer 2 overlapping}}
  %0:4 = abn.pack lifetimes([2, 4, 0, 1, 1, 2]) sizes(%big, %small, %big)
      {arena_size = 1024 : i64, offsets = array<i64: 0, 256, 256>} : index, index, index
  return
}

// -----

// Also those at the same offset.
func.func @pack_c4_same_offset() {
  %big = arith.constant 512 : index
  %small = arith.constant 256 : index
  // expected-error @+1 {{(pack_c4) expected buffers that are live together to be disjoint, got buffer 0 and buffer 1 overlapping}}
  %0:3 = abn.pack lifetimes([0, 3, 2, 4]) sizes(%big, %small)
      {arena_size = 1024 : i64, offsets = array<i64: 0, 0>} : index, index
  return
}

// -----

// Buffers that do not meet may share their bytes.
func.func @pack_c4_disjoint() {
  %big = arith.constant 512 : index
  %0:4 = abn.pack lifetimes([2, 4, 0, 1, 0, 4]) sizes(%big, %big, %big)
      {arena_size = 1024 : i64, offsets = array<i64: 0, 0, 512>} : index, index, index
  return
}

// -----

// Roles are strings.
// expected-error @+1 {{expected a string for `abn.role`, got 1 : i64}}
func.func private @role(tensor<f32> {abn.role = 1 : i64})

// -----

// expected-error @+1 {{expected a unit attribute for `abn.donated`, got true}}
func.func private @donated(tensor<f32> {abn.donated = true})

// -----

// expected-error @+1 {{has an unknown argument or result attribute `abn.donated`}}
func.func private @donated_result() -> (tensor<f32> {abn.donated})
