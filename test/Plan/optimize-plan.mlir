// The pipelines as users call them, on a step of two convolutions.
// RUN: abn-opt %s --abn-optimize="numerics=exact" | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: abn-opt %s --abn-optimize | FileCheck %s --check-prefixes=CHECK,DISPATCH
// RUN: abn-opt %s --abn-optimize="gamma-policy=check" | FileCheck %s --check-prefixes=CHECK,INVERT
// RUN: abn-opt %s --abn-optimize="gamma-policy=dispatch,trust" | FileCheck %s --check-prefixes=CHECK,TRUST
// RUN: abn-opt %s --abn-optimize="plan=false" | FileCheck %s --check-prefix=UNPLANNED
// RUN: not abn-opt %s --abn-optimize="numerics=approximate" 2>&1 | FileCheck %s --check-prefix=NUMERICS
// A policy that there is not is refused where none is needed, too.
// RUN: not abn-opt %s --abn-optimize="numerics=exact gamma-policy=dispatch,hope" 2>&1 | FileCheck %s --check-prefix=POLICY
// RUN: not abn-opt %s --abn-optimize="gamma-policy=hope" 2>&1 | FileCheck %s --check-prefix=POLICY
// RUN: not abn-opt %s --abn-optimize="plan=false budget-bytes=1" 2>&1 | FileCheck %s --check-prefix=UNPLANNED-BUDGET --implicit-check-not="see current operation"
// RUN: not abn-opt %s --abn-optimize="plan=false objective=nonsense" 2>&1 | FileCheck %s --check-prefix=UNPLANNED-OBJECTIVE
// RUN: not abn-opt %s --abn-optimize="plan=false alignment=100" 2>&1 | FileCheck %s --check-prefix=ALIGNMENT
// RUN: not abn-opt %s --abn-optimize="numerics=exact gamma-threshold=inf" 2>&1 | FileCheck %s --check-prefix=INFINITE
// RUN: not abn-opt %s --abn-optimize="numerics=exact gamma-threshold=-1" 2>&1 | FileCheck %s --check-prefix=THRESHOLD
// RUN: abn-opt %s --abn-optimize="numerics=exact gamma-policy=dispatch,bn:trust" | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: not abn-opt %s --abn-optimize="numerics=exact budget-bytes=1000" 2>&1 | FileCheck %s --check-prefix=BUDGET
// RUN: abn-opt %s --abn-optimize="numerics=exact" --abn-plan | FileCheck %s --check-prefix=PLACED
// RUN: abn-opt %s --abn-optimize="numerics=exact" --abn-plan="arena=argument outputs=outside alignment=64" \
// RUN:   | FileCheck %s --check-prefix=ARGUMENT
// RUN: abn-opt %s --abn-optimize --abn-plan | FileCheck %s --check-prefix=VERSIONS
// RUN: not abn-opt %s --abn-plan="arena=heap" 2>&1 | FileCheck %s --check-prefix=HEAP
// RUN: not abn-opt %s --abn-plan="outputs=elsewhere" 2>&1 | FileCheck %s --check-prefix=OUTPUTS
// RUN: not abn-opt %s --abn-plan="alignment=100" 2>&1 | FileCheck %s --check-prefix=ALIGNMENT

// A second run leaves the plan, and the versions, as they are.
// RUN: abn-opt %s --abn-optimize -o %t.once
// RUN: abn-opt %s --abn-optimize --abn-optimize=numerics=exact --abn-optimize -o %t.twice
// RUN: diff %t.once %t.twice
// RUN: abn-opt %s --abn-optimize=gamma-policy=check -o %t.once
// RUN: abn-opt %s --abn-optimize=gamma-policy=check --abn-optimize -o %t.twice
// RUN: diff %t.once %t.twice
// RUN: abn-opt %s --abn-optimize=plan=false -o %t.once
// RUN: abn-opt %s --abn-optimize=plan=false --abn-optimize=plan=false -o %t.twice
// RUN: diff %t.once %t.twice
// RUN: abn-opt %s --abn-optimize --abn-plan -o %t.once
// RUN: abn-opt %s --abn-optimize --abn-plan --abn-optimize --abn-plan -o %t.twice
// RUN: diff %t.once %t.twice
// What a plan computes in place, with a clip as activation, is no decomposed batch norm.
// RUN: abn-opt %networks/mobilenet_v2s.mlir --abn-import-aten --abn-optimize=gamma-policy=trust -o %t.once
// RUN: abn-opt %t.once --abn-optimize=gamma-policy=trust -o %t.twice
// RUN: diff %t.once %t.twice
// RUN: abn-opt %s --abn-optimize --abn-optimize --remarks-filter-missed=abn -o /dev/null 2>&1 | FileCheck %s --check-prefix=AGAIN
// RUN: abn-opt %s --abn-optimize --abn-optimize --abn-report-memory=output=- -o /dev/null | FileCheck %s --check-prefix=NORMS
// RUN: not abn-opt %s --abn-optimize --abn-plan --abn-optimize=budget-bytes=14000 -o /dev/null 2>&1 | FileCheck %s --check-prefix=KEPT

// CSE between the two makes one of all empty tensors, and of equal fills: the arena is what it was.
// RUN: abn-opt %s --abn-optimize="gamma-policy=check" --cse --abn-plan | FileCheck %s --check-prefix=CSE
// Results outside are in no bound, and of a step that has nothing else there is no arena.
// RUN: abn-opt %s --abn-optimize="numerics=exact" --abn-plan=outputs=outside --abn-report-memory=output=- -o /dev/null \
// RUN:   | FileCheck %s --check-prefix=OUTSIDE --implicit-check-not=plan_lower_bound_bytes

// The loss is a result of the step, not of the functions that choose between its versions.
// RUN: abn-opt %s --abn-dispatch-gamma --abn-plan-recompute=loss-result=3 --abn-schedule=loss-result=3 \
// RUN:   --abn-plan=loss-result=3 | FileCheck %s --check-prefix=VERSIONS
// RUN: not abn-opt %s --abn-plan=loss-result=4 2>&1 | FileCheck %s --check-prefix=LOSS --implicit-check-not="see current operation"
// RUN: not abn-opt %s --abn-plan=loss-result=4294967298 2>&1 | FileCheck %s --check-prefix=FAR-LOSS
// RUN: not abn-opt %s --abn-optimize=loss-result=9223372036854775807 2>&1 | FileCheck %s --check-prefix=FARTHEST-LOSS
// RUN: not abn-opt %s --abn-plan=loss-result=-5 2>&1 | FileCheck %s --check-prefix=NO-LOSS
// RUN: not abn-opt %s --abn-optimize=loss-result=-5 2>&1 | FileCheck %s --check-prefix=NO-LOSS
// RUN: not abn-opt %s --abn-optimize="numerics=exact loss-result=-5" 2>&1 | FileCheck %s --check-prefix=NO-LOSS
// RUN: not abn-opt %s --abn-optimize="numerics=exact plan=false loss-result=-5" 2>&1 | FileCheck %s --check-prefix=NO-LOSS
// RUN: not abn-opt %s --abn-schedule=loss-result=-5 2>&1 | FileCheck %s --check-prefix=NO-LOSS
// RUN: not abn-opt %s --abn-optimize=loss-result=4 2>&1 | FileCheck %s --check-prefix=LOSS --implicit-check-not="see current operation"

// The network's own values only: nothing is inverted, nothing is in place of a batch norm's input.
// CHECK-LABEL: func.func @step(
// EXACT-SAME: abn.plan = {{.*}}numerics = "exact"
// EXACT-NOT: abn.inplace
// EXACT: abn.batch_norm_grad
// Both: the inverting version and the exact one.
// DISPATCH-SAME: abn.versions = [@step_invert, @step_exact]
// DISPATCH: func.func private @step_invert({{.*}}abn.plan = {{.*}}numerics = "invert"
// DISPATCH: abn.inplace_backward
// DISPATCH: func.func private @step_exact({{.*}}abn.plan = {{.*}}numerics = "exact"
// DISPATCH-NOT: abn.inplace
// One version that checks what it recovers.
// INVERT-SAME: numerics = "invert"
// INVERT: abn.inplace_backward
// INVERT-NOT: gamma_policy
// TRUST-SAME: abn.versions
// TRUST: abn.inplace_backward {{.*}}gamma_policy = #abn.gamma_policy<trust>
// UNPLANNED-LABEL: func.func @step(
// UNPLANNED-NOT: abn.plan
// UNPLANNED: abn.inplace_backward
// NUMERICS: approximate
// BUDGET: error: no plan within the budget of 1000 bytes

// One allocation, results in it, no other.
// PLACED-LABEL: func.func @step(
// PLACED-SAME: arena_bytes = [[BYTES:[0-9]+]] : i64
// PLACED-SAME: plan_lower_bound_bytes
// PLACED: memref.alloc() {abn.arena, alignment = 256 : i64} : memref<[[BYTES]]xi8>
// PLACED-NOT: memref.alloc
// PLACED: return
// ARGUMENT: func.func @step_arena_size() -> index
// ARGUMENT-LABEL: func.func @step(
// ARGUMENT-SAME: %[[ARENA:arg[0-9]+]]: memref<{{[0-9]+}}xi8> {abn.arena})
// ARGUMENT-SAME: alignment = 64 : i64
// ARGUMENT-COUNT-4: memref.alloc()
// ARGUMENT-NOT: memref.alloc()
// VERSIONS-LABEL: func.func @step(
// VERSIONS: memref.alloc() {abn.arena
// VERSIONS: call @step_invert(
// VERSIONS: call @step_exact(
// AGAIN: the step has a plan and is left as it is
// AGAIN: the step has been scheduled and is left as it is
// NORMS: "function": "step"
// NORMS: "batch_norms": 1,
// NORMS: "strategy": "in-place"
// KEPT: error: expected a step without a plan, to plan it within 14000 bytes: it has one, with an arena of {{[0-9]+}}
// CSE: arena_bytes = 14852 : i64
// OUTSIDE: "arena_bytes"
// HEAP: error: expected `alloc` or `argument` for the option `arena`, got `heap`
// OUTPUTS: error: expected `arena` or `outside` for the option `outputs`, got `elsewhere`
// LOSS: optimize-plan.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected the loss among the function's 4 results, got result 4
// FAR-LOSS: error: expected the loss among the function's 4 results, got result 4294967298
// FARTHEST-LOSS: error: expected the loss among the function's 4 results, got result 9223372036854775807
// NO-LOSS: error: expected the number of a result, or -1 for none, for the option `loss-result`, got -5
// UNPLANNED-BUDGET: error: expected no option `budget-bytes` with `plan=false`: nothing is planned
// POLICY: error: expected dispatch, trust, check, clamp, abs or keep as gamma policy, got `hope`
// UNPLANNED-OBJECTIVE: error: expected peak, balanced or time for the option `objective`, got `nonsense`
// INFINITE: error: expected a positive, finite gamma threshold, got INF
// THRESHOLD: error: expected a positive, finite gamma threshold, got -1
// ALIGNMENT: error: expected a power of two for the option `alignment`, got 100
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#rank0 = affine_map<(n, c, h, w) -> ()>
!full = tensor<2x8x8x8xf32>
!vec = tensor<8xf32>
!weight = tensor<8x8x3x3xf32>
func.func @step(%in: !full, %w1: !weight, %w2: !weight, %g: !vec {abn.name = "bn.weight"}, %b: !vec)
    -> (tensor<f32> {abn.role = "loss"}, !weight, !weight, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %we = tensor.empty() : !weight
  %r = tensor.empty() : tensor<f32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %x1 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%in, %w1 : !full, !weight) outs(%e : !full) -> !full
  %y1, %m1, %v1 = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x1 : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%y1 : !full) outs(%e : !full) -> !full
  %x2 = dnn.convolution {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%z1, %w2 : !full, !weight) outs(%e : !full) -> !full
  %init = linalg.fill ins(%zero : f32) outs(%r : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#id, #rank0], iterator_types = ["reduction", "reduction", "reduction", "reduction"]}
      ins(%x2 : !full) outs(%init : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %p = arith.mulf %a, %a : f32
    %q = arith.addf %p, %acc : f32
    linalg.yield %q : f32
  } -> tensor<f32>
  %dx2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x2 : !full) outs(%e : !full) {
  ^bb0(%a: f32, %out: f32):
    %p = arith.addf %a, %a : f32
    linalg.yield %p : f32
  } -> !full
  %dw2 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %z1 : !full, !full) outs(%we : !weight) -> !weight
  %dz1 = dnn.convolution_input_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx2, %w2 : !full, !weight) outs(%e : !full) -> !full
  %dy1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz1, %y1 : !full, !full) outs(%e : !full) -> !full
  %dx1, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%dy1, %x1 : !full, !full)
      stats(%m1, %v1 : !vec, !vec) gamma(%g : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %dw1 = dnn.convolution_weight_grad {strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} ins(%dx1, %in : !full, !full) outs(%we : !weight) -> !weight
  return %loss, %dw1, %dw2, %dg : tensor<f32>, !weight, !weight, !vec
}
