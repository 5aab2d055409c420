// A budget for a step in two versions: both are planned within it, the exact one alone if only that can meet it.
// RUN: abn-opt %s --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=50000 | FileCheck %s --check-prefix=BOTH
// RUN: abn-opt %s --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=40000 \
// RUN:   | FileCheck %s --check-prefix=EXACT --implicit-check-not=step_ --implicit-check-not=@smallest
// RUN: abn-opt %s --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=40000 --remarks-filter-missed=abn \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// What is refused names what the exact version reaches; that budget is met.
// RUN: not abn-opt %s --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=30000 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REFUSED --implicit-check-not=numerics
// RUN: abn-opt %s --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=32772 \
// RUN:   | FileCheck %s --check-prefix=EXACT --implicit-check-not=step_ --implicit-check-not=@smallest
// One version that inverts: the other numerics may reach less.
// RUN: sed 's/attributes {abn.fallback = @step_exact}/attributes {abn.fallback = @none}/' %s \
// RUN:   | not abn-opt --allow-unregistered-dialect --abn-plan-recompute=budget-bytes=40000 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ALONE

// BOTH-LABEL: func.func @step(
// BOTH-SAME: abn.versions = [@step_invert, @step_exact]
// BOTH: func.func private @step_invert({{.*}}budget_bytes = 50000
// BOTH: func.func private @step_exact({{.*}}budget_bytes = 50000
// EXACT: func.func @step(%{{.+}}: tensor<64x64xf32> {abn.role = "data"}, {{.*}}budget_bytes = {{40000|32772}} : i64{{.*}}numerics = "exact"
// EXACT: "test.loss"
// EXACT: func.func @user(
// EXACT: call @step(
// REMARK: remark: {{.*}}the inverting version is dropped: its smallest arena found has 49156 bytes, the exact version meets the budget of 40000 bytes with 32772
// REFUSED: error: no plan within the budget of 30000 bytes: the smallest arena found has 32772 bytes
// REFUSED: note: proved: no plan has less than {{[0-9]+}} bytes
// ALONE: error: no plan within the budget of 40000 bytes: the smallest arena found has 49156 bytes
// ALONE: note: proved:
// ALONE: note: the plans and bounds are of the step that inverts; with `numerics=exact` another arena may be reached
!full = tensor<64x64xf32>
!vec = tensor<64xf32>
func.func @step(%x: !full {abn.role = "data"}, %g: !vec) -> (tensor<f32> {abn.role = "loss"}, !full)
    attributes {abn.versions = [@step_invert, @step_exact]} {
  %large = call @smallest(%g) : (!vec) -> i1
  %l, %d = scf.if %large -> (tensor<f32>, !full) {
    %a:2 = func.call @step_invert(%x, %g) : (!full, !vec) -> (tensor<f32>, !full)
    scf.yield %a#0, %a#1 : tensor<f32>, !full
  } else {
    %a:2 = func.call @step_exact(%x, %g) : (!full, !vec) -> (tensor<f32>, !full)
    scf.yield %a#0, %a#1 : tensor<f32>, !full
  }
  return %l, %d : tensor<f32>, !full
}
func.func private @smallest(%g: !vec) -> i1 {
  %r = "test.is_large"(%g) : (!vec) -> i1
  return %r : i1
}
func.func private @step_invert(%x: !full {abn.role = "data"}, %g: !vec) -> (tensor<f32> {abn.role = "loss"}, !full)
    attributes {abn.fallback = @step_exact} {
  %e = tensor.empty() : !full
  %y = "test.layer"(%x) : (!full) -> !full
  %l = "test.loss"(%y) : (!full) -> tensor<f32>
  %x2 = abn.activation_inverse #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  %d = "test.grad"(%l, %y, %x2) : (tensor<f32>, !full, !full) -> !full
  return %l, %d : tensor<f32>, !full
}
func.func private @step_exact(%x: !full {abn.role = "data"}, %g: !vec) -> (tensor<f32> {abn.role = "loss"}, !full)
    attributes {abn.is_fallback} {
  %y = "test.layer"(%x) : (!full) -> !full
  %l = "test.loss"(%y) : (!full) -> tensor<f32>
  %d = "test.grad"(%l, %y) : (tensor<f32>, !full) -> !full
  return %l, %d : tensor<f32>, !full
}
func.func @user(%x: !full, %g: !vec) -> !full {
  %l, %d = call @step(%x, %g) : (!full, !vec) -> (tensor<f32>, !full)
  return %d : !full
}
