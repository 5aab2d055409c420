// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute | FileCheck %s
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=objective=time \
// RUN:   | FileCheck %s --check-prefix=TIME
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=objective=peak \
// RUN:   | FileCheck %s --check-prefix=PEAK
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=budget-bytes=2000000 \
// RUN:   | FileCheck %s --check-prefix=BUDGET
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=budget-bytes=1000000 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REFUSED
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=objective=fast 2>&1 \
// RUN:   | FileCheck %s --check-prefix=OBJECTIVE
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=alignment=3 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ALIGNMENT --implicit-check-not="current operation"
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=alignment=0 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ZERO
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file \
// RUN:   --abn-plan-recompute=alignment=4611686018427387904 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute --remarks-filter-analyse=abn \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute=loss-result=5 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LOSS
// Common subexpressions do not merge a recomputation with what it repeats.
// RUN: abn-opt %s --allow-unregistered-dialect --split-input-file --abn-plan-recompute --cse | FileCheck %s
// Nor do two recomputations have one mark if there were marks before.
// RUN: sed 's/"test.loss_grad"(.*) :/"test.loss_grad"(%loss) {abn.recompute = 4 : i64} :/' %s \
// RUN:   | abn-opt --allow-unregistered-dialect --split-input-file --abn-plan-recompute | FileCheck %s --check-prefix=MARKED

// MARKED: "test.loss_grad"({{.*}}) {abn.recompute = 4 : i64}
// MARKED: abn.batch_norm_inference {abn.recompute = 5 : i64,
// MARKED: abn.activation #abn.relu {abn.recompute = 6 : i64}
// REFUSED: plan-recompute.mlir:[[#]]:1: error: no plan within the budget of 1000000 bytes: the smallest arena found has {{[0-9]+}} bytes
// REFUSED: note: proved: no plan has less than {{[0-9]+}} bytes, none without recomputing convolutions less than {{[0-9]+}}
// LOSS: plan-recompute.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected the loss among the function's 5 results, got result 5
// OBJECTIVE: error: expected peak, balanced or time for the option `objective`, got `fast`
// ALIGNMENT: error: expected a power of two for the option `alignment`, got 3
// ZERO: error: expected a power of two for the option `alignment`, got 0
// HUGE: error: expected at most 4294967296 for the option `alignment`, got 4611686018427387904
// REMARK: plan-recompute.mlir:[[#]]:1: remark: {{.*}}arena of 2116100 bytes; 524288 bytes and 0 convolutions computed again

!full = tensor<8x16x32x32xf32>
!vec = tensor<16xf32>
!weight = tensor<16x16x3x3xf32>

// Two convolutions and what follows them. x1 and x2 are kept: normalised values follow from x1, once more
// before the two gradients that read z1. Elementwise ops write over what dies with them, gradients over the
// gradients that they read; relu's gradient reads z, which gives the same bits.
// CHECK-LABEL: func @step
// CHECK-SAME: abn.plan = {arena_bytes = 2116100 : i64, chosen = 1 : i64, convolutions_recomputed = 0 : i64
// CHECK-SAME: numerics = "exact", objective = "balanced"
// CHECK-SAME: recompute_bytes = 524288 : i64
// CHECK: %[[X1:.+]] = dnn.convolution
// CHECK: %[[Y1:.+]]:3 = abn.batch_norm {{.*}} ins(%[[X1]] :
// CHECK: %[[Z1:.+]] = abn.activation #abn.relu ins(%[[Y1]]#0 : {{.*}} outs(%[[Y1]]#0 :
// CHECK: dnn.convolution {{.*}} ins(%[[Z1]],
// CHECK: %[[DX3:.+]] = "test.loss_grad"
// CHECK: dnn.convolution_weight_grad {{.*}} ins(%[[DX3]],
// CHECK: %[[DZ2:.+]] = dnn.convolution_input_grad
// CHECK: %[[DX2:.+]] = abn.activation_grad #abn.silu ins(%[[DZ2]], {{.*}} outs(%[[DZ2]] :
// CHECK: %[[Y1B:.+]] = abn.batch_norm_inference {abn.recompute = 0 : i64,
// CHECK-SAME: ins(%[[X1]] : {{.*}} stats(%[[Y1]]#1, %[[Y1]]#2 :
// CHECK: %[[Z1B:.+]] = abn.activation #abn.relu {abn.recompute = 1 : i64} ins(%[[Y1B]] : {{.*}} outs(%[[Y1B]] :
// CHECK: dnn.convolution_weight_grad {{.*}} ins(%[[DX2]], %[[Z1B]]
// CHECK: %[[DZ1:.+]] = dnn.convolution_input_grad
// CHECK: %[[DY1:.+]] = abn.activation_grad #abn.relu {from_output} ins(%[[DZ1]], %[[Z1B]] : {{.*}} outs(%[[DZ1]] :
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY1]], %[[X1]] : {{.*}} outs(%[[DY1]],
// Nothing is computed again.
// TIME-LABEL: func @step
// TIME-SAME: chosen = 0 : i64
// TIME-NOT: abn.recompute =
// TIME: return
// The smallest arena: z1 is computed again for each of its readers.
// PEAK-LABEL: func @step
// PEAK-SAME: objective = "peak"
// PEAK: abn.recompute = 3 : i64
// A budget below that needs convolutions.
// BUDGET-LABEL: func @step
// BUDGET-SAME: arena_bytes = 1{{[0-9]+}} : i64
// BUDGET-SAME: convolutions_recomputed = {{[1-9]}} : i64
// BUDGET: dnn.convolution {abn.recompute = 0 : i64,
func.func @step(%in: !full, %w1: !weight, %w2: !weight, %w3: !weight, %g: !vec, %b: !vec)
    -> (tensor<f32> {abn.role = "loss"}, !weight, !weight, !weight, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %we = tensor.empty() : !weight
  %x1 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%in, %w1 : !full, !weight) outs(%e : !full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z1 = abn.activation #abn.relu ins(%y1 : !full) outs(%e : !full) -> !full
  %x2 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%z1, %w2 : !full, !weight) outs(%e : !full) -> !full
  %z2 = abn.activation #abn.silu ins(%x2 : !full) outs(%e : !full) -> !full
  %x3 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%z2, %w3 : !full, !weight) outs(%e : !full) -> !full
  %loss = "test.loss"(%x3) : (!full) -> tensor<f32>
  %dx3 = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dw3 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx3, %z2 : !full, !full) outs(%we : !weight) -> !weight
  %dz2 = dnn.convolution_input_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx3, %w3 : !full, !weight) outs(%e : !full) -> !full
  %dx2 = abn.activation_grad #abn.silu ins(%dz2, %x2 : !full, !full) outs(%e : !full) -> !full
  %dw2 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %z1 : !full, !full) outs(%we : !weight) -> !weight
  %dz1 = dnn.convolution_input_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %w2 : !full, !weight) outs(%e : !full) -> !full
  %dy1 = abn.activation_grad #abn.relu ins(%dz1, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dw1 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx1, %in : !full, !full) outs(%we : !weight) -> !weight
  return %loss, %dw1, %dw2, %dw3, %dg : tensor<f32>, !weight, !weight, !weight, !vec
}


// A step without a loss is not planned.
// CHECK-LABEL: func @no_loss
// CHECK-NOT: abn.plan
// CHECK: return
func.func @no_loss(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<8x4xf32>
  %y = abn.activation #abn.relu ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// A function that chooses between versions of a step is not one itself; the versions are planned for one
// arena: the exact one recomputes no more than fits the inverting one.
// CHECK-LABEL: func @chooser
// CHECK-NOT: abn.plan
// CHECK-LABEL: func private @first
// CHECK-SAME: abn.plan
// CHECK-LABEL: func private @second
// CHECK-SAME: abn.plan
func.func @chooser(%x: tensor<64x64xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<64x64xf32>) attributes {abn.versions = [@first, @second]} {
  %l, %g = call @first(%x) : (tensor<64x64xf32>) -> (tensor<f32>, tensor<64x64xf32>)
  return %l, %g : tensor<f32>, tensor<64x64xf32>
}
func.func private @first(%x: tensor<64x64xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<64x64xf32>) attributes {abn.fallback = @second} {
  %y = "test.layer"(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %l = "test.loss"(%y) : (tensor<64x64xf32>) -> tensor<f32>
  %g = "test.grad"(%l, %y) : (tensor<f32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %l, %g : tensor<f32>, tensor<64x64xf32>
}
func.func private @second(%x: tensor<64x64xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<64x64xf32>) attributes {abn.is_fallback} {
  %y = "test.layer"(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %l = "test.loss"(%y) : (tensor<64x64xf32>) -> tensor<f32>
  %g = "test.grad"(%l, %y) : (tensor<f32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %l, %g : tensor<f32>, tensor<64x64xf32>
}

// -----

!full = tensor<64x64xf32>
#id = affine_map<(i, j) -> (i, j)>

// A weight that the caller gave up is overwritten by its update; one that it keeps is not.
// CHECK-LABEL: func @update
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<64x64xf32> {abn.donated}, %[[V:[a-z0-9]+]]: tensor<64x64xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[W]], %[[G:.+]] : {{.*}} outs(%[[W]] :
// CHECK: linalg.generic {{.*}} ins(%[[V]], %[[H:.+]] : {{.*}} outs(%[[H]] :
func.func @update(%w: !full {abn.donated}, %v: !full) -> (tensor<f32> {abn.role = "loss"}, !full, !full) {
  %e = tensor.empty() : !full
  %l = "test.loss"(%w, %v) : (!full, !full) -> tensor<f32>
  %g = "test.grad_w"(%l) : (tensor<f32>) -> !full
  %h = "test.grad_v"(%l) : (tensor<f32>) -> !full
  %w2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %g : !full, !full) outs(%e : !full) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> !full
  %v2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v, %h : !full, !full) outs(%e : !full) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> !full
  return %l, %w2, %v2 : tensor<f32>, !full, !full
}

// -----

!full = tensor<64x64xf32>
#id = affine_map<(i, j) -> (i, j)>
#none = affine_map<(i, j) -> ()>

// What an op's body reads by itself, wherever it likes, is not written over though it dies with the op; a
// constant that an op updates is copied.
// CHECK-LABEL: func @captured
// CHECK: %[[C:.+]] = arith.constant dense<1.0{{.*}}> : tensor<f32>
// CHECK: %[[Y:.+]] = "test.layer"
// CHECK: %[[E:.+]] = tensor.empty()
// CHECK: linalg.generic {{.*}} ins(%[[Y]] : {{.*}} outs(%[[E]] :
// CHECK: linalg.generic {{.*}} outs(%[[C]] :
func.func @captured(%x: !full) -> (tensor<f32> {abn.role = "loss"}, !full) {
  %c = arith.constant dense<1.0> : tensor<f32>
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : !full
  %y = "test.layer"(%x) : (!full) -> !full
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y : !full) outs(%e : !full) {
  ^bb0(%a: f32, %out: f32):
    %first = tensor.extract %y[%c0, %c0] : !full
    %s = arith.addf %a, %first : f32
    linalg.yield %s : f32
  } -> !full
  %l = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction", "reduction"]} ins(%z : !full) outs(%c : tensor<f32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %out : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %g = "test.grad"(%l) : (tensor<f32>) -> !full
  return %l, %g : tensor<f32>, !full
}

// -----

!full = tensor<8x16x32x32xf32>
!vec = tensor<16xf32>
!weight = tensor<16x16x3x3xf32>

// Where the step inverts, what is written over a convolution's output is computed again with it, here for each
// of the two readers of z1: the in-place op runs again on the new output.
// BUDGET-LABEL: func @in_place
// BUDGET-SAME: arena_bytes = 1{{[0-9]+}} : i64
// BUDGET-SAME: convolutions_recomputed = 2 : i64
// BUDGET-SAME: numerics = "invert"
// BUDGET: "test.loss"
// BUDGET: %[[X:.+]] = dnn.convolution {abn.recompute = 0 : i64,
// BUDGET: %[[Z:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01> {abn.recompute = 1 : i64,
// BUDGET-SAME: outs(%[[X]],
// BUDGET: dnn.convolution_weight_grad {{.*}} ins(%{{.+}}, %[[Z]]#0 :
// BUDGET: %[[Z2:.+]]:3 = abn.inplace_forward #abn.leaky_relu<0.01> {abn.recompute = 3 : i64,
// BUDGET: abn.inplace_backward {{.*}} ins(%[[Z2]]#0 :
// Without a budget neither is: the in-place op has destroyed what it would run on.
// CHECK-LABEL: func @in_place
// CHECK-SAME: convolutions_recomputed = 0 : i64
// CHECK-NOT: abn.recompute =
// CHECK: return
func.func @in_place(%in: !full, %w1: !weight, %w2: !weight, %w3: !weight, %g: !vec, %b: !vec)
    -> (tensor<f32> {abn.role = "loss"}, !weight, !weight, !weight) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %we = tensor.empty() : !weight
  %x1 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%in, %w1 : !full, !weight) outs(%e : !full) -> !full
  %z1, %m1, %v1 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x1, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %x2 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%z1, %w2 : !full, !weight) outs(%e : !full) -> !full
  %z2, %m2, %v2 = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x2, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %x3 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%z2, %w3 : !full, !weight) outs(%e : !full) -> !full
  %loss = "test.loss"(%x3) : (!full) -> tensor<f32>
  %dx3 = "test.loss_grad"(%loss) : (tensor<f32>) -> !full
  %dw3 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx3, %z2 : !full, !full) outs(%we : !weight) -> !weight
  %dz2 = dnn.convolution_input_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx3, %w3 : !full, !weight) outs(%e : !full) -> !full
  %dx2, %dg2, %db2 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%z2 : !full)
      stats(%v2 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz2, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dw2 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %z1 : !full, !full) outs(%we : !weight) -> !weight
  %dz1 = dnn.convolution_input_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %w2 : !full, !weight) outs(%e : !full) -> !full
  %dx1, %dg1, %db1 = abn.inplace_backward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%z1 : !full)
      stats(%v1 : !vec) gamma(%g : !vec) beta(%b : !vec) outs(%dz1, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dw1 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx1, %in : !full, !full) outs(%we : !weight) -> !weight
  return %loss, %dw1, %dw2, %dw3 : tensor<f32>, !weight, !weight, !weight
}
