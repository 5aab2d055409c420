// Each op becomes one call; equal descriptors are one global. What is left alone says why, and a second run
// changes nothing.
// RUN: abn-opt %s --split-input-file --convert-dnn-to-calls --remarks-filter-missed=abn -o %t.mlir \
// RUN:   2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK
// RUN: abn-opt %t.mlir --split-input-file --convert-dnn-to-calls | diff %t.mlir -
// RUN: abn-opt %s --split-input-file --convert-dnn-to-calls=elements=f32 | FileCheck %s --check-prefix=F32
// RUN: echo "" | not abn-opt --convert-dnn-to-calls=elements=f32,f8 2>&1 | FileCheck %s --check-prefix=ELEMENT

// ELEMENT: error: expected `elements` from f32, f16 and bf16, got `f8`

// Version, f32, channels first, rank 2, batch, channels, filters, groups; then three entries each for the
// sizes of input, filter and output, strides, paddings and dilations. The gradients have the descriptor of
// their convolution; functions and descriptors stand in the order of their first use.
// CHECK: llvm.func @abnDnnConvolution(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr)
// CHECK-NEXT: memref.global "private" constant @[[CONV:.+]] : memref<29xi64> = dense<[1, 1, 0, 2, 8, 6, 4, 2,
// CHECK-SAME: 9, 8, 1, 3, 2, 1, 5, 4, 1, 2, 2, 1, 1, 0, 0, 1, 1, 0, 1, 2, 1]>
// CHECK-NEXT: llvm.func @abnDnnConvolutionInputGrad(
// CHECK-NEXT: llvm.func @abnDnnConvolutionWeightGrad(
// CHECK-NEXT: func.func @convolution
// CHECK-SAME: (%[[X:[^:]+]]: {{[^,]+}}, %[[W:[^:]+]]: {{[^,]+}}, %[[B:[^:]+]]: {{[^,]+}}, %[[Y:[^:]+]]: memref
// CHECK: %[[D0:.+]] = memref.get_global @[[CONV]] : memref<29xi64>
// CHECK: %[[D1:.+]] = memref.extract_aligned_pointer_as_index %[[D0]]
// CHECK: %[[D2:.+]] = arith.index_cast %[[D1]] : index to i64
// CHECK: %[[D:.+]] = llvm.inttoptr %[[D2]] : i64 to !llvm.ptr
// CHECK: extract_aligned_pointer_as_index %[[X]]
// CHECK: %[[PX:.+]] = llvm.inttoptr
// CHECK: extract_aligned_pointer_as_index %[[W]]
// CHECK: %[[PW:.+]] = llvm.inttoptr
// CHECK: extract_aligned_pointer_as_index %[[B]]
// CHECK: %[[PB:.+]] = llvm.inttoptr
// CHECK: extract_aligned_pointer_as_index %[[Y]]
// CHECK: %[[PY:.+]] = llvm.inttoptr
// CHECK: %[[STREAM:.+]] = llvm.mlir.zero
// CHECK: llvm.call @abnDnnConvolution(%[[D]], %[[PX]], %[[PW]], %[[PB]], %[[PY]], %{{.+}}, %{{.+}}, %[[STREAM]])
// CHECK: memref.get_global @[[CONV]]
// CHECK: llvm.call @abnDnnConvolutionInputGrad(
// CHECK: memref.get_global @[[CONV]]
// CHECK: llvm.call @abnDnnConvolutionWeightGrad(
// CHECK-NOT: dnn.
func.func @convolution(%x: memref<8x6x9x8xf32>, %w: memref<4x3x3x2xf32>, %b: memref<4xf32>,
                       %y: memref<8x4x5x4xf32>) {
  dnn.convolution {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 0>,
                   padding_high = array<i64: 1, 1>, dilations = array<i64: 1, 2>, groups = 2 : i64}
      ins(%x, %w : memref<8x6x9x8xf32>, memref<4x3x3x2xf32>) bias(%b : memref<4xf32>)
      outs(%y : memref<8x4x5x4xf32>)
  dnn.convolution_input_grad
      {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 1>,
       dilations = array<i64: 1, 2>, groups = 2 : i64}
      ins(%y, %w : memref<8x4x5x4xf32>, memref<4x3x3x2xf32>) outs(%x : memref<8x6x9x8xf32>)
  dnn.convolution_weight_grad
      {strides = array<i64: 2, 2>, padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 1>,
       dilations = array<i64: 1, 2>, groups = 2 : i64}
      ins(%y, %x : memref<8x4x5x4xf32>, memref<8x6x9x8xf32>) outs(%w : memref<4x3x3x2xf32>)
  return
}

// -----

// bf16, channels last, rank 1; no bias is a null pointer.
// CHECK-DAG: memref.global "private" constant @{{.+}} : memref<29xi64> = dense<[1, 3, 1, 1, 2, 3, 4, 1, 8, 1, 1, 3, 1, 1, 6, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1]>
// CHECK-LABEL: func.func @channels_last
// CHECK: %[[NULL:.+]] = llvm.mlir.zero : !llvm.ptr
// CHECK: llvm.call @abnDnnConvolution(%{{[^,]+}}, %{{[^,]+}}, %{{[^,]+}}, %[[NULL]], %{{[^,]+}}, %[[NULL]], %{{[^,]+}}, %{{[^,]+}})
// F32-LABEL: func.func @channels_last
// F32: dnn.convolution
func.func @channels_last(%x: memref<2x8x3xbf16>, %w: memref<4x3x3xbf16>, %y: memref<2x6x4xbf16>) {
  dnn.convolution {strides = array<i64: 1>, padding_low = array<i64: 0>, padding_high = array<i64: 0>,
                   dilations = array<i64: 1>, layout = #dnn.layout<channels_last>}
      ins(%x, %w : memref<2x8x3xbf16>, memref<4x3x3xbf16>) outs(%y : memref<2x6x4xbf16>)
  return
}

// -----

// Pools. Behind the channels: count_include_pad and divisor_override.
// CHECK-DAG: memref.global "private" constant @{{.+}} : memref<29xi64> = dense<[1, 1, 0, 2, 2, 3, 0, 0, 8, 6, 1, 3, 2, 1, 4, 3, 1, 2, 2, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1]>
// CHECK-DAG: memref.global "private" constant @{{.+}} : memref<29xi64> = dense<[1, 1, 0, 2, 2, 3, 1, -7, 8, 6, 1, 3, 2, 1, 4, 3, 1, 2, 2, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1]>
// CHECK-LABEL: func.func @pools
// CHECK: llvm.call @abnDnnMaxPool(
// CHECK: llvm.call @abnDnnMaxPoolGrad(
// CHECK: llvm.call @abnDnnAvgPool(
// CHECK: llvm.call @abnDnnAvgPoolGrad(
// CHECK-NOT: dnn.
func.func @pools(%x: memref<2x3x8x6xf32>, %y: memref<2x3x4x3xf32>, %i: memref<2x3x4x3xi64>) {
  dnn.max_pool {kernel_size = array<i64: 3, 2>, strides = array<i64: 2, 2>,
                padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 0>,
                dilations = array<i64: 1, 1>}
      ins(%x : memref<2x3x8x6xf32>) outs(%y, %i : memref<2x3x4x3xf32>, memref<2x3x4x3xi64>)
  dnn.max_pool_grad {kernel_size = array<i64: 3, 2>, strides = array<i64: 2, 2>,
                     padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 0>,
                     dilations = array<i64: 1, 1>}
      ins(%y, %i : memref<2x3x4x3xf32>, memref<2x3x4x3xi64>) outs(%x : memref<2x3x8x6xf32>)
  dnn.avg_pool {kernel_size = array<i64: 3, 2>, strides = array<i64: 2, 2>,
                padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 0>,
                count_include_pad, divisor_override = -7 : i64}
      ins(%x : memref<2x3x8x6xf32>) outs(%y : memref<2x3x4x3xf32>)
  dnn.avg_pool_grad {kernel_size = array<i64: 3, 2>, strides = array<i64: 2, 2>,
                     padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 0>,
                     count_include_pad, divisor_override = -7 : i64}
      ins(%y : memref<2x3x4x3xf32>) outs(%x : memref<2x3x8x6xf32>)
  return
}

// -----

// Behind the channels: mode, coordinates, whether there are scales; behind the sizes their bits.
// CHECK-DAG: memref.global "private" constant @{{.+}} : memref<18xi64> = dense<[1, 2, 0, 1, 2, 3, 1, 2, 0, 4, 1, 1, 7, 1, 1, 0, 0, 0]>
// CHECK-DAG: memref.global "private" constant @{{.+}} : memref<18xi64> = dense<[1, 2, 0, 1, 2, 3, 0, 1, 1, 4, 1, 1, 7, 1, 1, 4602678819172646912, 0, 0]>
// CHECK-LABEL: func.func @resizes
// CHECK: llvm.call @abnDnnResize(
// CHECK: llvm.call @abnDnnResizeGrad(
func.func @resizes(%x: memref<2x3x4xf16>, %y: memref<2x3x7xf16>) {
  dnn.resize {mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<align_corners>}
      ins(%x : memref<2x3x4xf16>) outs(%y : memref<2x3x7xf16>)
  dnn.resize_grad {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<half_pixel>,
                   scales = array<f64: 0.5>}
      ins(%y : memref<2x3x7xf16>) outs(%x : memref<2x3x4xf16>)
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Version, elements of operands and result, accumulate, batch, m, n, k, transposes, leading dimensions, and
// strides between matrices, which one matrix has not. Equal products share a descriptor.
// CHECK: memref.global "private" constant @[[$PLAIN:.+]] : memref<16xi64> = dense<[1, 1, 1, 1, 1, 4, 5, 6, 0, 0, 6, 5, 5, 0, 0, 0]>
// CHECK: memref.global "private" constant @[[$TRANSPOSED:.+]] : memref<16xi64> = dense<[1, 1, 1, 1, 1, 4, 5, 6, 1, 1, 4, 6, 5, 0, 0, 0]>
// CHECK: memref.global "private" constant @[[$WIDENED:.+]] : memref<16xi64> = dense<[1, 2, 1, 1, 1, 4, 5, 6, 0, 1, 6, 6, 5, 0, 0, 0]>
// CHECK-NOT: memref.global
// CHECK-LABEL: func.func @matmuls
// CHECK: memref.get_global @[[$PLAIN]]
// CHECK: llvm.call @abnDnnMatmul(
// CHECK: memref.get_global @[[$TRANSPOSED]]
// CHECK: llvm.call @abnDnnMatmul(
// CHECK: memref.get_global @[[$WIDENED]]
// CHECK: llvm.call @abnDnnMatmul(
// CHECK: memref.get_global @[[$PLAIN]]
// CHECK: llvm.call @abnDnnMatmul(
// CHECK-NOT: linalg
func.func @matmuls(%a: memref<4x6xf32>, %b: memref<6x5xf32>, %at: memref<6x4xf32>, %bt: memref<5x6xf32>,
                   %ah: memref<4x6xf16>, %bh: memref<5x6xf16>, %c: memref<4x5xf32>) {
  linalg.matmul ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>) outs(%c : memref<4x5xf32>)
  linalg.matmul indexing_maps = [#km, #nk, #mn] ins(%at, %bt : memref<6x4xf32>, memref<5x6xf32>)
      outs(%c : memref<4x5xf32>)
  linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%ah, %bh : memref<4x6xf16>, memref<5x6xf16>)
      outs(%c : memref<4x5xf32>)
  linalg.matmul indexing_maps = [#mk, #kn, #mn] ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>)
      outs(%c : memref<4x5xf32>)
  return
}

// -----

#bmk = affine_map<(b, m, n, k) -> (b, m, k)>
#bnk = affine_map<(b, m, n, k) -> (b, n, k)>
#kn = affine_map<(b, m, n, k) -> (k, n)>
#bmn = affine_map<(b, m, n, k) -> (b, m, n)>

// A matrix for the whole batch has stride 0.
// CHECK-DAG: dense<[1, 1, 1, 1, 3, 4, 5, 6, 0, 1, 6, 6, 5, 24, 30, 20]>
// CHECK-DAG: dense<[1, 1, 1, 1, 3, 4, 5, 6, 0, 0, 6, 5, 5, 24, 0, 20]>
// CHECK-LABEL: func.func @batches
// CHECK-COUNT-2: llvm.call @abnDnnMatmul(
func.func @batches(%a: memref<3x4x6xf32>, %b: memref<3x5x6xf32>, %one: memref<6x5xf32>,
                   %c: memref<3x4x5xf32>) {
  linalg.batch_matmul indexing_maps = [#bmk, #bnk, #bmn]
      ins(%a, %b : memref<3x4x6xf32>, memref<3x5x6xf32>) outs(%c : memref<3x4x5xf32>)
  linalg.batch_matmul indexing_maps = [#bmk, #kn, #bmn]
      ins(%a, %one : memref<3x4x6xf32>, memref<6x5xf32>) outs(%c : memref<3x4x5xf32>)
  return
}

// -----

// Contiguous parts of larger buffers: their offset, in bytes, is added to the pointer.
// CHECK-LABEL: func.func @offsets
// CHECK-SAME: (%[[A:[^:]+]]: memref<4x6xf16, strided<[6, 1], offset: 10>>, %[[B:[^:]+]]: {{.+}}, %{{.+}}: memref
// CHECK: %[[AT:.+]] = memref.extract_aligned_pointer_as_index %[[A]]
// CHECK: %[[C10:.+]] = arith.constant 10 : index
// CHECK: %[[C2:.+]] = arith.constant 2 : index
// CHECK: %[[BYTES:.+]] = arith.muli %[[C10]], %[[C2]]
// CHECK: arith.addi %[[AT]], %[[BYTES]]
// CHECK: %[[BASE:.+]], %[[OFFSET:.+]], %{{.+}}:2, %{{.+}}:2 = memref.extract_strided_metadata %[[B]]
// CHECK: arith.muli %[[OFFSET]]
// CHECK: llvm.call @abnDnnMatmul(
func.func @offsets(%a: memref<4x6xf16, strided<[6, 1], offset: 10>>,
                   %b: memref<6x5xf16, strided<[5, 1], offset: ?>>, %c: memref<4x5xf16>) {
  linalg.matmul ins(%a, %b : memref<4x6xf16, strided<[6, 1], offset: 10>>,
                             memref<6x5xf16, strided<[5, 1], offset: ?>>) outs(%c : memref<4x5xf16>)
  return
}

// -----

#m = affine_map<(m, n, k) -> (k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// What the library cannot do stays as it is.
// CHECK-NOT: abnDnn
// CHECK-LABEL: func.func @left_alone
// CHECK-COUNT-2: dnn.resize
// CHECK-COUNT-7: linalg.matmul
// CHECK-NOT: llvm
// REMARK: dnn.resize left alone: the library has no functions for f64
// REMARK: dnn.resize left alone: expected memrefs, got tensor<2x3x4xf32>
// REMARK: linalg.matmul left alone: expected static sizes that are not 0, got memref<?x6xf32>
// REMARK: linalg.matmul left alone: expected static sizes that are not 0, got memref<0x6xf32>
// REMARK: linalg.matmul left alone: expected contiguous memrefs in row-major order, got memref<4x6xf32, strided<[8, 1]>>
// REMARK: linalg.matmul left alone: the library has no functions for i32
// REMARK: linalg.matmul left alone: the library has no functions for f64
// REMARK: linalg.matmul left alone: expected operands of one element type and a result of that or f32
// REMARK: linalg.matmul left alone: expected operands that are at most transposed
func.func @left_alone(
    %x: memref<2x3x4xf64>, %y: memref<2x3x7xf64>, %tx: tensor<2x3x4xf32>, %ty: tensor<2x3x7xf32>,
    %open: memref<?x6xf32>, %openc: memref<?x5xf32>, %none: memref<0x6xf32>, %nonec: memref<0x5xf32>,
    %rows: memref<4x6xf32, strided<[8, 1]>>, %b: memref<6x5xf32>, %c: memref<4x5xf32>,
    %ai: memref<4x6xi32>, %bi: memref<6x5xi32>, %ci: memref<4x5xi32>, %c64: memref<4x5xf64>,
    %a: memref<4x6xf32>, %bh: memref<6x5xf16>, %row: memref<6xf32>) -> tensor<2x3x7xf32> {
  dnn.resize {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%x : memref<2x3x4xf64>) outs(%y : memref<2x3x7xf64>)
  %r = dnn.resize {mode = #dnn.resize_mode<nearest>, coordinates = #dnn.coordinates<half_pixel>}
      ins(%tx : tensor<2x3x4xf32>) outs(%ty : tensor<2x3x7xf32>) -> tensor<2x3x7xf32>
  linalg.matmul ins(%open, %b : memref<?x6xf32>, memref<6x5xf32>) outs(%openc : memref<?x5xf32>)
  linalg.matmul ins(%none, %b : memref<0x6xf32>, memref<6x5xf32>) outs(%nonec : memref<0x5xf32>)
  linalg.matmul ins(%rows, %b : memref<4x6xf32, strided<[8, 1]>>, memref<6x5xf32>)
      outs(%c : memref<4x5xf32>)
  linalg.matmul ins(%ai, %bi : memref<4x6xi32>, memref<6x5xi32>) outs(%ci : memref<4x5xi32>)
  linalg.matmul ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>) outs(%c64 : memref<4x5xf64>)
  linalg.matmul ins(%a, %bh : memref<4x6xf32>, memref<6x5xf16>) outs(%c : memref<4x5xf32>)
  linalg.matmul indexing_maps = [#m, #kn, #mn] ins(%row, %b : memref<6xf32>, memref<6x5xf32>)
      outs(%c : memref<4x5xf32>)
  return %r : tensor<2x3x7xf32>
}

// -----

// Another symbol table, such as a gpu.module, does not see the declarations.
// CHECK-LABEL: module @nested
// CHECK: linalg.matmul
// REMARK: linalg.matmul left alone: expected an op of the module itself, got one in a nested symbol table
module @nested {
  func.func @inner(%a: memref<4x6xf32>, %b: memref<6x5xf32>, %c: memref<4x5xf32>) {
    linalg.matmul ins(%a, %b : memref<4x6xf32>, memref<6x5xf32>) outs(%c : memref<4x5xf32>)
    return
  }
}
func.func @outer() {
  return
}

// -----

// What the op was lent is the call's workspace.
// CHECK-LABEL: func.func @workspace
// CHECK-SAME: %[[ARENA:[^:]+]]: memref<4096xi8>
// CHECK: %[[W:.+]] = memref.view %[[ARENA]]
// CHECK-NOT: abn.scratch
// CHECK: memref.extract_aligned_pointer_as_index %[[W]]
// CHECK: %[[P:.+]] = llvm.inttoptr
// CHECK: %[[BYTES:.+]] = arith.constant 1024 : i64
// CHECK: llvm.call @abnDnnMatmul({{.*}}, %[[P]], %[[BYTES]], %{{.+}})
// CHECK-NOT: abn.scratch
func.func @workspace(%x: memref<8x8xf32>, %y: memref<8x8xf32>, %arena: memref<4096xi8>) {
  %c256 = arith.constant 256 : index
  %w = memref.view %arena[%c256][] : memref<4096xi8> to memref<1024xi8>
  abn.scratch %w : memref<1024xi8>
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
  abn.scratch %w : memref<1024xi8>
  return
}
