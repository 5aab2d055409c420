"""Reductions and matrix products."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_harness import booleans, case, integers, normal, uniform, values

ALL = ("f64", "f32", "f16", "bf16")
X = normal(3, 4, 5)


def reduced(name, function, x=X, **options):
    return case(f"reduce {name}", function, x, **options)


def dot(name, lhs, rhs, dims, **options):
    return case(f"dot {name}", lambda x, y: lax.dot_general(x, y, dims), lhs, rhs, **options)


def sum_and_maximum(x):
    """A region of two results that JAX has no function for."""
    init = (x.dtype.type(0), x.dtype.type(-np.inf))
    return lax.reduce((x, x), init, lambda a, b: (a[0] + b[0], jnp.maximum(a[1], b[1])), (1,))


CASES = [
    reduced("sum of all", jnp.sum, dtypes=ALL),
    reduced("sum", lambda x: x.sum((0, 2)), dtypes=ALL),
    reduced("sum of the first", lambda x: x.sum(0)),
    reduced("sum of the last", lambda x: x.sum(2, keepdims=True)),
    reduced("many", lambda x: x.sum(), normal(40, 50, grad=False), dtypes=ALL),
    reduced("mean", lambda x: x.mean((0, 1))),
    reduced("variance", lambda x: x.var((0, 1))),
    reduced("max", lambda x: x.max(1), dtypes=ALL),
    reduced("min", lambda x: x.min((1, 2))),
    reduced("max with nan", lambda x: x.max(), values(1.0, np.nan, 3.0)),
    reduced("product", lambda x: lax.reduce(x, x.dtype.type(1), lax.mul, (1,)), uniform(0.5, 1.5, 3, 4, grad=False)),
    reduced("from another start", lambda x: lax.reduce(x, x.dtype.type(2.5), lax.add, (1,)), normal(3, 4, grad=False)),
    reduced("sum of integers", lambda x: x.sum(1), integers(-9, 9, 3, 4)),
    reduced("max of unsigned", lambda x: x.max(1), integers(0, 2**32, 3, 4, dtype=np.uint32)),
    reduced("any and all", lambda x: (x.any(1), x.all(1)), booleans(3, 4)),
    reduced("xor", lambda x: lax.reduce(x, np.int32(0), lax.bitwise_xor, (0,)), integers(0, 99, 7)),
    reduced("argmax", lambda x: jnp.argmax(x, 1)),
    reduced("argmin", lambda x: jnp.argmin(x, 0), dtypes=("f64", "f32", "bf16")),
    reduced("argmax of ties and nan", lambda x: jnp.argmax(x), values(1.0, 3.0, 3.0, np.nan, np.nan)),
    reduced("argmax of integers", lambda x: jnp.argmax(x, 1), integers(0, 3, 4, 9)),
    reduced("of two results", sum_and_maximum, normal(3, 4, grad=False)),
    reduced("a scalar", lambda x: x.sum(), normal()),
    reduced("logsumexp", lambda x: jnp.log(jnp.exp(x).sum(1))),
    dot("matrices", normal(3, 4), normal(4, 5), (((1,), (0,)), ((), ())), dtypes=ALL),
    dot("transposed", normal(4, 3), normal(5, 4), (((0,), (1,)), ((), ()))),
    dot("batched", normal(2, 3, 4), normal(2, 4, 5), (((2,), (1,)), ((0,), (0,)))),
    dot("batched, odd order", normal(3, 2, 4), normal(4, 5, 2), (((2,), (0,)), ((1,), (2,)))),
    dot("two contracted", normal(2, 3, 4), normal(3, 4, 5), (((1, 2), (0, 1)), ((), ()))),
    dot("outer", normal(3), normal(4), (((), ()), ((), ()))),
    dot("vectors", normal(4), normal(4), (((0,), (0,)), ((), ()))),
    dot("matrix by vector", normal(3, 4), normal(4), (((1,), (0,)), ((), ()))),
    dot("of integers", integers(-9, 9, 3, 4), integers(-9, 9, 4, 5), (((1,), (0,)), ((), ()))),
    case(
        "dot to a wider type",
        lambda x, y: lax.dot(x, y, preferred_element_type=jnp.float32),
        normal(3, 4, grad=False),
        normal(4, 5, grad=False),
        dtypes=("bf16", "f16"),
    ),
    case("einsum", lambda x, y: jnp.einsum("bhqd,bhkd->bhqk", x, y), normal(2, 2, 3, 4), normal(2, 2, 5, 4)),
]
