"""A step with two sizes that are known only when it runs, batch and height: planned once, run at pairs of
them. Then the plan with each of its multiplications' constants made smaller in turn, and with each constant
of a sum: abn-verify-plan refuses every one that puts a slot where another is, and what it does not refuse
gives the same bits at several batches.
"""

import ctypes
import re

import numpy as np

import planned_step
from planned_step import LOWER, abn_opt, same_bits
from mlir_exec import Owned, ToolError, compile_module

CONV = "{dilations = array<i64: 1, 1>, padding_high = array<i64: 1, 1>, padding_low = array<i64: 1, 1>, strides = array<i64: 1, 1>}"
STEP = f"""
!image = tensor<?x3x?x16xf32>
!map = tensor<?x8x?x16xf32>
!filter = tensor<8x3x3x3xf32>
!inner = tensor<8x8x3x3xf32>
!c = tensor<8xf32>
#full = affine_map<(n, c, h, w) -> (n, c, h, w)>
#scalar = affine_map<(n, c, h, w) -> ()>
func.func @main(%x: !image {{abn.name = "x"}}, %w1: !filter, %g1: !c, %b1: !c, %w2: !inner, %g2: !c, %b2: !c)
    -> (tensor<f32> {{abn.role = "loss"}}, !filter, !c, !c, !inner, !c, !c) {{
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %n = tensor.dim %x, %c0 : !image
  %h = tensor.dim %x, %c2 : !image
  %e = tensor.empty(%n, %h) : !map
  %ec = tensor.empty() : !c
  %y1 = dnn.convolution {CONV} ins(%x, %w1 : !image, !filter) outs(%e : !map) -> !map
  %h1 = tensor.dim %y1, %c2 : !map
  %e1 = tensor.empty(%n, %h1) : !map
  %t1, %m1, %v1 = abn.batch_norm {{channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}} ins(%y1 : !map)
      gamma(%g1 : !c) beta(%b1 : !c) outs(%e1, %ec, %ec : !map, !c, !c) -> !map, !c, !c
  %z1 = abn.activation #abn.leaky_relu<0.01> ins(%t1 : !map) outs(%e1 : !map) -> !map
  %y2 = dnn.convolution {CONV} ins(%z1, %w2 : !map, !inner) outs(%e1 : !map) -> !map
  %t2, %m2, %v2 = abn.batch_norm {{channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}} ins(%y2 : !map)
      gamma(%g2 : !c) beta(%b2 : !c) outs(%e1, %ec, %ec : !map, !c, !c) -> !map, !c, !c
  %z2 = abn.activation #abn.leaky_relu<0.01> ins(%t2 : !map) outs(%e1 : !map) -> !map
  %es = tensor.empty() : tensor<f32>
  %fill = linalg.fill ins(%zero : f32) outs(%es : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {{indexing_maps = [#full, #scalar], iterator_types = ["reduction", "reduction", "reduction", "reduction"]}}
      ins(%z2 : !map) outs(%fill : tensor<f32>) {{
  ^bb0(%in: f32, %out: f32):
    %s = arith.mulf %in, %in : f32
    %a = arith.addf %out, %s : f32
    linalg.yield %a : f32
  }} -> tensor<f32>
  %dz2 = linalg.generic {{indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}}
      ins(%z2 : !map) outs(%e1 : !map) {{
  ^bb0(%in: f32, %out: f32):
    %s = arith.mulf %in, %two : f32
    linalg.yield %s : f32
  }} -> !map
  %dt2 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz2, %t2 : !map, !map) outs(%e1 : !map) -> !map
  %dy2, %dg2, %db2 = abn.batch_norm_grad {{channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}} ins(%dt2, %y2 : !map, !map)
      stats(%m2, %v2 : !c, !c) gamma(%g2 : !c) outs(%e1, %ec, %ec : !map, !c, !c) -> !map, !c, !c
  %ei = tensor.empty() : !inner
  %dw2 = dnn.convolution_weight_grad {CONV} ins(%dy2, %z1 : !map, !map) outs(%ei : !inner) -> !inner
  %dz1 = dnn.convolution_input_grad {CONV} ins(%dy2, %w2 : !map, !inner) outs(%e1 : !map) -> !map
  %dt1 = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz1, %t1 : !map, !map) outs(%e1 : !map) -> !map
  %dy1, %dg1, %db1 = abn.batch_norm_grad {{channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}} ins(%dt1, %y1 : !map, !map)
      stats(%m1, %v1 : !c, !c) gamma(%g1 : !c) outs(%e1, %ec, %ec : !map, !c, !c) -> !map, !c, !c
  %ew = tensor.empty() : !filter
  %dw1 = dnn.convolution_weight_grad {CONV} ins(%dy1, %x : !map, !image) outs(%ew : !filter) -> !filter
  return %loss, %dw1, %dg1, %db1, %dw2, %dg2, %db2 : tensor<f32>, !filter, !c, !c, !inner, !c, !c
}}
"""
SIZES = [(1, 1), (2, 5), (5, 2), (3, 3), (1, 40), (17, 1), (8, 8)]


def arguments(batch, height):
    random = np.random.default_rng(1)
    make = lambda *shape: random.standard_normal(shape).astype(np.float32)
    return [make(batch, 3, height, 16), make(8, 3, 3, 3), make(8), make(8), make(8, 8, 3, 3), make(8), make(8)]


def run(program, sizes):
    query = program.library._mlir_ciface_main_arena_size
    query.restype, query.argtypes = ctypes.c_int64, [ctypes.c_int64] * 2
    size = query(*sizes)
    arena = np.full(size + 4096, 0x55, np.int8)
    results = program.call("main", [*arguments(*sizes), Owned(arena[:size])])
    assert (arena[size:] == 0x55).all(), f"{sizes}: the step wrote behind its arena"
    return results, size


def is_same(placed, expected):
    program = compile_module(placed, LOWER)
    return all(all(map(same_bits, run(program, sizes)[0], expected[sizes])) for sizes in SIZES)


def faults(placed):
    """The plan with one constant of what offsets are computed from halved, in turn."""
    begin, end = placed.index("func.func @main("), placed.index("linalg.")
    for match in re.finditer(r"(%\w+) = arith.constant (\d+) : index", placed[begin:end]):
        value = int(match[2])
        uses = re.findall(rf"arith\.(?:muli|addi|maxsi)[^\n]*{re.escape(match[1])}\b", placed[begin:end])
        if uses and value >= 256:
            at, to = begin + match.start(2), begin + match.end(2)
            yield f"{match[1]}: {value}", placed[:at] + str(value // 2) + placed[to:]


def main():
    optimized = abn_opt(STEP, ["--abn-optimize=numerics=exact"])
    placed = abn_opt(optimized, ["--abn-plan=arena=argument"])
    assert 'arena_symbols = ["x[0]*x[2]"]' in placed
    plain, program = compile_module(STEP, LOWER), compile_module(placed, LOWER)
    expected = {sizes: plain.call("main", arguments(*sizes)) for sizes in SIZES}
    for sizes in SIZES:
        results, size = run(program, sizes)
        different = [i for i, pair in enumerate(zip(results, expected[sizes])) if not same_bits(*pair)]
        assert not different, f"{sizes}: other bits in results {different}"
        print(f"ok: batch and height {sizes}: the same bits in {size} bytes")

    refused = harmless = 0
    for label, text in faults(placed):
        try:
            abn_opt(text, ["--abn-verify-plan"])
        except ToolError as error:
            assert "(plan_c" in str(error), error
            refused += 1
            continue
        assert is_same(text, expected), f"{label} halved: accepted, and other bits"
        harmless += 1
    print(f"ok: {refused} plans with a smaller constant refused, {harmless} are plans too")
    assert refused >= 5


if __name__ == "__main__":
    main()
