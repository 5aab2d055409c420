"""Gathers and scatters as losses, embeddings and indexing make them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_harness import case, integers, normal, uniform, values

ALL = ("f64", "f32", "f16", "bf16")
LOGITS, LABELS = normal(5, 7), integers(0, 7, 5)
TABLE, X = normal(6, 3), normal(4, 5, 3)


def cross_entropy(logits, labels):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return -chosen.mean()


def updated(name, update, shape=(3, 3), indices=(1, 4, 1), **options):
    return case(
        f"scatter {name}",
        lambda x, v: update(x.at[np.array(indices)], v),
        normal(6, 3, **options),
        normal(*shape, **options),
    )


CASES = [
    case("cross entropy", cross_entropy, LOGITS, LABELS, dtypes=ALL),
    case("cross entropy, one hot", lambda x, y: -(jax.nn.log_softmax(x) * jax.nn.one_hot(y, 7)).sum(), LOGITS, LABELS),
    case("embedding", lambda t, i: t[i], TABLE, integers(0, 6, 8), dtypes=ALL),
    case("embedding of a matrix", lambda t, i: t[i], TABLE, integers(0, 6, 2, 4)),
    case("embedding, negative and out of range", lambda t, i: t[i], TABLE, values(-1, 0, -6, -7, 5, 9, dtype=np.int32)),
    case("take, clipped", lambda t, i: jnp.take(t, i, 0, mode="clip"), TABLE, values(-3, 9, 2, dtype=np.int32)),
    case("take, filled", lambda t, i: jnp.take(t, i, 0, mode="fill"), TABLE, values(-3, 9, 2, dtype=np.int32)),
    case("take, wrapped", lambda t, i: jnp.take(t, i, 0, mode="wrap"), TABLE, values(-3, 9, 2, dtype=np.int32)),
    case("take along the last", lambda t, i: jnp.take(t, i, 1), X, integers(0, 5, 4)),
    case("take along axis", lambda t, i: jnp.take_along_axis(t, i, 1), X, integers(0, 5, 4, 2, 3)),
    case("two indices", lambda x, i, j: x[i, j], X, integers(0, 4, 6), integers(0, 5, 6)),
    case("outer indices", lambda x, i, j: x[i][:, :, j], X, integers(0, 4, 2), integers(0, 3, 4)),
    case("index beside slices", lambda x, i: x[:, i, 1:], X, integers(0, 5, 3)),
    case("a computed row", lambda x, i: x[i], X, integers(0, 4)),
    case("i64 indices", lambda t, i: t[i], TABLE, integers(0, 6, 4, dtype=np.int64)),
    case("u8 indices", lambda t, i: t[i], TABLE, integers(0, 6, 4, dtype=np.uint8)),
    case("a window", lambda x, i: jax.vmap(lambda k: lax.dynamic_slice(x, (k, k, k * 0), (2, 3, 3)))(i), X, integers(-1, 4, 3)),
    case("windows of a batch", lambda x, i: jax.vmap(lambda a, k: lax.dynamic_slice(a, (k,), (2,)))(x, i), normal(4, 6), integers(0, 6, 4)),
    case(
        "updated windows of a batch",
        lambda x, u, i: jax.vmap(lambda a, b, k: lax.dynamic_update_slice(a, b, (k,)))(x, u, i),
        normal(4, 6),
        normal(4, 2),
        integers(0, 6, 4),
    ),
    case("gather of integers", lambda t, i: t[i], integers(0, 99, 6, 2), integers(0, 6, 3)),
    updated("add", lambda at, v: at.add(v)),
    updated("set", lambda at, v: at.set(v), indices=(1, 4, 2)),
    updated("multiply", lambda at, v: at.multiply(v), grad=False),
    updated("max", lambda at, v: at.max(v), grad=False),
    updated("min", lambda at, v: at.min(v), grad=False),
    updated("out of range", lambda at, v: at.add(v, mode="drop"), indices=(1, 9, -8)),
    updated("clipped", lambda at, v: at.add(v, mode="clip"), indices=(1, 9, 2)),
    case("scatter computed", lambda x, v, i: x.at[i].add(v), TABLE, normal(8, 3), integers(0, 6, 8), dtypes=ALL),
    case("scatter to columns", lambda x, v, i: x.at[:, i].add(v), X, normal(4, 2, 3), integers(0, 5, 2)),
    case("scatter to elements", lambda x, v, i: x.at[i, i].add(v), X, normal(3, 3), integers(0, 4, 3)),
    case("scatter to a slice", lambda x, v: x.at[1:3, 2:].set(v), X, normal(2, 3, 3)),
    case("scatter of integers", lambda x, i: x.at[i].add(1), integers(0, 9, 6), integers(0, 6, 9)),
    case("scatter past the end", lambda x, v, i: x.at[i, :].add(v), normal(3, 2), normal(2, 2), values(-9, 7, dtype=np.int32)),
    case("histogram", lambda i, w: jnp.zeros(5, w.dtype).at[i].add(w), integers(0, 5, 9), uniform(0, 1, 9)),
    case("segment sum", lambda x, i: jax.ops.segment_sum(x, i, 4), normal(9, 2), integers(0, 4, 9)),
]
