// Pools lower to one reducing generic, their gradients to one that gathers.
// RUN: abn-opt %s -convert-dnn-to-linalg -cse -canonicalize | FileCheck %s
// What is left has no dnn op, and a second run changes nothing.
// RUN: abn-opt %s -convert-dnn-to-linalg -o %t.once
// RUN: abn-opt %t.once -convert-dnn-to-linalg | diff %t.once -
// RUN: not grep "dnn\." %t.once

// CHECK-DAG: #[[$WINDOW:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 2 + d3)>

// Windows that tile the input need neither padding nor a check.
// CHECK-LABEL: func @max_pool
// CHECK-SAME: %[[X:[^:]+]]: tensor<2x3x8xf32>, %[[Y:[^:]+]]: tensor<2x3x4xf32>, %[[I:[^:]+]]: tensor<2x3x4xi64>
// CHECK-NOT: tensor.pad
// CHECK: %[[R:.+]]:2 = linalg.generic {indexing_maps = [#[[$WINDOW]],
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK-NOT: ult
// CHECK: return %[[R]]#0, %[[R]]#1
func.func @max_pool(%x: tensor<2x3x8xf32>, %y0: tensor<2x3x4xf32>, %i0: tensor<2x3x4xi64>)
    -> (tensor<2x3x4xf32>, tensor<2x3x4xi64>) {
  %y, %i = dnn.max_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>, dilations = array<i64: 1>}
      ins(%x : tensor<2x3x8xf32>) outs(%y0, %i0 : tensor<2x3x4xf32>, tensor<2x3x4xi64>)
      -> tensor<2x3x4xf32>, tensor<2x3x4xi64>
  return %y, %i : tensor<2x3x4xf32>, tensor<2x3x4xi64>
}

// ceil_mode: the last window reaches beyond the padding; positions outside are told by their index.
// CHECK-LABEL: func @max_pool_ceil
// CHECK-DAG: arith.constant 0xFF800000 : f32
// CHECK-DAG: tensor.pad %{{.+}} low[0, 0, 1] high[0, 0, 2]
// CHECK: linalg.generic
// CHECK: arith.cmpi ult
func.func @max_pool_ceil(%x: tensor<2x3x8xf32>, %y0: tensor<2x3x5xf32>, %i0: tensor<2x3x5xi64>)
    -> (tensor<2x3x5xf32>, tensor<2x3x5xi64>) {
  %y, %i = dnn.max_pool
      {kernel_size = array<i64: 3>, strides = array<i64: 2>, padding_low = array<i64: 1>,
       padding_high = array<i64: 1>, dilations = array<i64: 1>}
      ins(%x : tensor<2x3x8xf32>) outs(%y0, %i0 : tensor<2x3x5xf32>, tensor<2x3x5xi64>)
      -> tensor<2x3x5xf32>, tensor<2x3x5xi64>
  return %y, %i : tensor<2x3x5xf32>, tensor<2x3x5xi64>
}

// Without a reader of the indices the maxima alone are computed.
// CHECK-LABEL: func @maxima
// CHECK: arith.maximumf
// CHECK-NOT: i64
// CHECK: return
func.func @maxima(%x: tensor<2x3x8xf32>, %y0: tensor<2x3x4xf32>, %i0: tensor<2x3x4xi64>)
    -> tensor<2x3x4xf32> {
  %y, %i = dnn.max_pool
      {kernel_size = array<i64: 2>, strides = array<i64: 2>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>, dilations = array<i64: 1>}
      ins(%x : tensor<2x3x8xf32>) outs(%y0, %i0 : tensor<2x3x4xf32>, tensor<2x3x4xi64>)
      -> tensor<2x3x4xf32>, tensor<2x3x4xi64>
  return %y : tensor<2x3x4xf32>
}

// A position looks at the windows that may cover it: two of three positions each, two apart.
// CHECK-LABEL: func @max_pool_grad
// CHECK-SAME: %[[DY:[^:]+]]: tensor<2x3x4xf32>, %[[I:[^:]+]]: tensor<2x3x4xi64>
// CHECK: tensor.empty() : tensor<2xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK: tensor.extract %[[I]]
// CHECK: tensor.extract %[[DY]]
func.func @max_pool_grad(%dy: tensor<2x3x4xf32>, %i: tensor<2x3x4xi64>, %init: tensor<2x3x8xf32>)
    -> tensor<2x3x8xf32> {
  %dx = dnn.max_pool_grad
      {kernel_size = array<i64: 3>, strides = array<i64: 2>, padding_low = array<i64: 1>,
       padding_high = array<i64: 1>, dilations = array<i64: 1>}
      ins(%dy, %i : tensor<2x3x4xf32>, tensor<2x3x4xi64>) outs(%init : tensor<2x3x8xf32>)
      -> tensor<2x3x8xf32>
  return %dx : tensor<2x3x8xf32>
}

// One window over everything: a loop of one, and no check.
// CHECK-LABEL: func @global_avg_pool_grad
// CHECK: tensor.empty() : tensor<1xf32>
// CHECK-NOT: arith.select
// CHECK: return
func.func @global_avg_pool_grad(%dy: tensor<2x3x1xf32>, %init: tensor<2x3x8xf32>)
    -> tensor<2x3x8xf32> {
  %dx = dnn.avg_pool_grad
      {kernel_size = array<i64: 8>, strides = array<i64: 8>, padding_low = array<i64: 0>,
       padding_high = array<i64: 0>}
      ins(%dy : tensor<2x3x1xf32>) outs(%init : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %dx : tensor<2x3x8xf32>
}

// Every window lies in the padded input: one divisor for all. Sums of bf16 are f32.
// CHECK-LABEL: func @avg_pool_include_pad
// CHECK: %[[NINE:.+]] = arith.constant 9.000000e+00 : f32
// CHECK: %[[SUMS:.+]] = linalg.generic
// CHECK: arith.addf {{.*}} : f32
// CHECK: linalg.generic {{.*}} ins(%[[SUMS]]
// CHECK-NOT: linalg.index
// CHECK: arith.divf %{{.+}}, %[[NINE]]
// CHECK: arith.truncf
func.func @avg_pool_include_pad(%x: tensor<2x3x8x8xbf16>, %y0: tensor<2x3x8x8xbf16>)
    -> tensor<2x3x8x8xbf16> {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 3, 3>, strides = array<i64: 1, 1>, padding_low = array<i64: 1, 1>,
       padding_high = array<i64: 1, 1>, count_include_pad}
      ins(%x : tensor<2x3x8x8xbf16>) outs(%y0 : tensor<2x3x8x8xbf16>) -> tensor<2x3x8x8xbf16>
  return %y : tensor<2x3x8x8xbf16>
}

// Clipped windows count their positions.
// CHECK-LABEL: func @avg_pool_exclude_pad
// CHECK: linalg.index
// CHECK: arith.sitofp
// CHECK: arith.divf
func.func @avg_pool_exclude_pad(%x: tensor<2x3x8xf32>, %y0: tensor<2x3x8xf32>)
    -> tensor<2x3x8xf32> {
  %y = dnn.avg_pool
      {kernel_size = array<i64: 3>, strides = array<i64: 1>, padding_low = array<i64: 1>,
       padding_high = array<i64: 1>}
      ins(%x : tensor<2x3x8xf32>) outs(%y0 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}
