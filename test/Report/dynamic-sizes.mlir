// A step with a dynamic batch: all figures of its report are for one batch, the plan's.
// RUN: abn-opt %s --abn-optimize=dynamic-size=16 --abn-plan --abn-report-memory=output=- -o /dev/null \
// RUN:   | FileCheck %s --check-prefixes=CHECK,PLANNED
// RUN: abn-opt %s --abn-optimize="plan=false dynamic-size=16" --abn-report-memory=output=- -o /dev/null | FileCheck %s
// RUN: abn-opt %s --abn-report-memory="output=- dynamic-size=16" -o /dev/null | FileCheck %s
// RUN: abn-opt %s --abn-report-memory=output=- -o /dev/null | FileCheck %s --check-prefix=EIGHT
// RUN: abn-opt %s --abn-optimize="plan=false dynamic-size=4" --abn-report-memory="output=- dynamic-size=16" -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MIXED

// The argument and y, which crosses, have 16 * 256 bytes, or 8 * 256; the loss is not read by the backward.
// CHECK: "argument_bytes": 4096,
// CHECK: "saved_bytes_before": 4096,
// CHECK: "saved_bytes_after": 4096,
// CHECK: "peak_live_bytes_before": 8196,
// PLANNED: "arena_formula": "256*s0 + 256"
// PLANNED: "arena_bytes": 4352,
// CHECK: "dynamic_size": 16
// EIGHT: "argument_bytes": 2048,
// EIGHT: "saved_bytes_after": 2048,
// EIGHT: "dynamic_size": 8
// MIXED: warning: dynamic dimensions count as 4 in what was saved before, as 16 after: give all passes the same `dynamic-size`
#id = affine_map<(i, j) -> (i, j)>
#rank0 = affine_map<(i, j) -> ()>
func.func @step(%x: tensor<?x64xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = linalg.exp ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %r = tensor.empty() : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%r : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#id, #rank0], iterator_types = ["reduction", "reduction"]}
      ins(%y : tensor<?x64xf32>) outs(%init : tensor<f32>) {
  ^bb0(%a: f32, %acc: f32):
    %s = arith.addf %a, %acc : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %dx = linalg.mul ins(%y, %x : tensor<?x64xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %loss, %dx : tensor<f32>, tensor<?x64xf32>
}
