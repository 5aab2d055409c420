"""Batch norm in all its modes, and the norms that must not be taken for it."""

import torch
from harness import Input, case, normal, uniform
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
X = normal(4, 3, 5, 6)
MEAN, VARIANCE = normal(3, grad=False), uniform(0.5, 2, 3, grad=False)
GAMMA, BETA = normal(3), normal(3)


TRAIN = "_native_batch_norm_legit_functional.default"
BACKWARD = "native_batch_norm_backward.default"


def train(x, mean, variance, gamma, beta):
    return F.batch_norm(x, mean, variance, gamma, beta, training=True, momentum=0.1, eps=1e-5)


def counted(x, mean, variance, gamma, beta, count):
    """nn.BatchNorm2d as it is: the count of batches is updated too."""
    count.add_(1)
    return train(x, mean, variance, gamma, beta)


BATCH_NORM = [
    case("batch norm", train, X, MEAN, VARIANCE, GAMMA, BETA, ops=(TRAIN, BACKWARD), dtypes=ALL),
    case(
        "batch norm counts",
        counted,
        X,
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        Input(lambda g: torch.tensor(7)),
        ops=(TRAIN, "add.Tensor"),
    ),
    case("batch norm of rows", train, normal(6, 3), MEAN, VARIANCE, GAMMA, BETA, ops=(TRAIN, BACKWARD)),
    case("batch norm 1d", train, normal(4, 3, 5), MEAN, VARIANCE, GAMMA, BETA, ops=(TRAIN, BACKWARD)),
    case("batch norm 3d", train, normal(2, 3, 2, 3, 2), MEAN, VARIANCE, GAMMA, BETA, ops=(TRAIN, BACKWARD)),
    # Of two numbers the normalised ones are near +1 and -1 whatever they were: the gradient is a small difference.
    case(
        "batch norm of two positions",
        train,
        normal(2, 3, 1, 1),
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        ops=(TRAIN, BACKWARD),
        tolerance=1e-9,
    ),
    case(
        "batch norm without parameters",
        lambda x, m, v: F.batch_norm(x, m, v, training=True),
        X,
        MEAN,
        VARIANCE,
        ops=(TRAIN, BACKWARD),
    ),
    case(
        "batch norm momentum and epsilon",
        lambda x, m, v, g, b: F.batch_norm(x, m, v, g, b, training=True, momentum=0.7, eps=0.1),
        X,
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        ops=(TRAIN, BACKWARD),
    ),
    case(
        "batch norm without running statistics",
        lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True),
        X,
        GAMMA,
        BETA,
        ops=("_native_batch_norm_legit.no_stats", BACKWARD),
    ),
    case(
        "batch norm of weights",
        lambda w, g: F.batch_norm(w.view(1, 5, -1), None, None, g, None, training=True),
        normal(5, 3, 3, 3),
        normal(5),
        ops=("_native_batch_norm_legit.no_stats", BACKWARD),
    ),
    case(
        "batch norm data gradient only",
        train,
        X,
        MEAN,
        VARIANCE,
        normal(3, grad=False),
        normal(3, grad=False),
        ops=(TRAIN, BACKWARD),
    ),
    case(
        "batch norm parameter gradients only",
        train,
        normal(4, 3, 5, 6, grad=False),
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        ops=(TRAIN, BACKWARD),
    ),
    case(
        "frozen batch norm",
        lambda x, m, v, g, b: F.batch_norm(x, m, v, g, b, training=False),
        X,
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        ops=BACKWARD,
        dtypes=ALL,
    ),
    case(
        "frozen batch norm without parameters",
        lambda x, m, v: F.batch_norm(x, m, v, training=False),
        X,
        MEAN,
        VARIANCE,
    ),
    case(
        "batch norm at inference",
        lambda x, m, v, g, b: F.batch_norm(x, m, v, g, b, training=False),
        *(normal(4, 3, 5, 6, grad=False), MEAN, VARIANCE, normal(3, grad=False), normal(3, grad=False)),
    ),
    case(
        "batch norm, a far mean",
        train,
        normal(4, 3, 5, 6, shift=100.0),
        MEAN,
        VARIANCE,
        GAMMA,
        BETA,
        dtypes=("f64", "f32"),
    ),
]

OTHERS = [
    case("instance norm", lambda x, g, b: F.instance_norm(x, weight=g, bias=b), X, GAMMA, BETA),
    case("instance norm without parameters", F.instance_norm, X),
    case(
        "group norm",
        lambda x, g, b: F.group_norm(x, 2, g, b),
        normal(2, 4, 3, 5),
        normal(4),
        normal(4),
        ops=("native_group_norm.default", "native_group_norm_backward.default"),
        dtypes=ALL,
    ),
    case(
        "group norm without parameters",
        lambda x: F.group_norm(x, 2),
        normal(2, 4, 3, 5),
        ops="native_group_norm.default",
    ),
    case("group norm of one group", lambda x, g, b: F.group_norm(x, 1, g, b), normal(2, 4, 3, 5), normal(4), normal(4)),
    case(
        "layer norm",
        lambda x, g, b: F.layer_norm(x, (6,), g, b),
        normal(2, 3, 6),
        normal(6),
        normal(6),
        ops=("native_layer_norm.default", "native_layer_norm_backward.default"),
        dtypes=ALL,
    ),
    case(
        "layer norm of two dimensions",
        lambda x, g, b: F.layer_norm(x, (3, 6), g, b),
        normal(2, 3, 6),
        normal(3, 6),
        normal(3, 6),
    ),
    case(
        "layer norm without parameters",
        lambda x: F.layer_norm(x, (6,)),
        normal(2, 3, 6),
        ops="native_layer_norm.default",
    ),
    case(
        "layer norm of channels",
        lambda x, g, b: F.layer_norm(x.permute(0, 2, 3, 1), (3,), g, b).permute(0, 3, 1, 2),
        X,
        GAMMA,
        BETA,
    ),
    case("local response norm", lambda x: F.local_response_norm(x, 3), X),
]

CASES = [*BATCH_NORM, *OTHERS]
