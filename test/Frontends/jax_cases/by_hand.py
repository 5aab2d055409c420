"""Ops that JAX does not write: TensorFlow's batch norms, CHLO's broadcasts, composites. Checked against numpy in f64."""

import numpy as np
from jax_harness import Case, Input, integers, normal, uniform, values

EPSILON = 1e-3


def written(name, function, text, *inputs, **options):
    return Case(name, function, inputs, text=text, **options)


def graph(types, result, lines, functions=""):
    """A module of one function of the given argument types, in generic form."""
    results = result if isinstance(result, list) else [result]
    arguments = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types))
    return f"""module {{
  func.func @main({arguments}) -> ({", ".join(results)}) {{
    {lines}
  }}
{functions}}}
"""


def scalar_op(op, *types, result=None, attributes=""):
    operands = ", ".join(f"%a{i}" for i in range(len(types)))
    result = result or types[0]
    signature = f"({', '.join(types)}) -> {result}"
    return graph(types, result, f'%0 = "{op}"({operands}) {attributes} : {signature}\n    return %0 : {result}')


def norm_statistics(x):
    return x.mean((0, 1, 2)), x.var((0, 1, 2))


def batch_norm_training(x, scale, offset):
    mean, variance = norm_statistics(x)
    return (x - mean) / np.sqrt(variance + EPSILON) * scale + offset, mean, variance


def batch_norm_inference(x, scale, offset, mean, variance):
    return (x - mean) / np.sqrt(variance + EPSILON) * scale + offset


def batch_norm_grad(x, scale, mean, variance, dy):
    r = 1 / np.sqrt(variance + EPSILON)
    normalized = (x - mean) * r
    dgamma, dbeta = (dy * normalized).sum((0, 1, 2)), dy.sum((0, 1, 2))
    count = x.size / x.shape[-1]
    return scale * r * (dy - dbeta / count - normalized * dgamma / count), dgamma, dbeta


FULL, VECTOR = "tensor<4x3x5x6x{0}>", "tensor<6x{0}>"
ATTRIBUTES = "<{{epsilon = {epsilon} : f32, feature_index = 3 : i64}}>".format(epsilon=EPSILON)


def batch_norm(kind, function, operands, results, *inputs):
    """`operands` and `results` say F for a full tensor and V for a vector."""
    types = [{"F": FULL, "V": VECTOR}[c].format("f64") for c in operands]
    made = [{"F": FULL, "V": VECTOR}[c].format("f64") for c in results]
    count = len(made)
    values = ", ".join(f"%0#{i}" for i in range(count)) if count > 1 else "%0"
    arguments = ", ".join(f"%a{i}" for i in range(len(types)))
    op = f'%0{f":{count}" if count > 1 else ""} = "stablehlo.batch_norm_{kind}"({arguments}) {ATTRIBUTES}'
    signature = f"({', '.join(types)}) -> ({', '.join(made)})"
    lines = f"{op} : {signature}\n    return {values} : {', '.join(made)}"
    # epsilon is an f32 attribute.
    return written(f"batch norm {kind}", function, graph(types, made, lines), *inputs, tolerance=1e-8)


X, V = normal(4, 3, 5, 6, shift=1), normal(6)
BATCH_NORMS = [
    batch_norm("training", batch_norm_training, "FVV", "FVV", X, V, V),
    batch_norm("inference", batch_norm_inference, "FVVVV", "F", X, V, V, V, uniform(0.5, 2, 6)),
    batch_norm("grad", batch_norm_grad, "FVVVF", "FVV", X, V, V, uniform(0.5, 2, 6), X),
]

BROADCASTS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "maximum": np.maximum,
    "minimum": np.minimum, "power": np.power, "remainder": np.fmod, "atan2": np.arctan2,
}  # fmt: skip
BIT_BROADCASTS = {
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "shift_left": np.left_shift,
    "shift_right_arithmetic": np.right_shift, "shift_right_logical": np.right_shift,
}  # fmt: skip


def broadcast(name, function):
    text = scalar_op(f"chlo.broadcast_{name}", "tensor<3x1xf64>", "tensor<4xf64>", result="tensor<3x4xf64>")
    return written(f"broadcast {name}", function, text, uniform(0.5, 2, 3, 1), uniform(0.5, 2, 4))


def broadcast_bits(name, function):
    text = scalar_op(f"chlo.broadcast_{name}", "tensor<3x1xi32>", "tensor<4xi32>", result="tensor<3x4xi32>")
    return written(f"broadcast {name}", function, text, integers(0, 99, 3, 1), integers(0, 9, 4))


CHLO = [
    *[broadcast(name, function) for name, function in BROADCASTS.items()],
    *[broadcast_bits(name, function) for name, function in BIT_BROADCASTS.items()],
    written(
        "broadcast compare",
        np.less,
        scalar_op(
            "chlo.broadcast_compare",
            "tensor<3x1xf64>",
            "tensor<4xf64>",
            result="tensor<3x4xi1>",
            attributes="<{comparison_direction = #chlo<comparison_direction LT>}>",
        ),
        normal(3, 1),
        normal(4),
    ),
    written(
        "chlo constant",
        lambda x: x + 0 * x + np.array([1.0, 2.0]),
        graph(
            ["tensor<2xf64>"],
            "tensor<2xf64>",
            '%0 = "chlo.constant"() <{value = dense<[1.0, 2.0]> : tensor<2xf64>}> : () -> tensor<2xf64>\n'
            '    %1 = "stablehlo.add"(%a0, %0) : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>\n'
            "    return %1 : tensor<2xf64>",
        ),
        normal(2),
    ),
    *[
        written(
            f"chlo {name}",
            function,
            scalar_op(f"chlo.{name}", "tensor<4xf64>", result="tensor<4xi1>"),
            values(1.0, np.inf, -np.inf, np.nan),
        )
        for name, function in {"is_inf": np.isinf, "is_pos_inf": np.isposinf, "is_neg_inf": np.isneginf}.items()
    ],
    written("logistic", lambda x: 1 / (1 + np.exp(-x)), scalar_op("stablehlo.logistic", "tensor<4xf64>"), normal(4)),
    written("chlo tan", np.tan, scalar_op("chlo.tan", "tensor<4xf64>"), normal(4)),
    written("stablehlo real", np.real, scalar_op("stablehlo.real", "tensor<4xf64>"), normal(4)),
]

DOTS = [
    written("dot", np.dot, scalar_op("stablehlo.dot", "tensor<3x4xf64>", "tensor<4x5xf64>", result="tensor<3x5xf64>"),
            normal(3, 4), normal(4, 5)),
    written("dot of vectors", np.dot, scalar_op("stablehlo.dot", "tensor<4xf64>", "tensor<4xf64>", result="tensor<f64>"),
            normal(4), normal(4)),
    written("dot with a vector", np.dot,
            scalar_op("stablehlo.dot", "tensor<3x4xf64>", "tensor<4xf64>", result="tensor<3xf64>"), normal(3, 4), normal(4)),
]  # fmt: skip

CALLS = [
    written(
        "composite",
        np.sin,
        graph(
            ["tensor<4xf64>"],
            "tensor<4xf64>",
            '%0 = "stablehlo.composite"(%a0) <{name = "my.sine", decomposition = @sine}> '
            ": (tensor<4xf64>) -> tensor<4xf64>\n    return %0 : tensor<4xf64>",
            '  func.func private @sine(%x: tensor<4xf64>) -> tensor<4xf64> {\n'
            '    %0 = "stablehlo.sine"(%x) : (tensor<4xf64>) -> tensor<4xf64>\n    return %0 : tensor<4xf64>\n  }\n',
        ),
        normal(4),
    ),
    written(
        "sharding",
        lambda x: x + x,
        graph(
            ["tensor<4xf64>"],
            "tensor<4xf64>",
            '%0 = "stablehlo.custom_call"(%a0) <{call_target_name = "Sharding"}> : (tensor<4xf64>) -> tensor<4xf64>\n'
            '    %1 = "stablehlo.add"(%a0, %0) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>\n'
            "    return %1 : tensor<4xf64>",
        ),
        normal(4),
    ),
    written(
        "window reversal",
        lambda x, w: np.stack([np.convolve(x[0, :, 0], w[:, 0, 0], "valid")])[:, :, None],
        scalar_op(
            "stablehlo.convolution",
            "tensor<1x7x1xf64>",
            "tensor<3x1x1xf64>",
            result="tensor<1x5x1xf64>",
            attributes="<{dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, "
            "batch_group_count = 1 : i64, feature_group_count = 1 : i64, window_reversal = array<i1: true>}>",
        ),
        normal(1, 7, 1),
        normal(3, 1, 1),
    ),
]

def add_windows(x, starts, updates):
    """A window that does not fit is dropped as a whole."""
    out = x.copy()
    for start, update in zip(starts[:, 0], updates):
        if 0 <= start <= len(x) - len(update):
            out[start : start + len(update)] += update
    return out


SCATTER = """module {
  func.func @main(%a0: tensor<6xf64>, %a1: tensor<4x1xi32>, %a2: tensor<4x2xf64>) -> tensor<6xf64> {
    %0 = "stablehlo.scatter"(%a0, %a1, %a2) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1],
        scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
    ^bb0(%x: tensor<f64>, %y: tensor<f64>):
      %1 = "stablehlo.add"(%x, %y) : (tensor<f64>, tensor<f64>) -> tensor<f64>
      "stablehlo.return"(%1) : (tensor<f64>) -> ()
    }) : (tensor<6xf64>, tensor<4x1xi32>, tensor<4x2xf64>) -> tensor<6xf64>
    return %0 : tensor<6xf64>
  }
}
"""

MOVES = [
    written(
        "broadcast out of order",
        lambda x: np.broadcast_to(x.T[:, None, :], (3, 4, 2)),
        scalar_op(
            "stablehlo.broadcast_in_dim",
            "tensor<2x3xf64>",
            result="tensor<3x4x2xf64>",
            attributes="<{broadcast_dimensions = array<i64: 2, 0>}>",
        ),
        normal(2, 3),
    ),
    written(
        "scatter windows past the ends",
        add_windows,
        SCATTER,
        normal(6),
        Input(lambda g: np.array([[-1], [4], [2], [5]], np.int32), False),
        normal(4, 2),
    ),
]

CASES = [*MOVES, *BATCH_NORMS, *CHLO, *DOTS, *CALLS]
