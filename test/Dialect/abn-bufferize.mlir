// z goes into x's buffer and dx into dz's, without a copy; a copy appears exactly where another
// reader of x or dz follows.
// RUN: abn-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize --cse | FileCheck %s

!full = tensor<2x3x4xf32>
!vec = tensor<3xf32>

// CHECK-LABEL: func @forward
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>, %[[G:[^:]+]]: memref<3xf32>, %[[B:[^:]+]]: memref<3xf32>, %[[M:[^:]+]]: memref<3xf32>, %[[V:[^:]+]]: memref<3xf32>)
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: abn.inplace_forward #abn.leaky_relu<0.01> {{.*}} gamma(%[[G]] : memref<3xf32>) beta(%[[B]] : memref<3xf32>) outs(%[[X]], %[[M]], %[[V]] : memref<2x3x4xf32>, memref<3xf32>, memref<3xf32>){{$}}
// CHECK-NOT: memref.copy
// CHECK: return %[[X]], %[[M]], %[[V]]
func.func @forward(%x: !full {bufferization.writable = true}, %g: !vec, %b: !vec,
                   %m0: !vec {bufferization.writable = true},
                   %v0: !vec {bufferization.writable = true}) -> (!full, !vec, !vec) {
  %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01>
      {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} gamma(%g : !vec) beta(%b : !vec)
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  return %z, %m, %v : !full, !vec, !vec
}

// CHECK-LABEL: func @x_is_read_later
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>
// CHECK: %[[COPY:.+]] = memref.alloc() {{.*}} : memref<2x3x4xf32>
// CHECK: memref.copy %[[X]], %[[COPY]]
// CHECK-NOT: memref.copy
// CHECK: abn.inplace_forward {{.*}} outs(%[[COPY]],
// CHECK-NOT: memref.copy
// CHECK: abn.activation #abn.relu ins(%[[X]] :
// CHECK-NOT: memref.copy
// CHECK: return
func.func @x_is_read_later(%x: !full {bufferization.writable = true},
                           %m0: !vec {bufferization.writable = true},
                           %v0: !vec {bufferization.writable = true},
                           %o: !full {bufferization.writable = true}) -> (!full, !full) {
  %z, %m, %v = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %m0, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  %r = abn.activation #abn.relu ins(%x : !full) outs(%o : !full) -> !full
  return %z, %r : !full, !full
}

// The whole chain, forward and backward, on two full-size buffers.
// CHECK-LABEL: func @chain
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>, %[[DZ:[^:]+]]: memref<2x3x4xf32>
// CHECK-NOT: memref<2x3x4xf32>{{$}}
// CHECK-NOT: memref.copy
// CHECK: abn.inplace_forward {{.*}} outs(%[[X]],
// CHECK-NOT: memref.copy
// CHECK: abn.inplace_backward {{.*}} ins(%[[X]] : {{.*}} outs(%[[DZ]],
// CHECK-NOT: memref.copy
// CHECK: return %[[DZ]]
func.func @chain(%x: !full {bufferization.writable = true},
                 %dz: !full {bufferization.writable = true}, %g: !vec, %b: !vec) -> !full {
  %e = tensor.empty() : !vec
  %z, %m, %v = abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      gamma(%g : !vec) beta(%b : !vec)
      outs(%x, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  %dx, %dg, %db = abn.inplace_backward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z : !full) stats(%v : !vec) gamma(%g : !vec) beta(%b : !vec)
      outs(%dz, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %dx : !full
}

// Where only the shape of a destination matters its contents are not copied.
// CHECK-LABEL: func @destination_is_not_read
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>
// CHECK-NOT: memref.copy
// CHECK: %[[NEW:.+]] = memref.alloc() {{.*}} : memref<2x3x4xf32>
// CHECK-NOT: memref.copy
// CHECK: abn.batch_norm {{.*}} ins(%[[X]] : memref<2x3x4xf32>) outs(%[[NEW]],
// CHECK-NOT: memref.copy
// CHECK: return
func.func @destination_is_not_read(%x: !full, %s: !vec) -> (!full, !full) {
  %e = tensor.empty() : !vec
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%x : !full)
      outs(%x, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %y, %x : !full, !full
}

// Two results that nobody reads still get a buffer each.
// CHECK-LABEL: func @unread_results
// CHECK: %[[G:.+]] = memref.alloc()
// CHECK: %[[DG:.+]] = memref.cast %[[G]]
// CHECK: %[[B:.+]] = memref.alloc()
// CHECK: %[[DB:.+]] = memref.cast %[[B]]
// CHECK: abn.inplace_backward {{.*}} outs(%{{[^,]+}}, %[[DG]], %[[DB]] :
func.func @unread_results(%z: !full, %dz: !full {bufferization.writable = true}, %s: tensor<?xf32>) -> !full {
  %c1 = arith.constant 1 : index
  %c3 = tensor.dim %z, %c1 : !full
  %ed = tensor.empty(%c3) : tensor<?xf32>
  %dx, %dg, %db = abn.inplace_backward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%z : !full) stats(%s : tensor<?xf32>)
      outs(%dz, %ed, %ed : !full, tensor<?xf32>, tensor<?xf32>) -> !full, tensor<?xf32>, tensor<?xf32>
  return %dx : !full
}

// An elementwise op may write over its input.
// CHECK-LABEL: func @elementwise
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>, %[[A:[^:]+]]: memref<3xf32>)
// CHECK-NOT: memref.alloc
// CHECK: abn.activation #abn.prelu ins(%[[X]] : memref<2x3x4xf32>) params(%[[A]] : memref<3xf32>) outs(%[[X]] : memref<2x3x4xf32>){{$}}
// CHECK: return %[[X]]
func.func @elementwise(%x: !full {bufferization.writable = true}, %a: !vec) -> !full {
  %z = abn.activation #abn.prelu ins(%x : !full) params(%a : !vec) outs(%x : !full) -> !full
  return %z : !full
}

// A batch norm's gradient reads all of x for its sums before it writes dx element by element: it may too.
// CHECK-LABEL: func @sums_first
// CHECK-SAME: (%[[X:[^:]+]]: memref<2x3x4xf32>, %[[DY:[^:]+]]: memref<2x3x4xf32>
// CHECK-NOT: memref.alloc() {{.*}} : memref<2x3x4xf32>
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]], %[[X]] : {{.*}} outs(%[[X]],
func.func @sums_first(%x: !full {bufferization.writable = true}, %dy: !full, %s: !vec) -> !full {
  %e = tensor.empty() : !vec
  %0:3 = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%dy, %x : !full, !full) stats(%s, %s : !vec, !vec)
      outs(%x, %e, %e : !full, !vec, !vec) -> !full, !vec, !vec
  return %0#0 : !full
}

// One statistic is not the element that the op writes next to it: it may not.
// CHECK-LABEL: func @not_elementwise
// CHECK-SAME: memref<2x3x4xf32>, %[[S:[^:]+]]: memref<3xf32>
// CHECK-COUNT-2: memref.alloc() {{.*}} : memref<3xf32>
// CHECK: abn.batch_norm {{.*}} gamma(%[[S]] : memref<3xf32>) outs(
// CHECK-NOT: %[[S]]
// CHECK: return
func.func @not_elementwise(%x: !full, %s: !vec {bufferization.writable = true}) -> (!full, !vec) {
  %y0 = tensor.empty() : !full
  %v0 = tensor.empty() : !vec
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : !full) gamma(%s : !vec) outs(%y0, %s, %v0 : !full, !vec, !vec) -> !full, !vec, !vec
  return %y, %m : !full, !vec
}

// Every op has a model.
// CHECK-LABEL: func @all
// CHECK-NOT: tensor
// CHECK: return
func.func @all(%x: !full, %s: !vec) {
  %e = tensor.empty() : !full
  %ev = tensor.empty() : !vec
  %0 = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%x : !full) stats(%s, %s : !vec, !vec) outs(%e : !full) -> !full
  %1:3 = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%0, %x : !full, !full) stats(%s, %s : !vec, !vec)
      outs(%e, %ev, %ev : !full, !vec, !vec) -> !full, !vec, !vec
  %2 = abn.activation_grad #abn.silu ins(%1#0, %x : !full, !full) outs(%e : !full) -> !full
  %3 = abn.activation_inverse #abn.tanh ins(%2 : !full) outs(%e : !full) -> !full
  %4 = abn.inplace_inference #abn.relu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      stats(%s, %s : !vec, !vec) outs(%3 : !full) -> !full
  %5:3 = abn.inplace_inference_backward #abn.relu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      ins(%4 : !full) stats(%s : !vec) outs(%x, %ev, %ev : !full, !vec, !vec) -> !full, !vec, !vec
  %6 = abn.recover #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64} ins(%5#0 : !full)
      stats(%s, %s : !vec, !vec) outs(%e : !full) -> !full
  bufferization.materialize_in_destination %6 in %x : (!full, !full) -> !full
  return
}
