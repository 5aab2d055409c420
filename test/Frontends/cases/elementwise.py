"""Arithmetic, comparisons and conversions, one element at a time."""

import torch
from harness import booleans, case, integers, normal, uniform, values
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
SHAPE = (3, 4)


def unary(name, function, *ops, make=None, **options):
    return case(name, function, make or normal(*SHAPE), ops=ops or (f"{name}.default",), **options)


POSITIVE = uniform(0.2, 3.0, *SHAPE)

UNARY = [
    unary("neg", torch.neg, dtypes=ALL),
    unary("abs", torch.abs),
    unary("exp", torch.exp, dtypes=ALL),
    unary("expm1", torch.expm1),
    unary("log", torch.log, make=POSITIVE),
    unary("log1p", torch.log1p, make=POSITIVE),
    unary("log2", torch.log2, make=POSITIVE),
    unary("sqrt", torch.sqrt, make=POSITIVE, dtypes=ALL),
    unary("rsqrt", torch.rsqrt, make=POSITIVE),
    unary("reciprocal", torch.reciprocal, make=POSITIVE),
    unary("erf", torch.erf),
    unary("sin", torch.sin),
    unary("cos", torch.cos),
    unary("sign", torch.sign),
    unary("floor", torch.floor),
    unary("ceil", torch.ceil),
    unary("round", torch.round, make=uniform(-3, 3, *SHAPE)),
    case("round ties go to even", torch.round, values(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
    unary("trunc", torch.trunc, make=uniform(-3, 3, *SHAPE)),
    unary("square", torch.square, "pow.Tensor_Scalar"),
    unary("tanh", torch.tanh, "tanh.default", "tanh_backward.default"),
    unary("sigmoid", torch.sigmoid, "sigmoid.default", "sigmoid_backward.default"),
    case("isnan", torch.isnan, values(1.0, float("nan"), float("inf"), grad=False)),
    case("isfinite", torch.isfinite, values(1.0, float("nan"), float("-inf"), grad=False)),
    case("logical_not", torch.logical_not, booleans(*SHAPE), ops="logical_not.default"),
    case("bitwise_not", torch.bitwise_not, booleans(*SHAPE), ops="bitwise_not.default"),
    case("bitwise_not of integers", torch.bitwise_not, integers(-5, 5, *SHAPE), ops="bitwise_not.default"),
]

POWERS = [
    case(f"pow {exponent}", lambda x, e=exponent: x.pow(e), uniform(0.2, 3, *SHAPE), ops="pow.Tensor_Scalar")
    for exponent in (0.5, 2, 3, -1, -0.5, 2.7)
]
POWERS += [
    case("pow 2 of negatives", lambda x: x.pow(2), normal(*SHAPE)),
    case("pow 3 of negatives", lambda x: x.pow(3), normal(*SHAPE)),
    case("pow 0", lambda x: x.pow(0), normal(*SHAPE, grad=False)),
    case("pow of a number", lambda x: torch.pow(0.9, x), normal(*SHAPE), ops="pow.Scalar"),
    case("pow of tensors", torch.pow, uniform(0.2, 3, *SHAPE), normal(*SHAPE), ops="pow.Tensor_Tensor"),
]

BINARY = [
    case("add", torch.add, normal(*SHAPE), normal(*SHAPE), ops="add.Tensor", dtypes=ALL),
    case("add alpha", lambda x, y: torch.add(x, y, alpha=-0.3), normal(*SHAPE), normal(*SHAPE), ops="add.Tensor"),
    case("add a number", lambda x: x + 2.5, normal(*SHAPE), ops="add.Tensor", dtypes=ALL),
    case("add an integer", lambda x: x + 2, normal(*SHAPE), ops="add.Tensor"),
    case("add to integers", lambda x: x + 1, integers(-9, 9, *SHAPE), ops="add.Tensor"),
    case("add float to integers", lambda x, y: x + y, integers(-9, 9, *SHAPE), normal(*SHAPE)),
    case("add channels", lambda x, y: x + y[:, None, None], normal(2, 3, 4, 5), normal(3), ops="add.Tensor"),
    case("add ranks", torch.add, normal(4, 1), normal(2, 1, 5), ops="add.Tensor"),
    case("add a scalar tensor", torch.add, normal(*SHAPE), normal(), ops="add.Tensor"),
    case("sub", torch.sub, normal(*SHAPE), normal(4), ops="sub.Tensor", dtypes=ALL),
    case("sub alpha", lambda x, y: torch.sub(x, y, alpha=2), normal(*SHAPE), normal(*SHAPE), ops="sub.Tensor"),
    case("sub from a number", lambda x: 1 - x, normal(*SHAPE), ops="rsub.Scalar"),
    case("rsub", lambda x: torch.rsub(x, 3.0, alpha=2.0), normal(*SHAPE), ops="rsub.Scalar"),
    case("mul", torch.mul, normal(*SHAPE), normal(*SHAPE), ops="mul.Tensor", dtypes=ALL),
    case("mul broadcast", torch.mul, normal(2, 3, 4, 5), normal(1, 3, 1, 1), ops="mul.Tensor"),
    case("mul a number", lambda x: x * -0.7, normal(*SHAPE), ops="mul.Tensor", dtypes=ALL),
    case("mul by a mask", lambda x, m: x * m, normal(*SHAPE), booleans(*SHAPE), ops="mul.Tensor"),
    case("div", torch.div, normal(*SHAPE), uniform(0.5, 2, *SHAPE), ops="div.Tensor", dtypes=ALL),
    case("div by a number", lambda x: x / 3, normal(*SHAPE), ops="div.Tensor"),
    case("div of integers", lambda x: x / 4, integers(-9, 9, *SHAPE), ops="div.Tensor"),
    case("div of a number", lambda x: 2.0 / x, uniform(0.5, 2, *SHAPE)),
    case("div floor", lambda x: torch.div(x, 0.7, rounding_mode="floor"), normal(*SHAPE, grad=False)),
    case("div trunc", lambda x: torch.div(x, 0.7, rounding_mode="trunc"), normal(*SHAPE, grad=False)),
    case("div floor of integers", lambda x: x // 3, integers(-9, 9, *SHAPE)),
    case("div trunc of integers", lambda x: torch.div(x, 3, rounding_mode="trunc"), integers(-9, 9, *SHAPE)),
    case("remainder", lambda x: x % 3, integers(-9, 9, *SHAPE), ops="remainder.Scalar"),
    case("maximum", torch.maximum, normal(*SHAPE), normal(*SHAPE), ops="maximum.default"),
    case("minimum", torch.minimum, normal(*SHAPE), normal(*SHAPE), ops="minimum.default"),
    case(
        "maximum keeps nan",
        torch.maximum,
        values(1.0, float("nan"), 2.0, grad=False),
        values(2.0, 0.0, float("nan"), grad=False),
    ),
    case("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=0.3), *3 * [normal(*SHAPE)], ops="addcmul.default"),
    case(
        "addcdiv",
        lambda x, y, z: torch.addcdiv(x, y, z, value=0.3),
        normal(*SHAPE),
        normal(*SHAPE),
        uniform(0.5, 2, *SHAPE),
        ops="addcdiv.default",
    ),
    case("lerp", lambda x, y: torch.lerp(x, y, 0.3), normal(*SHAPE), normal(*SHAPE), ops="lerp.Scalar"),
    case(
        "lerp beyond the middle", lambda x, y: torch.lerp(x, y, 0.9), normal(*SHAPE), normal(*SHAPE), ops="lerp.Scalar"
    ),
    case("lerp by a tensor", torch.lerp, normal(*SHAPE), normal(*SHAPE), uniform(0, 1, *SHAPE), ops="lerp.Tensor"),
]

CLAMPS = [
    case("clamp", lambda x: x.clamp(-0.5, 0.7), normal(*SHAPE), ops="clamp.default", dtypes=ALL),
    case("clamp below", lambda x: x.clamp(min=0.1), normal(*SHAPE), ops="clamp.default"),
    case("clamp above", lambda x: x.clamp(max=0.1), normal(*SHAPE), ops="clamp.default"),
    case("clamp_min", lambda x: x.clamp_min(0.1), normal(*SHAPE), ops="clamp_min.default"),
    case("clamp_max", lambda x: x.clamp_max(0.1), normal(*SHAPE), ops="clamp_max.default"),
    case("clamp of integers", lambda x: x.clamp(-2, 3), integers(-9, 9, *SHAPE), ops="clamp.default"),
    case("clamp keeps nan", lambda x: x.clamp(0, 1), values(float("nan"), -1.0, 2.0, grad=False)),
]

COMPARISONS = [
    case(name, getattr(torch, name), integers(0, 3, *SHAPE), integers(0, 3, *SHAPE), ops=f"{name}.Tensor")
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
]
COMPARISONS += [
    case(
        f"{name} a number",
        lambda x, name=name: getattr(torch, name)(x, 0.0),
        normal(*SHAPE, grad=False),
        ops=f"{name}.Scalar",
    )
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
]
COMPARISONS += [
    case("logical_and", torch.logical_and, booleans(*SHAPE), booleans(*SHAPE), ops="logical_and.default"),
    case("logical_or", torch.logical_or, booleans(*SHAPE), booleans(*SHAPE), ops="logical_or.default"),
    case("bitwise_and", lambda x, y: x & y, booleans(*SHAPE), booleans(*SHAPE), ops="bitwise_and.Tensor"),
    case("bitwise_or", lambda x, y: x | y, booleans(*SHAPE), booleans(*SHAPE), ops="bitwise_or.Tensor"),
    case("where", torch.where, booleans(*SHAPE), normal(*SHAPE), normal(*SHAPE), ops="where.self", dtypes=ALL),
    case("where broadcast", torch.where, booleans(3, 1), normal(*SHAPE), normal(), ops="where.self"),
    case("where a number", lambda m, x: torch.where(m, x, 0.25), booleans(*SHAPE), normal(*SHAPE)),
    case(
        "masked_fill", lambda x, m: x.masked_fill(m, -2.0), normal(*SHAPE), booleans(*SHAPE), ops="masked_fill.Scalar"
    ),
    case("masked_fill by a tensor", lambda x, m, v: x.masked_fill(m, v), normal(*SHAPE), booleans(4), normal()),
]

CONVERSIONS = [
    case("to f32", lambda x: x.float(), normal(*SHAPE), ops="_to_copy.default", tolerance=1e-6),
    case("to f64 and back", lambda x: x.double().exp().float(), normal(*SHAPE), dtypes=("f32",)),
    case("to integers", lambda x: (x * 3).long(), normal(*SHAPE, grad=False), ops="_to_copy.default"),
    case("to i32", lambda x: x.int(), integers(-9, 9, *SHAPE), ops="_to_copy.default"),
    case("to bool", lambda x: x.bool(), integers(-1, 2, *SHAPE), ops="_to_copy.default"),
    case("integers to float", lambda x: x.double(), integers(-9, 9, *SHAPE), ops="_to_copy.default"),
    case("bool to float", lambda x: x.double(), booleans(*SHAPE), ops="_to_copy.default"),
    case("clone", lambda x: x.clone(), normal(*SHAPE), ops="clone.default"),
]

CREATION = [
    case("ones_like", lambda x: torch.ones_like(x) * x, normal(*SHAPE), ops="ones_like.default"),
    case("zeros_like", lambda x: torch.zeros_like(x) + x, normal(*SHAPE), ops="zeros_like.default"),
    case("full_like", lambda x: torch.full_like(x, 2.5) * x, normal(*SHAPE), ops="full_like.default"),
    case("new_zeros", lambda x: x.new_zeros(2, 3), normal(*SHAPE, grad=False), ops="new_zeros.default"),
    case("new_ones", lambda x: x.new_ones(2, 3), normal(*SHAPE, grad=False), ops="new_ones.default"),
    case("new_full", lambda x: x.new_full((2,), 7.0), normal(*SHAPE, grad=False), ops="new_full.default"),
    case("full", lambda x: torch.full((4,), 0.5, dtype=torch.float64) * x, normal(*SHAPE), ops="full.default"),
    case("zeros", lambda x: torch.zeros(4, dtype=torch.float64) + x, normal(*SHAPE), ops="zeros.default"),
    case("ones", lambda x: torch.ones(4, dtype=torch.float64) + x, normal(*SHAPE), ops="ones.default"),
    case("arange", lambda x: torch.arange(4) + x, normal(*SHAPE), ops="arange.default"),
    case("arange start step", lambda x: torch.arange(1, 9, 2, dtype=torch.float64) + x, normal(*SHAPE)),
    case(
        "scalar_tensor",
        lambda x: x * torch.scalar_tensor(3.0, dtype=torch.float64),
        normal(*SHAPE),
        ops="scalar_tensor.default",
    ),
    case("eye", lambda x: torch.eye(3, 4, dtype=torch.float64) * x, normal(*SHAPE), ops="eye.m"),
    case("new_empty then fill", lambda x: x.new_empty(4).fill_(2.0) * x, normal(*SHAPE), ops="new_empty.default"),
    case("constant", lambda x: x + torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64), normal(*SHAPE)),
    case("empty then fill", lambda x: torch.empty_like(x).fill_(2.0) * x, normal(*SHAPE), ops="fill.Scalar"),
    case("copy", lambda x, y: (x * 1).copy_(y), normal(*SHAPE), normal(4), ops="copy.default"),
]

DROPOUT = [
    case(
        "dropout of nothing",
        lambda x: torch.native_dropout(x, 0.0, True)[0],
        normal(*SHAPE),
        ops="native_dropout.default",
    ),
    case("dropout of everything", lambda x: F.dropout(x, 1.0, True), normal(*SHAPE), ops="native_dropout.default"),
    case("dropout at inference", lambda x: F.dropout(x, 0.5, False) * 2, normal(*SHAPE)),
]

CASES = [*UNARY, *POWERS, *BINARY, *CLAMPS, *COMPARISONS, *CONVERSIONS, *CREATION, *DROPOUT]
