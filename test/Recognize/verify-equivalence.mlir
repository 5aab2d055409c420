// Two functions of a module are compared by evaluation; a difference is an error at the second one.
// RUN: abn-opt %s --split-input-file --allow-unregistered-dialect --verify-diagnostics \
// RUN:   --abn-verify-equivalence="before=before after=after" | FileCheck %s
// RUN: not abn-opt %s --split-input-file --allow-unregistered-dialect \
// RUN:   --abn-verify-equivalence="before=before after=after" 2>&1 >/dev/null | FileCheck %s --check-prefix=LOCATED

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// A mean is a sum divided by the count, or a sum of what was divided by it. Nothing is changed.
// CHECK-LABEL: func.func @before
// CHECK: linalg.fill
// CHECK: arith.addf
// CHECK: arith.divf
// CHECK-LABEL: func.func @after
// CHECK: arith.divf
// CHECK: linalg.fill
// CHECK: arith.addf
func.func @before(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.0 : f32
  %e = tensor.empty() : !vec
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %sum = linalg.generic #sum ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%e : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

func.func @after(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.0 : f32
  %e = tensor.empty() : !vec
  %ef = tensor.empty() : !full
  %parts = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !full
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %mean = linalg.generic #sum ins(%parts : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// Bessel's count is another one, if only by one in 96.
func.func @before(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.0 : f32
  %e = tensor.empty() : !vec
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %sum = linalg.generic #sum ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%e : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// expected-error @+1 {{is not equivalent to `before`: result 0 differs by 1.052632e-02 of its largest entry}}
func.func @after(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 95.0 : f32
  %e = tensor.empty() : !vec
  %ef = tensor.empty() : !full
  %parts = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !full
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %mean = linalg.generic #sum ins(%parts : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// So is a count that differs by one in a hundred thousand, but not one that differs by f32's rounding.
func.func @before(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.0 : f32
  %e = tensor.empty() : !vec
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %sum = linalg.generic #sum ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%e : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// expected-error @+1 {{is not equivalent to `before`: result 0 differs by }}
func.func @after(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.002 : f32
  %e = tensor.empty() : !vec
  %ef = tensor.empty() : !full
  %parts = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !full
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %mean = linalg.generic #sum ins(%parts : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// That is within what constants of f32 lose.
func.func @before(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.0 : f32
  %e = tensor.empty() : !vec
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %sum = linalg.generic #sum ins(%x : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  %mean = linalg.generic #each ins(%sum : !vec) outs(%e : !vec) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

func.func @after(%x: !full) -> !vec {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 96.00001 : f32
  %e = tensor.empty() : !vec
  %ef = tensor.empty() : !full
  %parts = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.divf %p, %count : f32
    linalg.yield %t : f32
  } -> !full
  %init = linalg.fill ins(%zero : f32) outs(%e : !vec) -> !vec
  %mean = linalg.generic #sum ins(%parts : !full) outs(%init : !vec) {
  ^bb0(%p: f32, %acc: f32):
    %t = arith.addf %p, %acc : f32
    linalg.yield %t : f32
  } -> !vec
  return %mean : !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// The first op that is not evaluated and reads something else is named, with its location.
// LOCATED: [[#@LINE+15]]:1: error: is not equivalent to `before`: result 1 differs by {{[0-9.e+]+}} of its largest entry; `test.conv` ({{.*}}verify-equivalence.mlir:[[#@LINE+24]]) is the first op that reads something else
func.func @before(%x: !full) -> (!vec, !full) {
  %ef = tensor.empty() : !full
  %one = arith.constant 1.0 : f32
  %y = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.addf %p, %one : f32
    linalg.yield %t : f32
  } -> !full
  %v = "test.reduce"(%x) : (!full) -> !vec
  %z = "test.conv"(%y, %v) : (!full, !vec) -> !full
  return %v, %z : !vec, !full
}

// expected-error @+1 {{`test.conv`}}
func.func @after(%x: !full) -> (!vec, !full) {
  %ef = tensor.empty() : !full
  %one = arith.constant 1.0 : f32
  %y = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.subf %p, %one : f32
    linalg.yield %t : f32
  } -> !full
  %v = "test.reduce"(%x) : (!full) -> !vec
  %z = "test.conv"(%y, %v) : (!full, !vec) -> !full
  return %v, %z : !vec, !full
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// Ops that are not evaluated give the same if they read the same, whatever they are.
func.func @before(%x: !full) -> (!vec, !full) {
  %ef = tensor.empty() : !full
  %one = arith.constant 1.0 : f32
  %y = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.addf %p, %one : f32
    linalg.yield %t : f32
  } -> !full
  %v = "test.reduce"(%x) : (!full) -> !vec
  %z = "test.conv"(%y, %v) : (!full, !vec) -> !full
  return %v, %z : !vec, !full
}

func.func @after(%x: !full) -> (!vec, !full) {
  %ef = tensor.empty() : !full
  %one = arith.constant 1.0 : f32
  %y = linalg.generic #two ins(%x : !full) outs(%ef : !full) {
  ^bb0(%p: f32, %out: f32):
    %t = arith.addf %one, %p : f32
    linalg.yield %t : f32
  } -> !full
  %v = "test.reduce"(%x) : (!full) -> !vec
  %z = "test.conv"(%y, %v) : (!full, !vec) -> !full
  return %v, %z : !vec, !full
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// An in-place op is a batch norm and an activation.
func.func @before(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  return %z, %m, %v : !full, !vec, !vec
}

func.func @after(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %s = tensor.empty() : !vec
  %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %z, %m, %v : !full, !vec, !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// Another epsilon is seen beside small variances.
func.func @before(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-3 : f64, channel_dim = 3 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%e : !full) -> !full
  return %z, %m, %v : !full, !vec, !vec
}

// expected-error @+1 {{is not equivalent to `before`: result 0}}
func.func @after(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %s = tensor.empty() : !vec
  %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %z, %m, %v : !full, !vec, !vec
}

// -----

!full = tensor<2x8x6x4xf32>
!vec = tensor<4xf32>
#id = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>
#vec = affine_map<(c) -> (c)>
#two = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#sum = {indexing_maps = [#id, #channel], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
#each = {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}

// And another slope.
func.func @before(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %e = tensor.empty() : !full
  %s = tensor.empty() : !vec
  %y, %m, %v = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64} ins(%x : !full)
      gamma(%g : !vec) beta(%b : !vec) outs(%e, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  %z = abn.activation #abn.leaky_relu<0.02> ins(%y : !full) outs(%e : !full) -> !full
  return %z, %m, %v : !full, !vec, !vec
}

// expected-error @+1 {{is not equivalent to `before`: result 0}}
func.func @after(%x: !full, %g: !vec, %b: !vec) -> (!full, !vec, !vec) {
  %s = tensor.empty() : !vec
  %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64}
      gamma(%g : !vec) beta(%b : !vec) outs(%x, %s, %s : !full, !vec, !vec) -> !full, !vec, !vec
  return %z, %m, %v : !full, !vec, !vec
}

// -----

// Both functions must be there.
// expected-error @+1 {{expected a function `after` of one block}}
module {
  func.func @before(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

// A declaration has nothing to compare.
// expected-error @+1 {{expected a function `before` of one block}}
module {
  func.func private @before(%x: tensor<4xf32>) -> tensor<4xf32>
  func.func @after(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

// Nor has control flow an order.
// expected-error @+1 {{expected a function `before` of one block}}
module {
  func.func @before(%x: tensor<4xf32>) -> tensor<4xf32> {
    cf.br ^bb1
  ^bb1:
    return %x : tensor<4xf32>
  }
  func.func @after(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

// The types must be the same.
func.func @before(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// expected-error @+1 {{expected the type of `before`, '(tensor<4xf32>) -> tensor<4xf32>', got '(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>'}}
func.func @after(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// Two arguments of a type are not the same.
func.func @before(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// expected-error @+1 {{is not equivalent to `before`: result 0 differs by}}
func.func @after(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  return %y : tensor<4xf32>
}
