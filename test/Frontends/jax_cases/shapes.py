"""Operations that move elements, with their gradients."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_harness import booleans, case, integers, normal

ALL = ("f64", "f32", "f16", "bf16")
X = normal(2, 3, 4)


def broadcast(name, shape, dims, x):
    return case(f"broadcast {name}", lambda v: lax.broadcast_in_dim(v, shape, dims), x)


def pad(name, config, x=X, fill=0.5):
    return case(f"pad {name}", lambda v: lax.pad(v, v.dtype.type(fill), config), x)


CASES = [
    broadcast("a vector", (2, 3, 4), (2,), normal(4)),
    broadcast("a scalar", (2, 3), (), normal()),
    broadcast("in the middle", (2, 3, 4), (1,), normal(3)),
    broadcast("a size of one", (2, 3, 4), (0, 2), normal(2, 1)),
    broadcast("only sizes of one", (2, 3), (0, 1), normal(1, 1)),
    broadcast("to more ones", (1, 1, 4, 1), (2,), normal(4)),
    case("reshape", lambda x: x.reshape(4, 6), X, dtypes=ALL),
    case("reshape to a vector", lambda x: x.reshape(-1), X),
    case("reshape uneven", lambda x: x.reshape(3, 8), X),
    case("reshape to a scalar", lambda x: x.reshape(()), normal(1, 1)),
    case("reshape from a scalar", lambda x: x.reshape(1, 1), normal()),
    case("transpose", lambda x: x.transpose(2, 0, 1), X, dtypes=ALL),
    case("reverse", lambda x: lax.rev(x, (0, 2)), X),
    case("reverse integers", lambda x: lax.rev(x, (0,)), integers(0, 9, 5)),
    case("concatenate", lambda x, y: jnp.concatenate([x, y, x], 1), X, normal(2, 2, 4)),
    case("concatenate bools", lambda x, y: jnp.concatenate([x, y]), booleans(3), booleans(2)),
    case("iota", lambda x: x * lax.broadcasted_iota(x.dtype, (2, 3, 4), 1), X),
    case("iota of integers", lambda x: x + lax.iota(jnp.int32, 5), integers(0, 9, 5)),
    case("iota of unsigned", lambda x: x + lax.iota(jnp.uint32, 5), integers(0, 9, 5, dtype=np.uint32)),
    case("slice", lambda x: x[1:, :2, 1:3], X),
    case("slice with strides", lambda x: x[:, ::2, 1::2], X),
    case("slice one", lambda x: x[1, 2, 3], X),
    case("split", lambda x: jnp.split(x, 2, axis=2), X),
    pad("edges", [(1, 2, 0), (0, 0, 0), (0, 1, 0)]),
    pad("interior", [(0, 0, 1), (0, 0, 0), (0, 0, 2)]),
    pad("edges and interior", [(1, 0, 1), (2, 1, 0), (0, 3, 2)]),
    pad("negative", [(-1, 0, 0), (0, 0, 0), (-1, -1, 0)]),
    pad("negative within interior", [(0, 0, 0), (-1, 0, 2), (1, -2, 1)]),
    pad("mixed", [(0, 0, 0), (2, -1, 0), (-2, 3, 1)]),
    pad("a single element inside", [(1, 1, 3)], normal(1)),
    case("dynamic slice, constant", lambda x: lax.dynamic_slice(x, (1, 0, 2), (1, 3, 2)), X),
    case("dynamic slice, clamped", lambda x: lax.dynamic_slice(x, (1, 0, 9), (2, 3, 2)), X),
    case("dynamic slice, computed", lambda x, i: lax.dynamic_slice(x, (i, i * 0, i), (1, 3, 2)), X, integers(0, 2)),
    case("dynamic update, constant", lambda x, y: lax.dynamic_update_slice(x, y, (1, 0, 1)), X, normal(1, 2, 2)),
    case(
        "dynamic update, computed",
        lambda x, y, i: lax.dynamic_update_slice(x, y, (i * 0, i, i)),
        X,
        normal(1, 2, 2),
        integers(-3, 9),
    ),
    case("roll", lambda x: jnp.roll(x, 2, axis=2), X),
    case("tile", lambda x: jnp.tile(x, (1, 2, 1)), X),
    case("stack", lambda x, y: jnp.stack([x, y], 1), X, X),
    case("squeeze and expand", lambda x: jnp.expand_dims(jnp.squeeze(x, 1), 0), normal(3, 1, 2)),
]
