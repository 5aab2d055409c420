// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize=plan=false | FileCheck %s
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize="plan=false through-add=false" \
// RUN:   --remarks-filter-missed=abn 2>&1 | FileCheck %s --check-prefix=OFF

// A batch norm that feeds a residual sum: its output is rebuilt from the activated sum, which the
// next convolution keeps, and the shortcut, which the previous one keeps.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @post_activation
// CHECK: %[[X:.+]] = "test.conv"
// CHECK: %[[Y:.+]]:3 = abn.inplace_forward #abn.identity {{.*}}abn.strategy = "through-add"{{.*}} outs(%[[X]],
// CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[Y]]#0, %[[S:[a-z0-9]+]] :
// CHECK: %[[OUT:.+]] = abn.activation #abn.leaky_relu<0.01> ins(%[[SUM]]
// CHECK: %[[DSUM:.+]] = abn.activation_grad {{.*}}from_output{{.*}} ins(%{{.+}}, %[[OUT]]
// CHECK: %[[INV:.+]] = abn.activation_inverse #abn.leaky_relu<0.01> {abn.recompute = -1 : i64} ins(%[[OUT]]
// CHECK: %[[Y2:.+]] = linalg.generic {{.*}} ins(%[[INV]], %[[S]] :
// CHECK: arith.subf
// CHECK: abn.inplace_backward #abn.identity {{.*}} ins(%[[Y2]] {{.*}}stats(%[[Y]]#2 {{.*}}outs(%[[DSUM]],
// OFF: remark: {{.*}}its output is not kept for the backward, so that dropping the input saves nothing (through-add is off)
// OFF-LABEL: func @post_activation
// OFF: abn.batch_norm {{.*}}abn.reason =
func.func @post_activation(%in: !full, %in2: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %sum = linalg.generic #sum ins(%y1, %in2 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %out = abn.activation #abn.leaky_relu<0.01> ins(%sum : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%out) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%out) : (!full) -> ()
  %dsum = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %sum : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dsum, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// A down-sampling block: of the two batch norms that meet in the sum one output is kept, the other
// is rebuilt.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @downsample
// CHECK: %[[Y1:.+]]:3 = abn.inplace_forward #abn.identity {{.*}}"through-add"
// CHECK: %[[Y2:.+]]:3 = abn.inplace_forward #abn.identity {{.*}}"in-place"
// CHECK: %[[OUT:.+]] = abn.activation #
// CHECK: %[[INV:.+]] = abn.activation_inverse {{.*}} ins(%[[OUT]]
// CHECK: %[[R:.+]] = linalg.generic {{.*}} ins(%[[INV]], %[[Y2]]#0 :
// CHECK: abn.inplace_backward {{.*}} ins(%[[R]] {{.*}}stats(%[[Y1]]#2
// CHECK: abn.inplace_backward {{.*}} ins(%[[Y2]]#0 {{.*}}stats(%[[Y2]]#2
func.func @downsample(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %x2 = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x2 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %sum = linalg.generic #sum ins(%y1, %y2 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %out = abn.activation #abn.leaky_relu<0.01> ins(%sum : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%out) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dsum = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %sum : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dsum, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dsum, %x2 : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dx2 : tensor<f32>, !full, !full
}

// -----

// The activation before the sum (darknet): z = o - s, then the activation is inverted as well.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @pre_sum
// CHECK: %[[Z:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01> {{.*}}"through-add"
// CHECK: %[[O:.+]] = linalg.generic {{.*}} ins(%[[S:[a-z0-9]+]], %[[Z]]#0 :
// CHECK: %[[R:.+]] = linalg.generic {{.*}} ins(%[[O]], %[[S]] :
// CHECK: arith.subf
// CHECK: abn.inplace_backward #abn.leaky_relu<0.01> {{.*}} ins(%[[R]] {{.*}}stats(%[[Z]]#2
func.func @pre_sum(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %o = linalg.generic #sum ins(%in, %z : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%o) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%o) : (!full) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// A chain of two such blocks: each output comes from the sums around it.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @chain_of_sums
// CHECK: %[[Z1:.+]]:3 = abn.inplace_forward {{.*}}"through-add"
// CHECK: %[[O1:.+]] = linalg.generic {{.*}} ins(%[[S:[a-z0-9]+]], %[[Z1]]#0 :
// CHECK: %[[Z2:.+]]:3 = abn.inplace_forward {{.*}}"through-add"
// CHECK: %[[O2:.+]] = linalg.generic {{.*}} ins(%[[O1]], %[[Z2]]#0 :
// CHECK: linalg.generic {{.*}} ins(%[[O2]], %[[O1]] :
// CHECK: abn.inplace_backward
// CHECK: linalg.generic {{.*}} ins(%[[O1]], %[[S]] :
// CHECK: abn.inplace_backward
func.func @chain_of_sums(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %o1 = linalg.generic #sum ins(%in, %z1 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %x2 = "test.conv"(%o1) : (!full) -> !full
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x2 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z2 = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %o2 = linalg.generic #sum ins(%o1, %z2 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%o2) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%o2) : (!full) -> ()
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %x2 : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  "test.conv_grad"(%o1) : (!full) -> ()
  %dy1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dx2, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// relu after the sum cannot be inverted, and nothing else keeps the batch norm's output.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @relu_after_sum
// CHECK: abn.batch_norm {{.*}}abn.reason = "it cannot be recovered through the sum, whose activation relu is not invertible"
func.func @relu_after_sum(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %sum = linalg.generic #sum ins(%y1, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %out = abn.activation #abn.relu ins(%sum : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%out) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%out) : (!full) -> ()
  %dsum = abn.activation_grad #abn.relu {from_output} ins(%dz, %out : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dsum, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// x + x has no other operand to subtract: the chain keeps its output.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @doubled
// CHECK: abn.inplace_forward {{.*}}"in-place"
// CHECK-NOT: arith.subf
func.func @doubled(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %o = linalg.generic #sum ins(%z, %z : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%o) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%o) : (!full) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// The sum is the next chain's input, which that chain overwrites: the first chain cannot rest on it.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @sum_is_overwritten
// CHECK: abn.batch_norm {{.*}}abn.reason = "its output is not kept for the backward
// CHECK: abn.inplace_forward #abn.leaky_relu<0.01>
func.func @sum_is_overwritten(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %x2 = linalg.generic #sum ins(%y1, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x2 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %x2 : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dx2, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1 : tensor<f32>, !full
}

// -----

// A batch norm on a batch norm's output: the second overwrites what the first would have kept.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>

// CHECK-LABEL: func @norm_of_norm
// CHECK: abn.batch_norm {{.*}}abn.reason = "its output is not kept for the backward
// CHECK: abn.inplace_forward #abn.leaky_relu<0.01>
func.func @norm_of_norm(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x1 = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%y1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %y1 : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dx2, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1 : tensor<f32>, !full
}

// -----

// A statistic that is logged reads x before the sum exists: the chain keeps its output.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @early_reader
// CHECK: abn.batch_norm {{.*}}abn.reason =
func.func @early_reader(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %metric = linalg.generic #sum ins(%x, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %o = linalg.generic #sum ins(%y1, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %z = abn.activation #abn.leaky_relu<0.01> ins(%o : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %do = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %o : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%do, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %metric : tensor<f32>, !full, !full
}

// -----

// A sum that is rounded to bf16 on the way is not the sum of its operands.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @rounded_sum
// CHECK: abn.batch_norm {{.*}}abn.reason =
func.func @rounded_sum(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %o = linalg.generic #sum ins(%y1, %in : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %p1 = arith.truncf %p : f32 to bf16
    %q1 = arith.truncf %q : f32 to bf16
    %t1 = arith.addf %p1, %q1 : bf16
    %t = arith.extf %t1 : bf16 to f32
    linalg.yield %t : f32
  } -> !full
  %z = abn.activation #abn.leaky_relu<0.01> ins(%o : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %do = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %o : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%do, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// Two activations of one value: y serves both gradients, two outputs would be kept instead.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// CHECK-LABEL: func @two_activations
// CHECK: %[[Y:.+]] = "test.conv"
// CHECK: abn.activation_grad #abn.leaky_relu<0.2> ins(%{{.+}}, %[[Y]] :
// CHECK: abn.activation_grad #abn.leaky_relu<0.01> ins(%{{.+}}, %[[Y]] :
func.func @two_activations(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %y = "test.conv"(%in) : (!full) -> !full
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %z2 = abn.activation #abn.leaky_relu<0.2> ins(%y : !full) outs(%e : !full) -> !full
  %o = linalg.generic #sum ins(%z1, %z2 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%o) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %d2 = abn.activation_grad #abn.leaky_relu<0.2> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  %d1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full) outs(%e : !full) -> !full
  return %loss, %d1, %d2 : tensor<f32>, !full, !full
}
