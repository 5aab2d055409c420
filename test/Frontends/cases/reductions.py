"""Sums, means, extrema, norms, softmax, and products of matrices."""

import torch
from harness import booleans, case, integers, normal, uniform
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
X = normal(2, 3, 4, 5)

SUMS = [
    case("sum", lambda x: x.sum(), X, ops="sum.default", dtypes=ALL),
    case("sum dims", lambda x: x.sum((0, 2, 3)), X, ops="sum.dim_IntList", dtypes=ALL),
    case("sum keepdim", lambda x: x.sum((1, -1), keepdim=True), X, ops="sum.dim_IntList"),
    case("sum of a scalar", lambda x: x.sum(), normal()),
    case("sum of integers", lambda x: x.sum(1), integers(-9, 9, 3, 4), ops="sum.dim_IntList"),
    case("sum of a mask", lambda x: x.sum(), booleans(3, 4), ops="sum.default"),
    case("sum to f64", lambda x: x.sum(1, dtype=torch.float64), normal(3, 4), dtypes=("f32",)),
    case("mean", lambda x: x.mean(), X, ops="mean.default", dtypes=ALL),
    case("mean dims", lambda x: x.mean((2, 3)), X, ops="mean.dim", dtypes=ALL),
    case("mean keepdim", lambda x: x.mean((-1, -2), keepdim=True), X, ops="mean.dim"),
    case("global pooling", lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), X),
    case(
        "global pooling of a channels last map",
        lambda x: F.adaptive_avg_pool2d(x.contiguous(memory_format=torch.channels_last), 1).flatten(1),
        X,
    ),
    case("prod", lambda x: x.prod(), uniform(0.5, 2, 3), ops="prod.default"),
    case("cumsum", lambda x: x.cumsum(1), X, ops="cumsum.default"),
    case("cumsum of integers", lambda x: x.cumsum(-1), integers(-9, 9, 3, 4), ops="cumsum.default"),
    case("var", lambda x: x.var((2, 3)), X, ops="var.correction"),
    case("var biased", lambda x: x.var(1, unbiased=False, keepdim=True), X, ops="var.correction"),
    case("std", lambda x: x.std((2, 3)), X),
    case("var_mean", lambda x: torch.var_mean(x, (0, 2, 3), unbiased=False), X, ops="var_mean.correction"),
]

EXTREMA = [
    case("amax", lambda x: x.amax((2, 3)), X, ops="amax.default"),
    case("amin", lambda x: x.amin(1, keepdim=True), X, ops="amin.default"),
    case("max", lambda x: x.max(), X, ops="max.default"),
    case("min", lambda x: x.min(), X, ops="min.default"),
    case("max along a dimension", lambda x: x.max(2), X, ops="max.dim"),
    case("min along a dimension", lambda x: x.min(-1, keepdim=True), X, ops="min.dim"),
    case("argmax", lambda x: x.argmax(1), X, ops="argmax.default"),
    case("argmax of all", lambda x: x.argmax(), X, ops="argmax.default"),
    case("argmin", lambda x: x.argmin(-1), X, ops="argmin.default"),
    case("argmax takes the first of equals", lambda x: x.argmax(1), integers(0, 2, 4, 9), ops="argmax.default"),
    case("any", lambda x: x.any(), booleans(3, 4), ops="any.default"),
    case("all along a dimension", lambda x: x.all(1), booleans(3, 2), ops="all.dim"),
]

NORMS = [
    case("vector norm", lambda x: torch.linalg.vector_norm(x, dim=(2, 3)), X, ops="linalg_vector_norm.default"),
    case("vector norm 1", lambda x: torch.linalg.vector_norm(x, 1, dim=1), X, ops="linalg_vector_norm.default"),
    case("vector norm inf", lambda x: torch.linalg.vector_norm(x, float("inf"), dim=1), X),
    case("normalize", lambda x: F.normalize(x, dim=1), X),
    case("logsumexp", lambda x: x.logsumexp(1), X, ops="logsumexp.default"),
]

SOFTMAX = [
    case("softmax", lambda x: x.softmax(1), X, ops="_softmax.default", dtypes=ALL),
    case("softmax of large values", lambda x: x.softmax(-1), normal(3, 4, scale=1000.0), ops="_softmax.default"),
    case("log_softmax", lambda x: x.log_softmax(-1), X, ops="_log_softmax.default", dtypes=ALL),
    case("log_softmax of large values", lambda x: x.log_softmax(1), normal(3, 4, scale=1000.0)),
    case("softmax of half in f32", lambda x: x.softmax(1, dtype=torch.float32), normal(3, 4), dtypes=("f16",)),
    case("attention", F.scaled_dot_product_attention, normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4)),
]

MATRICES = [
    case("mm", torch.mm, normal(3, 4), normal(4, 5), ops="mm.default", dtypes=ALL),
    case("mm of transposed", lambda x, y: x.t() @ y.t(), normal(4, 3), normal(5, 4), ops="mm.default"),
    case("addmm", torch.addmm, normal(5), normal(3, 4), normal(4, 5), ops="addmm.default", dtypes=ALL),
    case(
        "addmm factors",
        lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=-2.0),
        normal(3, 5),
        normal(3, 4),
        normal(4, 5),
        ops="addmm.default",
    ),
    case("bmm", torch.bmm, normal(2, 3, 4), normal(2, 4, 5), ops="bmm.default", dtypes=ALL),
    case("baddbmm", torch.baddbmm, normal(2, 3, 5), normal(2, 3, 4), normal(2, 4, 5), ops="baddbmm.default"),
    case("matmul broadcast", torch.matmul, normal(2, 1, 3, 4), normal(5, 4, 2)),
    case("matmul with a vector", torch.matmul, normal(3, 4), normal(4), ops="mv.default"),
    case("dot", torch.dot, normal(4), normal(4), ops="dot.default"),
    case("linear", F.linear, normal(2, 3, 4), normal(5, 4), normal(5)),
    case("linear without bias", F.linear, normal(2, 4), normal(5, 4), dtypes=ALL),
    case("einsum", lambda x, y: torch.einsum("bchw,dc->bdhw", x, y), X, normal(6, 3)),
    case("outer", torch.outer, normal(3), normal(4)),
]

CASES = [*SUMS, *EXTREMA, *NORMS, *SOFTMAX, *MATRICES]
