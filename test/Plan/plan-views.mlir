// Views as the planner counts them and as they are bufferized: the arena is what was planned.
// RUN: abn-opt %s --split-input-file --abn-optimize="numerics=exact recognize=false" --abn-plan | FileCheck %s

#i = affine_map<(i) -> (i)>
#s = affine_map<(i) -> ()>

// A part of each row is not contiguous: to collapse it copies it, 512 bytes beside the 1024 of the whole.
// CHECK-LABEL: func @columns
// CHECK-SAME: arena_bytes = 1540 : i64, {{.*}}curve = array<i64: 1540,
func.func @columns(%x: tensor<16x16xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %t = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %part = tensor.extract_slice %t[0, 2] [16, 8] [1, 1] : tensor<16x16xf32> to tensor<16x8xf32>
  %row = tensor.collapse_shape %part [[0, 1]] : tensor<16x8xf32> into tensor<128xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#i, #s], iterator_types = ["reduction"]}
      ins(%row : tensor<128xf32>) outs(%f0 : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %loss, %t : tensor<f32>, tensor<16x16xf32>
}

// -----

#i = affine_map<(i) -> (i)>
#s = affine_map<(i) -> ()>

// Nor does it become so by a view between.
// CHECK-LABEL: func @expanded_columns
// CHECK-SAME: arena_bytes = 1540 : i64, {{.*}}curve = array<i64: 1540,
func.func @expanded_columns(%x: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %t = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %part = tensor.extract_slice %t[0, 2] [16, 8] [1, 1] : tensor<16x16xf32> to tensor<16x8xf32>
  %split = tensor.expand_shape %part [[0, 1], [2]] output_shape [4, 4, 8]
      : tensor<16x8xf32> into tensor<4x4x8xf32>
  %row = tensor.collapse_shape %split [[0, 1, 2]] : tensor<4x4x8xf32> into tensor<128xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#i, #s], iterator_types = ["reduction"]}
      ins(%row : tensor<128xf32>) outs(%f0 : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %loss, %t : tensor<f32>, tensor<16x16xf32>
}

// -----

#i = affine_map<(i) -> (i)>
#s = affine_map<(i) -> ()>

// A reshape takes only what is contiguous from the beginning of its buffer.
// CHECK-LABEL: func @reshaped_columns
// CHECK-SAME: arena_bytes = 1540 : i64, {{.*}}curve = array<i64: 1540,
func.func @reshaped_columns(%x: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %shape = arith.constant dense<128> : tensor<1xi32>
  %e = tensor.empty() : tensor<16x16xf32>
  %t = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %part = tensor.extract_slice %t[0, 2] [16, 8] [1, 1] : tensor<16x16xf32> to tensor<16x8xf32>
  %row = tensor.reshape %part(%shape) : (tensor<16x8xf32>, tensor<1xi32>) -> tensor<128xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#i, #s], iterator_types = ["reduction"]}
      ins(%row : tensor<128xf32>) outs(%f0 : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %loss, %t : tensor<f32>, tensor<16x16xf32>
}

// -----

#i = affine_map<(i) -> (i)>
#s = affine_map<(i) -> ()>

// Whole rows are contiguous, wherever they begin: a view.
// CHECK-LABEL: func @rows
// CHECK-SAME: arena_bytes = 1028 : i64, {{.*}}curve = array<i64: 1028,
func.func @rows(%x: tensor<16x16xf32>) -> (tensor<f32> {abn.role = "loss"}, tensor<16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %t = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %part = tensor.extract_slice %t[2, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %row = tensor.collapse_shape %part [[0, 1]] : tensor<8x16xf32> into tensor<128xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {indexing_maps = [#i, #s], iterator_types = ["reduction"]}
      ins(%row : tensor<128xf32>) outs(%f0 : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %loss, %t : tensor<f32>, tensor<16x16xf32>
}

// -----

// A part that is returned is a tensor of its own, for the caller knows of no larger one: one copy, that is
// planned, so that the whole dies with it and does not live with %late.
// CHECK-LABEL: func @returned_rows
// CHECK-SAME: arena_bytes = 1540 : i64, {{.*}}curve = array<i64: 1540,
// CHECK: memref.copy
// CHECK-NOT: memref.copy
func.func @returned_rows(%x: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<8x16xf32>, tensor<8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %t = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %part = tensor.extract_slice %t[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %e1 = tensor.empty() : tensor<16x16xf32>
  %late = linalg.exp ins(%x : tensor<16x16xf32>) outs(%e1 : tensor<16x16xf32>) -> tensor<16x16xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%late : tensor<16x16xf32>) outs(%f0 : tensor<f32>)
      dimensions = [0, 1]
  return %loss, %part, %part : tensor<f32>, tensor<8x16xf32>, tensor<8x16xf32>
}

// -----

// Of an argument too, and of what is one of two arguments; what begins where the buffer does and is in a
// row is returned as it is.
// CHECK-LABEL: func @returned_parts
// CHECK-SAME: arena_bytes = 1284 : i64, {{.*}}curve = array<i64: 1284,
// CHECK-COUNT-3: memref.copy
// CHECK-NOT: memref.copy
func.func @returned_parts(%x: tensor<16x16xf32>, %y: tensor<16x16xf32>)
    -> (tensor<f32> {abn.role = "loss"}, tensor<8x16xf32>, tensor<8x16xf32>, tensor<16x1xf32>,
        tensor<8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%x : tensor<16x16xf32>) outs(%f0 : tensor<f32>)
      dimensions = [0, 1]
  %l = tensor.extract %loss[] : tensor<f32>
  %c = arith.cmpf ogt, %l, %zero : f32
  %z = arith.select %c, %x, %y : tensor<16x16xf32>
  %first = tensor.extract_slice %x[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %second = tensor.extract_slice %z[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %third = tensor.extract_slice %x[0, 0] [16, 1] [1, 1] : tensor<16x16xf32> to tensor<16x1xf32>
  %same = tensor.extract_slice %x[0, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  return %loss, %first, %second, %third, %same
      : tensor<f32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<16x1xf32>, tensor<8x16xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
!t = tensor<16x16xf32>
!r = tensor<1x16xf32>

// Of %b only a row is updated: in place it would keep all of %b. Of %x, which the caller gave up, it is.
// CHECK-LABEL: func @updated_row
// CHECK-SAME: arena_bytes = 1284 : i64, {{.*}}curve = array<i64: 1284,
// CHECK: memref.copy
// CHECK-NOT: memref.copy
func.func @updated_row(%x: !t {abn.donated}, %y: !t)
    -> (tensor<f32> {abn.role = "loss"}, !r, !r) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !t
  %er = tensor.empty() : !r
  %b = linalg.exp ins(%y : !t) outs(%e : !t) -> !t
  %row = tensor.extract_slice %b[5, 0] [1, 16] [1, 1] : !t to !r
  %t = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%row : !r) {
  ^bb0(%o: f32):
    %r = arith.mulf %o, %o : f32
    linalg.yield %r : f32
  } -> !r
  %c = linalg.tanh ins(%y : !t) outs(%e : !t) -> !t
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%c : !t) outs(%f0 : tensor<f32>) dimensions = [0, 1]
  %u = linalg.exp ins(%t : !r) outs(%er : !r) -> !r
  return %loss, %t, %u : tensor<f32>, !r, !r
}

// -----

!t = tensor<16x16xf32>
!h = tensor<8x16xf32>

// Which rows, only the running step knows; that they are rows of the buffer, the remainder says. They are
// read in place, and written back.
// CHECK-LABEL: func @some_rows
// CHECK-SAME: arena_bytes = 1540 : i64, {{.*}}curve = array<i64: 1540,
// CHECK: linalg.tanh ins(%[[ROWS:.+]] : {{.*}}) outs(%[[U:.+]] :
// CHECK: memref.copy %[[U]], %{{.+}} : memref<8x16xf32> to memref<8x16xf32, strided<[16, 1], offset: ?>>
// CHECK-NOT: memref.copy
func.func @some_rows(%x: !t, %at: i32) -> (tensor<f32> {abn.role = "loss"}, !h, !t) {
  %zero = arith.constant 0.0 : f32
  %c8 = arith.constant 8 : index
  %any = arith.index_cast %at : i32 to index
  %i = arith.remui %any, %c8 : index
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.reduce {arith.addf} ins(%x : !t) outs(%f0 : tensor<f32>) dimensions = [0, 1]
  %e = tensor.empty() : !t
  %w = linalg.exp ins(%x : !t) outs(%e : !t) -> !t
  %rows = tensor.extract_slice %w[%i, 0] [8, 16] [1, 1] : !t to !h
  %eh = tensor.empty() : !h
  %u = linalg.tanh ins(%rows : !h) outs(%eh : !h) -> !h
  %v = tensor.insert_slice %u into %w[%i, 0] [8, 16] [1, 1] : !h into !t
  return %loss, %u, %v : tensor<f32>, !h, !t
}
