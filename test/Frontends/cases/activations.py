"""Every activation with its derivative, kinks and tails included."""

import torch
from harness import case, normal, values
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
X = normal(3, 5, scale=2.0)
# Exactly at the kinks, and where the exponential is nothing or everything.
SPECIAL = values(-100.0, -20.0, -6.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 20.0, 100.0)


def activation(name, function, *ops, tolerance=None):
    return [
        case(name, function, X, ops=ops, dtypes=ALL, tolerance=tolerance),
        case(f"{name} at its special points", function, SPECIAL, dtypes=("f64", "f32"), tolerance=tolerance),
    ]


def pair(name):
    return f"{name}.default", f"{name}_backward.default"


CASES = [
    *activation("relu", F.relu, "relu.default", "threshold_backward.default"),
    *activation("relu6", F.relu6, *pair("hardtanh")),
    *activation("hardtanh", lambda x: F.hardtanh(x, -0.5, 0.7), *pair("hardtanh")),
    *activation("threshold", lambda x: F.threshold(x, 0.3, -7.0)),
    *activation("leaky_relu", F.leaky_relu, *pair("leaky_relu")),
    *activation("leaky_relu 0.2", lambda x: F.leaky_relu(x, 0.2), *pair("leaky_relu")),
    *activation("leaky_relu in place", lambda x: F.leaky_relu_(x * 1, 0.2), *pair("leaky_relu")),
    *activation("elu", F.elu, *pair("elu")),
    *activation("elu 0.5", lambda x: F.elu(x, 0.5), *pair("elu")),
    *activation("elu in place", lambda x: F.elu_(x * 1, 0.5), *pair("elu")),
    *activation("celu", lambda x: F.celu(x, 0.7)),
    *activation("selu", F.selu),
    *activation("softplus", F.softplus, *pair("softplus")),
    *activation("softplus 2", lambda x: F.softplus(x, 2.0, 3.0), *pair("softplus")),
    *activation("sigmoid", torch.sigmoid, *pair("sigmoid")),
    *activation("tanh", torch.tanh, *pair("tanh")),
    *activation("silu", F.silu, "silu.default"),
    *activation("gelu", F.gelu, *pair("gelu")),
    *activation("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), *pair("gelu")),
    *activation("mish", F.mish, "mish.default"),
    *activation("hardswish", F.hardswish, *pair("hardswish")),
    # PyTorch's kernel takes a sixth in f32, whatever the type.
    *activation("hardsigmoid", F.hardsigmoid, *pair("hardsigmoid"), tolerance=1e-7),
    *activation("logsigmoid", F.logsigmoid),
    *activation("softsign", F.softsign),
    *activation("hardshrink", F.hardshrink),
    *activation("softshrink", F.softshrink),
    *activation("tanhshrink", F.tanhshrink),
    case("prelu", F.prelu, normal(2, 3, 4), normal(3), dtypes=ALL),
    case("prelu with one slope", F.prelu, normal(2, 3, 4), normal(1)),
    case("glu", lambda x: F.glu(x, 1), normal(2, 4, 3)),
    case("relu of a sum", lambda x, y: F.relu(x + y), X, X),
]
