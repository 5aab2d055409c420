// RUN: abn-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --abn-verify-rewrite

// What no verifier of one op can see.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @agrees(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @input_read_again(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-error @below {{(v1) overwrites its input, which is read again}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-note @below {{by this op}}
  "test.read"(%x) : (!full) -> ()
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @epsilon_differs(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-note @below {{forward op}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v2) differs from its forward op in epsilon or channel}}
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-3 : f64, channel_dim = 1 : i64}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @gamma_differs(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-note @below {{forward op}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v2) differs from its forward op in gamma or beta}}
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g2 : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @policy_differs(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-note @below {{forward op}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v2) differs from its forward op in the gamma policy}}
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<abs>}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @activation_differs(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-note @below {{forward op}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v2) differs from its forward op in the activation}}
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.2> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z1 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @output_of_another_chain(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  // expected-note @below {{forward op}}
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %x2 = "test.conv"(%in) : (!full) -> !full
  %z2, %m2, %v2 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x2, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v2) differs from its forward op in the output it reads}}
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z2 : !full) stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}

// -----

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

func.func @gradient_of_recovered(%in: !full, %g: !vec, %b: !vec, %g2: !vec) -> !full {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dz = "test.grad"() : () -> !full
  // expected-error @below {{(v3) feeds a gradient that should read the output}}
  %r = abn.recover #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%z1 : !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) beta(%b : !vec) outs(%e : !full) -> !full
  // expected-note @below {{gradient}}
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dz, %r : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx1 : !full
}
