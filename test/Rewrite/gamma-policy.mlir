// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize=plan=false | FileCheck %s --check-prefixes=CHECK,DEFAULT
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=trust" | FileCheck %s --check-prefixes=CHECK,TRUST
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=clamp gamma-threshold=0.01" | FileCheck %s --check-prefixes=CHECK,CLAMP
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=abs,layer.bn:trust" | FileCheck %s --check-prefixes=CHECK,NAMED
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=keep" | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=nobody.bn:check" -o /dev/null 2>&1 | FileCheck %s --check-prefix=NOBODY
// RUN: abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=layer.bn:check" -o /dev/null 2>&1 | FileCheck %s --allow-empty --check-prefix=SOMEBODY
// RUN: not abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=layer.bn:dispatch" 2>&1 | FileCheck %s --check-prefix=ONE-ONLY
// RUN: not abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-policy=hope" 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false gamma-threshold=0.0" 2>&1 | FileCheck %s --check-prefix=THRESHOLD
// RUN: not abn-opt %s --allow-unregistered-dialect --abn-optimize="plan=false loss-result=9" 2>&1 | FileCheck %s --check-prefix=LOSS

// The policy of a chain is its own attribute, else the option's entry for its name, else the
// option's default.

// NOBODY: gamma-policy.mlir:{{[0-9]+}}:{{[0-9]+}}: warning: there is no batch norm `nobody.bn`, whose gamma policy is given as `nobody.bn:check`
// SOMEBODY-NOT: warning
// ONE-ONLY: error: expected trust, check, clamp, abs or keep as gamma policy, got `dispatch`
// BAD: gamma-policy.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected dispatch, trust, check, clamp, abs or keep as gamma policy, got `hope`
// THRESHOLD: error: expected a positive, finite gamma threshold, got
// LOSS: error: expected the loss among the function's 4 results, got result 9

// check is the default and is not printed.
// CHECK-LABEL: func @named
// DEFAULT: abn.inplace_forward
// DEFAULT-NOT: gamma_policy
// DEFAULT: abn.inplace_backward
// DEFAULT-NOT: gamma_policy
// TRUST: abn.inplace_forward {{.*}}gamma_policy = #abn.gamma_policy<trust>
// TRUST: abn.inplace_backward {{.*}}gamma_policy = #abn.gamma_policy<trust>
// CLAMP: abn.inplace_forward {{.*}}gamma_policy = #abn.gamma_policy<clamp>, gamma_threshold = 1.000000e-02
// CLAMP: abn.inplace_backward {{.*}}gamma_policy = #abn.gamma_policy<clamp>, gamma_threshold = 1.000000e-02
// NAMED: abn.inplace_forward {{.*}}abn.chain = "layer.bn"{{.*}}gamma_policy = #abn.gamma_policy<trust>
// KEEP: abn.batch_norm {{.*}}abn.reason = "its gamma policy is keep"
!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
func.func @named(%in: !full, %g: !vec {abn.name = "layer.bn.weight"}, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// CHECK-LABEL: func @own
// CHECK: abn.inplace_forward {{.*}}gamma_policy = #abn.gamma_policy<clamp>
func.func @own(%in: !full, %g: !vec {abn.name = "layer.bn.weight"}, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.gamma_policy = "clamp"} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// CHECK-LABEL: func @own_keep
// CHECK: abn.batch_norm {{.*}}abn.reason = "its gamma policy is keep"
func.func @own_keep(%in: !full, %g: !vec {abn.name = "layer.bn.weight"}, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64, abn.gamma_policy = "keep"} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}
