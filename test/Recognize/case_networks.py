"""What the cases are made of: a two-layer training step around one normalisation, and batch norm
with each of its parts replaceable.

A case is a function `block(p, h, d)` from trained parameters, the first layer's output and untrained
data to the second layer's input, or to (that, terms of the loss, extra results). `step(block)` makes
the training step of it: loss, parameters after one step of gradient descent, extra results.
"""

import jax
import jax.numpy as jnp
from jax import lax

# No two sizes agree, so that a wrong axis cannot pass by luck; M = 4*6*5 = 120.
N, H, W, CIN, C, COUT = 4, 6, 5, 3, 8, 7
NHWC = (0, 1, 2)
EPS = 1e-5


def conv(x, w, layout="NHWC"):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=(layout, "HWIO", layout))


def dense(x, w):
    return jnp.matmul(x, w)


def cross_entropy(o, t):
    """`o` averaged over what lies between the batch and the classes (the last dimension)."""
    logits = jnp.mean(o, tuple(range(1, o.ndim - 1))).astype(jnp.float32)
    return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(logits), -1))


PARAMS = {"w1": (3, 3, CIN, C), "g": (C,), "b": (C,), "w2": (3, 3, C, COUT)}
DATA = {"x": (N, H, W, CIN), "t": (N, COUT)}


def step(block, params=None, data=None, first=None, last=None, frozen=(), dtype=jnp.float32, update=None):
    """(function, example arguments): one training step. `params` and `data` add shapes (or types)
    to the usual ones, None removes; `frozen` parameters get no gradient."""
    shapes = {**PARAMS, **(params or {})}
    data_shapes = {**DATA, **(data or {})}
    first = first or (lambda p, d: conv(d["x"], p["w1"]))
    last = last or (lambda p, z: conv(z, p["w2"]))
    spec = lambda s: s if hasattr(s, "dtype") else jax.ShapeDtypeStruct(s, dtype)
    all_params = {k: spec(v) for k, v in shapes.items() if v is not None}
    all_data = {k: jax.ShapeDtypeStruct(v, jnp.float32) if k == "t" else spec(v)
                for k, v in data_shapes.items() if v is not None}

    def loss(trained, fixed, d):
        p = {**trained, **fixed}
        out = block(p, first(p, d), d)
        z, terms, extra = out if isinstance(out, tuple) else (out, 0.0, ())
        return cross_entropy(last(p, z), d["t"]) + terms, extra

    def main(p, d):
        trained = {k: v for k, v in p.items() if k not in frozen}
        fixed = {k: v for k, v in p.items() if k in frozen}
        (value, extra), grads = jax.value_and_grad(loss, has_aux=True)(trained, fixed, d)
        if update:
            return value, update(trained, grads), extra
        return value, {k: v - (0.1 * grads[k]).astype(v.dtype) for k, v in trained.items()}, extra

    return main, (all_params, all_data)


# --- batch norm, part by part ------------------------------------------------------------------------

def count(x, axes):
    m = 1
    for a in axes:
        m *= x.shape[a]
    return m


def stats_two_pass(x, axes):
    m = jnp.mean(x, axes, keepdims=True)
    return m, jnp.mean(jnp.square(x - m), axes, keepdims=True)


def stats_moments(x, axes):
    m = jnp.mean(x, axes, keepdims=True)
    return m, jnp.mean(x * x, axes, keepdims=True) - m * m


def stats_moments_clamped(x, axes):
    m, v = stats_moments(x, axes)
    return m, jnp.maximum(v, 0)


def root_rsqrt(v, eps):
    return lax.rsqrt(v + eps)


def per_channel(v, x, axes):
    """A vector over the channels, laid out to broadcast against x."""
    return v.reshape([1 if i in axes else s for i, s in enumerate(x.shape)])


def bn(x, g=None, b=None, axes=NHWC, stats=stats_two_pass, root=root_rsqrt, eps=EPS):
    m, v = stats(x, axes)
    y = (x - m) * root(v, eps)
    if g is not None:
        y = y * per_channel(g, x, axes)
    if b is not None:
        y = y + per_channel(b, x, axes)
    return y


def leaky(y, slope=0.01):
    return jnp.where(y > 0, y, slope * y)
