// Every op and attribute of the dialect in every form: read, printed, read again, and the same.
// RUN: abn-opt %s | FileCheck %s
// RUN: abn-opt %s | abn-opt > %t.once.mlir
// RUN: abn-opt --mlir-print-op-generic %s | abn-opt > %t.generic.mlir
// RUN: diff %t.once.mlir %t.generic.mlir
// RUN: abn-opt --emit-bytecode %s | abn-opt > %t.bytecode.mlir
// RUN: diff %t.once.mlir %t.bytecode.mlir

!full = tensor<2x3x4xf32>
!vec = tensor<3xf32>
!half = tensor<2x3x4xf16>
!hvec = tensor<3xf16>
!dyn = tensor<?x?x?x3xf64>
!dvec = tensor<3xf64>

// CHECK-LABEL: func @out_of_place
// CHECK: abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.000000e-05 : f64} ins(%{{.*}} : tensor<2x3x4xf32>) gamma(%{{.*}} : tensor<3xf32>) beta(%{{.*}} : tensor<3xf32>) outs(
// CHECK: abn.batch_norm_grad {{.*}} stats(%{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>) gamma(
// CHECK: abn.batch_norm_inference {{.*}} stats({{.*}} gamma({{.*}} beta(
// CHECK: abn.batch_norm_inference_grad {{.*}} stats({{.*}} gamma(
func.func @out_of_place(%x: !full, %dy: !full, %g: !vec, %b: !vec, %m0: !vec, %v0: !vec) {
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : !full) gamma(%g : !vec) beta(%b : !vec)
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%dy, %x : !full, !full) stats(%m, %v : !vec, !vec) gamma(%g : !vec)
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %yi = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : !full) stats(%m, %v : !vec, !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%x : !full) -> !full
  %dxi, %dgi, %dbi = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%dy, %x : !full, !full) stats(%m, %v : !vec, !vec) gamma(%g : !vec)
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  return
}

// Gamma and beta are optional, each; the channel may be the last of dynamic dimensions.
// CHECK-LABEL: func @without_gamma_beta
// CHECK: abn.batch_norm {channel_dim = 3 : i64, {{.*}} ins(%{{.*}} : tensor<?x?x?x3xf64>) outs(
// CHECK: abn.batch_norm {{.*}}) gamma(%{{.*}} : tensor<3xf64>) outs(
// CHECK: abn.batch_norm {{.*}}) beta(%{{.*}} : tensor<3xf64>) outs(
// CHECK: abn.inplace_forward #abn.identity {{.*}} outs(
func.func @without_gamma_beta(%x: !dyn, %g: !dvec, %b: !dvec, %m0: !dvec, %v0: !dvec) {
  %0:3 = abn.batch_norm {epsilon = 0.0 : f64, channel_dim = 3 : i64} ins(%x : !dyn)
      outs(%x, %m0, %v0 : !dyn, !dvec, !dvec) -> !dyn, !dvec, !dvec
  %1:3 = abn.batch_norm {epsilon = 0.0 : f64, channel_dim = 3 : i64} ins(%x : !dyn)
      gamma(%g : !dvec) outs(%x, %m0, %v0 : !dyn, !dvec, !dvec) -> !dyn, !dvec, !dvec
  %2:3 = abn.batch_norm {epsilon = 0.0 : f64, channel_dim = 3 : i64} ins(%x : !dyn)
      beta(%b : !dvec) outs(%x, %m0, %v0 : !dyn, !dvec, !dvec) -> !dyn, !dvec, !dvec
  %3:3 = abn.inplace_forward #abn.identity {epsilon = 0.0 : f64, channel_dim = 3 : i64}
      outs(%x, %m0, %v0 : !dyn, !dvec, !dvec) -> !dyn, !dvec, !dvec
  return
}

// CHECK-LABEL: func @in_place
// CHECK: abn.inplace_forward #abn.leaky_relu<0.01> {channel_dim = 1 : i64, {{.*}} gamma({{.*}} beta({{.*}} outs(
// CHECK: abn.inplace_backward #abn.leaky_relu<0.01> {{.*}}gamma_policy = #abn.gamma_policy<clamp>, gamma_threshold = 1.000000e-02 : f64} ins({{.*}} stats(%{{.*}} : tensor<3xf32>) gamma(
// CHECK: abn.inplace_inference #abn.relu {{.*}} stats(
// CHECK: abn.inplace_inference_backward #abn.relu {{.*}} gamma_policy = #abn.gamma_policy<abs>
// CHECK: abn.recover #abn.leaky_relu<0.01> {{.*}} gamma_policy = #abn.gamma_policy<trust>
func.func @in_place(%x: !full, %dz: !full, %g: !vec, %b: !vec, %m0: !vec, %v0: !vec) {
  %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} gamma(%g : !vec) beta(%b : !vec)
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %dx, %dg, %db = abn.inplace_backward #abn.leaky_relu<0.01>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<clamp>,
       gamma_threshold = 0.01 : f64}
      ins(%z : !full) stats(%v : !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%dz, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %zi = abn.inplace_inference #abn.relu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      stats(%m, %v : !vec, !vec) gamma(%g : !vec) beta(%b : !vec) outs(%x : !full) -> !full
  %dxi, %dgi, %dbi = abn.inplace_inference_backward #abn.relu
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<abs>}
      ins(%zi : !full) stats(%v : !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%dz, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %r = abn.recover #abn.leaky_relu<0.01>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, gamma_policy = #abn.gamma_policy<trust>}
      ins(%z : !full) stats(%m, %v : !vec, !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%x : !full) -> !full
  return
}

// Parameters of f16 data may be f16 or f32; statistics and gradients are f32.
// CHECK-LABEL: func @f16
// CHECK: abn.inplace_forward #abn.prelu {{.*}} gamma(%{{.*}} : tensor<3xf16>) beta(%{{.*}} : tensor<3xf32>) params(%{{.*}} : tensor<3xf16>) outs(
func.func @f16(%x: !half, %g: !hvec, %b: !vec, %a: !hvec, %s: !vec) {
  %0:3 = abn.inplace_forward #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !hvec) beta(%b : !vec) params(%a : !hvec)
      outs(%x, %s, %s : !half, !vec, !vec) -> !half, !vec, !vec
  return
}

// CHECK-LABEL: func @activations
// CHECK: abn.activation #abn.identity ins(
// CHECK: abn.activation #abn.leaky_relu<0.2> ins(
// CHECK: abn.activation #abn.leaky_relu<-0.01> ins(
// CHECK: abn.activation #abn.leaky_relu<1.0e-05> ins(
// CHECK: abn.activation #abn.elu<1.0, scale = 2.5, input_scale = 0.3333333333333333> ins(
// CHECK: abn.activation #abn.celu<1.5e+20> ins(
// CHECK: abn.activation #abn.selu ins(
// CHECK: abn.activation #abn.softplus<1.0, threshold = 20.0> ins(
// CHECK: abn.activation #abn.sigmoid ins(
// CHECK: abn.activation #abn.tanh ins(
// CHECK: abn.activation #abn.relu ins(
// CHECK: abn.activation #abn.hardtanh<0.0, 6.0> ins(
// CHECK: abn.activation #abn.silu ins(
// CHECK: abn.activation #abn.gelu ins(
// CHECK: abn.activation #abn.gelu_tanh ins(
// CHECK: abn.activation #abn.mish ins(
// CHECK: abn.activation #abn.hardswish ins(
// CHECK: abn.activation #abn.hardsigmoid ins(
// CHECK: abn.activation #abn.prelu {channel_dim = 2 : i64} ins(%{{.*}} : tensor<2x3x4xf32>) params(%{{.*}} : tensor<4xf32>) outs(
// CHECK: abn.activation_grad #abn.silu ins(
// CHECK: abn.activation_grad #abn.prelu {from_output} ins({{.*}}) params(
// CHECK: abn.activation_inverse #abn.tanh ins(
// CHECK: abn.activation #abn.scaled<#abn.silu, input_scale = 1.702, output_scale = 0.5875440658049353> ins(
// CHECK: abn.activation_grad #abn.scaled<#abn.tanh, input_scale = 0.6666666666666666, output_scale = -1.7159> {from_output} ins(
// CHECK: abn.activation_inverse #abn.scaled<#abn.elu<1.0, scale = 2.0, input_scale = 0.5>, input_scale = 3.0, output_scale = 1.0e-05> ins(
// CHECK: abn.activation #abn.scaled<#abn.prelu, input_scale = 2.0, output_scale = 3.0> ins({{.*}}) params(
func.func @activations(%y: !full, %a3: !vec, %a4: tensor<4xf32>) {
  %0 = abn.activation #abn.identity ins(%y : !full) outs(%y : !full) -> !full
  %1 = abn.activation #abn.leaky_relu<0.2> ins(%y : !full) outs(%y : !full) -> !full
  %2 = abn.activation #abn.leaky_relu<-0.01> ins(%y : !full) outs(%y : !full) -> !full
  %3 = abn.activation #abn.leaky_relu<1.0e-5> ins(%y : !full) outs(%y : !full) -> !full
  %4 = abn.activation #abn.elu<1.0, scale = 2.5, input_scale = 0.33333333333333331>
      ins(%y : !full) outs(%y : !full) -> !full
  %5 = abn.activation #abn.celu<1.5e20> ins(%y : !full) outs(%y : !full) -> !full
  %6 = abn.activation #abn.selu ins(%y : !full) outs(%y : !full) -> !full
  %7 = abn.activation #abn.softplus<1.0, threshold = 20.0> ins(%y : !full) outs(%y : !full) -> !full
  %8 = abn.activation #abn.sigmoid ins(%y : !full) outs(%y : !full) -> !full
  %9 = abn.activation #abn.tanh ins(%y : !full) outs(%y : !full) -> !full
  %10 = abn.activation #abn.relu ins(%y : !full) outs(%y : !full) -> !full
  %11 = abn.activation #abn.hardtanh<0.0, 6.0> ins(%y : !full) outs(%y : !full) -> !full
  %12 = abn.activation #abn.silu ins(%y : !full) outs(%y : !full) -> !full
  %13 = abn.activation #abn.gelu ins(%y : !full) outs(%y : !full) -> !full
  %14 = abn.activation #abn.gelu_tanh ins(%y : !full) outs(%y : !full) -> !full
  %15 = abn.activation #abn.mish ins(%y : !full) outs(%y : !full) -> !full
  %16 = abn.activation #abn.hardswish ins(%y : !full) outs(%y : !full) -> !full
  %17 = abn.activation #abn.hardsigmoid ins(%y : !full) outs(%y : !full) -> !full
  %18 = abn.activation #abn.prelu {channel_dim = 2 : i64} ins(%y : !full)
      params(%a4 : tensor<4xf32>) outs(%y : !full) -> !full
  %19 = abn.activation_grad #abn.silu ins(%y, %y : !full, !full) outs(%y : !full) -> !full
  %20 = abn.activation_grad #abn.prelu {from_output} ins(%y, %y : !full, !full)
      params(%a3 : !vec) outs(%y : !full) -> !full
  %21 = abn.activation_inverse #abn.tanh ins(%y : !full) outs(%y : !full) -> !full
  %22 = abn.activation #abn.scaled<#abn.silu, input_scale = 1.702, output_scale = 0.58754406580493534>
      ins(%y : !full) outs(%y : !full) -> !full
  %23 = abn.activation_grad #abn.scaled<#abn.tanh, input_scale = 0.66666666666666663, output_scale = -1.7159>
      {from_output} ins(%y, %y : !full, !full) outs(%y : !full) -> !full
  %24 = abn.activation_inverse #abn.scaled<#abn.elu<1.0, scale = 2.0, input_scale = 0.5>, input_scale = 3.0,
      output_scale = 1.0e-5> ins(%y : !full) outs(%y : !full) -> !full
  %25 = abn.activation #abn.scaled<#abn.prelu, input_scale = 2.0, output_scale = 3.0> ins(%y : !full)
      params(%a3 : !vec) outs(%y : !full) -> !full
  return
}

// On memrefs there are no results.
!mem = memref<2x3x4xf32, strided<[?, ?, ?], offset: ?>>
!mvec = memref<3xf32, strided<[?], offset: ?>>
// CHECK-LABEL: func @memrefs
// CHECK: abn.batch_norm {{.*}} outs(%{{.*}} : memref<2x3x4xf32, strided<[?, ?, ?], offset: ?>>, memref<3xf32, strided<[?], offset: ?>>, memref<3xf32, strided<[?], offset: ?>>){{$}}
// CHECK: abn.batch_norm_grad
// CHECK: abn.batch_norm_inference
// CHECK: abn.batch_norm_inference_grad
// CHECK: abn.activation #abn.relu
// CHECK: abn.activation_grad #abn.relu
// CHECK: abn.activation_inverse #abn.tanh
// CHECK: abn.inplace_forward #abn.prelu
// CHECK: abn.inplace_backward #abn.prelu
// CHECK: abn.inplace_inference #abn.prelu
// CHECK: abn.inplace_inference_backward #abn.prelu
// CHECK: abn.recover #abn.prelu {{.*}} outs(%{{.*}} : memref<2x3x4xf32, strided<[?, ?, ?], offset: ?>>){{$}}
func.func @memrefs(%x: !mem, %y: !mem, %g: !mvec, %b: !mvec, %m: !mvec, %v: !mvec) {
  abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !mem) gamma(%g : !mvec)
      beta(%b : !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x, %x : !mem, !mem)
      stats(%m, %v : !mvec, !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !mem)
      stats(%m, %v : !mvec, !mvec) outs(%y : !mem)
  abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x, %x : !mem, !mem) stats(%m, %v : !mvec, !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.activation #abn.relu ins(%x : !mem) outs(%y : !mem)
  abn.activation_grad #abn.relu ins(%x, %x : !mem, !mem) outs(%y : !mem)
  abn.activation_inverse #abn.tanh ins(%x : !mem) outs(%y : !mem)
  abn.inplace_forward #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      params(%g : !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.inplace_backward #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !mem)
      stats(%v : !mvec) params(%g : !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.inplace_inference #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      stats(%m, %v : !mvec, !mvec) params(%g : !mvec) outs(%y : !mem)
  abn.inplace_inference_backward #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : !mem) stats(%v : !mvec) params(%g : !mvec) outs(%y, %m, %v : !mem, !mvec, !mvec)
  abn.recover #abn.prelu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !mem)
      stats(%m, %v : !mvec, !mvec) params(%g : !mvec) outs(%y : !mem)
  return
}

// CHECK-LABEL: func @pack
// CHECK: abn.pack lifetimes([0, 2, 1, 3]) sizes(%{{.*}}, %{{.*}}) : index, index
// CHECK: abn.pack lifetimes([]) sizes(){{$}}
// CHECK: abn.pack lifetimes([0, 0]) sizes(%{{.*}}) {alignment = 64 : i64, arena_size = 512 : i64, offsets = array<i64: 64>} : index
func.func @pack(%a: index, %b: index) {
  %0:3 = abn.pack lifetimes([0, 2, 1, 3]) sizes(%a, %b) : index, index
  %1 = abn.pack lifetimes([]) sizes()
  %2:2 = abn.pack lifetimes([0, 0]) sizes(%a)
      {alignment = 64 : i64, offsets = array<i64: 64>, arena_size = 512 : i64} : index
  return
}

// Front-ends say on the signature what each value is.
// CHECK-LABEL: func @signature
// CHECK-SAME: {abn.donated, abn.name = "conv.weight", abn.role = "parameter"}
// CHECK-SAME: -> (tensor<f32> {abn.role = "loss"})
func.func @signature(%w: tensor<f32> {abn.role = "parameter", abn.name = "conv.weight", abn.donated})
    -> (tensor<f32> {abn.role = "loss"}) {
  return %w : tensor<f32>
}
