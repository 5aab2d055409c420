"""Pools and other windows, with their gradients."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_harness import Input, case, integers, normal, uniform

ALL = ("f64", "f32", "f16", "bf16")
X = normal(2, 7, 6, 3)
FIRST = normal(2, 3, 7, 6)
MAX, AVG = ("dnn.max_pool", "dnn.max_pool_grad"), ("dnn.avg_pool", "dnn.avg_pool_grad")


def maximum(window, strides, padding="VALID", **options):
    def pool(x):
        return lax.reduce_window(x, x.dtype.type(-np.inf), lax.max, window, strides, padding, **options)

    return pool


def total(window, strides, padding="VALID", divisor=None, **options):
    def pool(x):
        out = lax.reduce_window(x, x.dtype.type(0), lax.add, window, strides, padding, **options)
        return out / divisor if divisor else out

    return pool


def max_pool(name, window, strides, padding="VALID", x=X, dtypes=("f64",), raised=MAX):
    return case(f"max pool {name}", maximum(window, strides, padding), x, dtypes=dtypes, raised=raised)


def sum_pool(name, window, strides, padding="VALID", x=X, divisor=None, raised=AVG, **options):
    return case(f"sum pool {name}", total(window, strides, padding, divisor), x, raised=raised, **options)


def avg_pool_of_counts(x):
    """flax's avg_pool without count_include_pad: a window sum of ones divides."""
    pool = total((1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    return pool(x) / pool(jnp.ones_like(x))


MAX_POOLS = [
    max_pool("", (1, 2, 2, 1), (1, 2, 2, 1), dtypes=ALL),
    max_pool("overlapping", (1, 3, 3, 1), (1, 2, 2, 1)),
    max_pool("same padding", (1, 3, 3, 1), (1, 2, 2, 1), "SAME", dtypes=ALL),
    max_pool("explicit padding", (1, 3, 2, 1), (1, 2, 1, 1), [(0, 0), (1, 1), (1, 0), (0, 0)]),
    max_pool("stride one", (1, 3, 3, 1), (1, 1, 1, 1), "SAME"),
    max_pool("channels first", (1, 1, 2, 3), (1, 1, 2, 2), x=FIRST),
    max_pool("1d", (1, 3, 1), (1, 2, 1), "SAME", normal(2, 9, 3)),
    max_pool("3d", (1, 2, 2, 2, 1), (1, 2, 2, 2, 1), x=normal(1, 4, 4, 6, 2)),
    max_pool("of ties", (1, 2, 2, 1), (1, 1, 1, 1), x=normal(1, 5, 5, 2, scale=0)),
    max_pool("of few values", (1, 3, 3, 1), (1, 2, 2, 1), "SAME", x=Input(lambda g: g.integers(-1, 2, (2, 7, 6, 3)) * 1.0)),
    max_pool("forward only", (1, 2, 2, 1), (1, 2, 2, 1), x=normal(2, 7, 6, 3, grad=False), raised=MAX[:1]),
    case(
        "max pool with dilation",
        maximum((1, 2, 2, 1), (1, 1, 1, 1), window_dilation=(1, 2, 2, 1)),
        normal(2, 7, 6, 3, grad=False),
        raised=MAX[:1],
    ),
    case("max pool over channels", maximum((1, 1, 1, 2), (1, 1, 1, 1)), normal(2, 3, 4, 6, grad=False)),
    case("max pool of a matrix", maximum((2, 2), (2, 2)), normal(4, 6, grad=False)),
    case(
        "max pool from another start",
        lambda x: lax.reduce_window(x, x.dtype.type(0.5), lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
        normal(2, 7, 6, 3, grad=False),
        absent=MAX[:1],
    ),
    case(
        "max pool of integers",
        lambda x: lax.reduce_window(x, np.int32(-(2**31)), lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
        integers(-9, 9, 1, 4, 4, 2),
    ),
    case(
        "min pool",
        lambda x: lax.reduce_window(x, x.dtype.type(np.inf), lax.min, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
        normal(2, 7, 6, 3, grad=False),
    ),
    case(
        "negated max pool, flax's min_pool",
        lambda x: -maximum((1, 2, 2, 1), (1, 2, 2, 1))(-x),
        X,
        raised=MAX,
    ),
]

SUM_POOLS = [
    sum_pool("", (1, 2, 2, 1), (1, 2, 2, 1), dtypes=ALL),
    sum_pool("overlapping", (1, 3, 3, 1), (1, 2, 2, 1)),
    sum_pool("same padding", (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
    sum_pool("stride one", (1, 2, 3, 1), (1, 1, 1, 1), raised=AVG),
    sum_pool("stride one, same", (1, 3, 3, 1), (1, 1, 1, 1), "SAME", raised=AVG[:1]),
    sum_pool("larger strides", (1, 2, 2, 1), (1, 3, 3, 1)),
    sum_pool("averaged", (1, 2, 2, 1), (1, 2, 2, 1), divisor=4.0, dtypes=ALL),
    sum_pool("divided by a fraction", (1, 2, 2, 1), (1, 2, 2, 1), divisor=2.5),
    sum_pool("channels first", (1, 1, 2, 2), (1, 1, 2, 2), x=FIRST, divisor=4.0),
    sum_pool("1d", (1, 3, 1), (1, 2, 1), x=normal(2, 9, 3)),
    sum_pool("3d", (1, 2, 2, 2, 1), (1, 2, 2, 2, 1), x=normal(1, 4, 4, 6, 2)),
    sum_pool("global", (1, 7, 6, 1), (1, 1, 1, 1), divisor=42.0, raised=AVG[:1]),
    sum_pool("over channels", (1, 1, 1, 3), (1, 1, 1, 1), "SAME", raised=()),
    case("avg pool without the padding", avg_pool_of_counts, X, raised=AVG),
    case("sum pool with dilation", total((1, 2, 2, 1), (1, 1, 1, 1), window_dilation=(1, 2, 2, 1)), X),
    case(
        "sum pool with base dilation",
        total((1, 2, 2, 1), (1, 2, 1, 1), base_dilation=(1, 2, 3, 1)),
        normal(2, 7, 6, 3, grad=False),
    ),
    case(
        "product of windows",
        lambda x: lax.reduce_window(x, x.dtype.type(1), lax.mul, (1, 2, 2, 1), (1, 2, 2, 1), "SAME"),
        uniform(0.5, 1.5, 2, 5, 5, 2, grad=False),
    ),
    case("cumulative sum", lambda x: jnp.cumsum(x, 1), normal(2, 5)),
]

CASES = [*MAX_POOLS, *SUM_POOLS]
