// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize="plan=false recognize=false" \
// RUN:   --remarks-filter-missed=abn 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --abn-optimize="plan=false recognize=false" \
// RUN:   | FileCheck %s --implicit-check-not=abn.inplace

// Every batch norm that is left alone says why, in a missed remark and in abn.reason.

// The input is the caller's.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is an argument of the function
// CHECK-LABEL: func @argument_input
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @argument_input(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%in : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %in : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// So is a view of an argument.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is an argument
// CHECK-LABEL: func @view_of_argument
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @view_of_argument(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %c = tensor.collapse_shape %in [[0], [1], [2, 3]] : !full into tensor<2x4x64xf32>
  %x = tensor.expand_shape %c [[0], [1], [2, 3]] output_shape [2, 4, 8, 8] : tensor<2x4x64xf32> into !full
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

// -----

// A constant cannot be overwritten.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is an argument or a constant
// CHECK-LABEL: func @constant_input
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @constant_input(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = arith.constant dense<1.0> : !full
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

// -----

// Another forward op reads x.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is also read by `test.conv` ({{.*}}) in the forward
// CHECK-LABEL: func @second_forward_reader
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @second_forward_reader(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z0 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %o = "test.conv"(%x) : (!full) -> !full
  %z = linalg.generic #sum ins(%z0, %o : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// Two batch norms read x: only one could own it.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is also read by `abn.batch_norm`
// CHECK-LABEL: func @two_batch_norms
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @two_batch_norms(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %y2, %m2, %v2 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %z2 = abn.activation #abn.leaky_relu<0.01> ins(%y2 : !full) outs(%e : !full) -> !full
  %z = linalg.generic #sum ins(%z1, %z2 : !full, !full) outs(%e : !full) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dy2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y2 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dx2, %dg2, %db2 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy2, %x : !full, !full)
      stats(%m2, %v2 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// A reshaped x is read in the backward.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: an alias of its input is read by `test.conv_grad`
// CHECK-LABEL: func @alias_read_later
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @alias_read_later(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %c0 = "test.conv"(%in) : (!full) -> tensor<2x4x64xf32>
  %x = tensor.expand_shape %c0 [[0], [1], [2, 3]] output_shape [2, 4, 8, 8] : tensor<2x4x64xf32> into !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%c0) : (tensor<2x4x64xf32>) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// The caller wants x.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is a result of the function
// CHECK-LABEL: func @returned_input
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @returned_input(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !full) {
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
  return %loss, %dx1, %x : tensor<f32>, !full, !full
}

// -----

// relu decides by the sign of its own output x, which a recovered x could flip.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its input is read by `abn.activation_grad` ({{.*}}), which cannot take a recovered value
// CHECK-LABEL: func @producer_needs_its_output
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @producer_needs_its_output(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %c = "test.conv"(%in) : (!full) -> !full
  %x = abn.activation #abn.relu ins(%c : !full) outs(%e : !full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dc = abn.activation_grad #abn.relu {from_output} ins(%dx1, %x : !full, !full) outs(%e : !full) -> !full
  return %loss, %dc : tensor<f32>, !full
}

// -----

// An op that is not known reads y in the backward.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its normalised value is read by `test.conv_grad` ({{.*}}), which cannot take a recovered value
// CHECK-LABEL: func @opaque_reader_of_normalized
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @opaque_reader_of_normalized(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%y1) : (!full) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// relu is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation relu is not invertible
// CHECK-LABEL: func @left_alone_relu
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_relu(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.relu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.relu ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// hardtanh<0.0, 6.0> is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation hardtanh is not invertible
// CHECK-LABEL: func @left_alone_hardtanh_0_0_6_0
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_hardtanh_0_0_6_0(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.hardtanh<0.0, 6.0> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.hardtanh<0.0, 6.0> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// silu is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation silu is not invertible
// CHECK-LABEL: func @left_alone_silu
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_silu(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.silu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.silu ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// gelu is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation gelu is not invertible
// CHECK-LABEL: func @left_alone_gelu
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_gelu(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.gelu ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.gelu ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// gelu_tanh is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation gelu_tanh is not invertible
// CHECK-LABEL: func @left_alone_gelu_tanh
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_gelu_tanh(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.gelu_tanh ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.gelu_tanh ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// mish is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation mish is not invertible
// CHECK-LABEL: func @left_alone_mish
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_mish(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.mish ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.mish ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// hardswish is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation hardswish is not invertible
// CHECK-LABEL: func @left_alone_hardswish
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_hardswish(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.hardswish ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.hardswish ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// hardsigmoid is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation hardsigmoid is not invertible
// CHECK-LABEL: func @left_alone_hardsigmoid
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_hardsigmoid(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.hardsigmoid ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.hardsigmoid ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// leaky_relu<0.0> is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation leaky_relu is not invertible
// CHECK-LABEL: func @left_alone_leaky_relu_0_0
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_leaky_relu_0_0(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.0> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<0.0> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// leaky_relu<-0.1> is not invertible.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its activation leaky_relu is not invertible
// CHECK-LABEL: func @left_alone_leaky_relu_0_1
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @left_alone_leaky_relu_0_1(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<-0.1> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  "test.conv_grad"(%z) : (!full) -> ()
  %dy = abn.activation_grad #abn.leaky_relu<-0.1> ins(%dz, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// No backward: nothing to save.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: no gradient of it is computed
// CHECK-LABEL: func @no_gradient
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @no_gradient(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  return %loss, %m1 : tensor<f32>, !vec
}

// -----

// A gradient with other statistics is not its gradient.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: no gradient of it is computed
// CHECK-LABEL: func @another_normalization_gradient
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @another_normalization_gradient(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
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
      stats(%v1, %m1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}

// -----

// Nothing in the backward keeps y.

!full = tensor<2x4x8x8xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#sum = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// REMARK: [Missed] {{.*}}left alone: its output is not kept for the backward
// CHECK-LABEL: func @unused_output
// CHECK: abn.batch_norm {{.*}}abn.reason
func.func @unused_output(%in: !full, %g: !vec, %b: !vec) -> (tensor<f32>, !full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %x = "test.conv"(%in) : (!full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = "test.conv"(%y1) : (!full) -> !full
  %loss = "test.loss"(%z) : (!full) -> tensor<f32>
  %dz = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dx1, %dg1, %db1 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dz, %x : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %loss, %dx1, %dg1, %db1 : tensor<f32>, !full, !vec, !vec
}
