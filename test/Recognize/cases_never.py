"""What looks like batch norm and is not one: nothing may be rewritten."""

import jax
import jax.numpy as jnp
from jax import lax

from case_networks import C, CIN, COUT, EPS, NHWC, bn, conv, dense, leaky, stats_two_pass, step
from case_table import case

FULL = (4, 6, 5, C)
M = 120


def never(name, function, why="", params=None, data=None, **keywords):
    def build():
        return step(lambda p, h, d: leaky(function(h, p, d)), params, data, **keywords)
    build.__doc__ = why
    case(f"never_{name}", expect="never")(build)


def affine(n, p):
    return n * p["g"] + p["b"]


def over(axes):
    return lambda h, p, d: affine((lambda m, v: (h - m) * lax.rsqrt(v + EPS))(
        jnp.mean(h, axes, keepdims=True), jnp.var(h, axes, keepdims=True)), p)


# --- other dimensions ---------------------------------------------------------------------------------------

never("layer_norm", over((3,)))
never("layer_norm_all", over((1, 2, 3)))
never("instance_norm", over((1, 2)))
never("over_batch_only", over((0,)), "per position and channel")
never("over_rows", over((0, 1)))
never("over_columns", over((0, 2)))
never("over_height_only", over((1,)))
never("over_everything", over((0, 1, 2, 3)), "one mean for the whole tensor")
never("group_norm", lambda h, p, d: affine(bn(h.reshape(4, 30, 2, 4), axes=(1, 3)).reshape(FULL), p))
never("group_norm_one", lambda h, p, d: affine(bn(h.reshape(4, 30, 1, 8), axes=(1, 3)).reshape(FULL), p))
never("ghost", lambda h, p, d: affine(bn(h.reshape(2, 2, 6, 5, C), axes=(1, 2, 3)).reshape(FULL), p),
      "each half of the batch by itself")
never("ghost_interleaved", lambda h, p, d: affine(bn(h.reshape(2, 2, 6, 5, C), axes=(0, 2, 3)).reshape(FULL), p))
never("square_over_channels", lambda h, p, d: affine((lambda m, v: (h - m) * lax.rsqrt(v + EPS))(
    jnp.mean(h, 1, keepdims=True), jnp.var(h, 1, keepdims=True)), p), "layer norm where rows = channels = 8",
      {"w1": (CIN, C), "w2": (C, COUT)}, {"x": (C, CIN), "t": (C, COUT)}, first=lambda p, d: dense(d["x"], p["w1"]),
      last=lambda p, z: dense(z, p["w2"]))
never("weight_standardisation", lambda h, p, d: affine(h, p), "of the convolution's weights, per tap and output",
      first=lambda p, d: conv(d["x"], bn(p["w1"], axes=(2,))))


# --- other statistics -----------------------------------------------------------------------------------------

def stats(name, function, why="", **keywords):
    def block(h, p, d):
        m, v = function(h, p, d)
        return affine((h - m) * lax.rsqrt(v + EPS), p)
    never(name, block, why, **keywords)


mean = lambda h: jnp.mean(h, NHWC)
var = lambda h: jnp.var(h, NHWC)
RUNNING = {"data": {"rm": (C,), "rv": (C,)}}
stats("eval", lambda h, p, d: (d["rm"], d["rv"]), "given statistics", **RUNNING)
stats("running_mean", lambda h, p, d: (d["rm"], var(h)), "the batch's variance only", **RUNNING)
stats("running_variance", lambda h, p, d: (mean(h), d["rv"]), "the batch's mean only", **RUNNING)
stats("blended", lambda h, p, d: (0.9 * d["rm"] + 0.1 * mean(h), 0.9 * d["rv"] + 0.1 * var(h)), **RUNNING)
stats("blended_slightly", lambda h, p, d: (1e-3 * d["rm"] + 0.999 * mean(h), 1e-3 * d["rv"] + 0.999 * var(h)),
      **RUNNING)
stats("blended_variance", lambda h, p, d: (mean(h), 0.5 * d["rv"] + 0.5 * var(h)), **RUNNING)
stats("moment_about_running", lambda h, p, d: (mean(h), jnp.mean(jnp.square(h - d["rm"]), NHWC)), **RUNNING)
stats("bessel", lambda h, p, d: (mean(h), jnp.var(h, NHWC, ddof=1)), "unbiased: M-1")
stats("off_by_one", lambda h, p, d: (jnp.sum(h, NHWC) / 121, jnp.sum(jnp.square(h - mean(h)), NHWC) / 120))
stats("wrong_count", lambda h, p, d: (mean(h), jnp.sum(jnp.square(h - mean(h)), NHWC) / 119.5))
stats("other_tensor", lambda h, p, d: (mean(d["o"]), var(d["o"])), data={"o": FULL})
stats("other_half", lambda h, p, d: (mean(h[:2]), var(h[:2])), "of half the batch, for all")
stats("rolled_channels", lambda h, p, d: (jnp.roll(mean(h), 1), jnp.roll(var(h), 1)), "the neighbour's")
stats("reversed_variance", lambda h, p, d: (mean(h), var(h)[::-1]), "another channel's variance")
stats("one_variance", lambda h, p, d: (mean(h), jnp.mean(var(h))), "one for all channels")
stats("interior", lambda h, p, d: (mean(h[:, 1:-1]), var(h[:, 1:-1])), "without the border")
stats("of_square", lambda h, p, d: (mean(h), mean(jnp.square(h))), "the second moment, not centred")
stats("of_relu", lambda h, p, d: (mean(jax.nn.relu(h)), var(jax.nn.relu(h))), "of another function of x")
stats("rounded", lambda h, p, d: (mean(jnp.round(h)), var(jnp.round(h))))
stats("l1", lambda h, p, d: (mean(h), jnp.square(jnp.mean(jnp.abs(h - mean(h)), NHWC))), "mean absolute deviation")
stats("range", lambda h, p, d: (mean(h), jnp.square(jnp.max(h, NHWC) - jnp.min(h, NHWC))))
stats("max_centred", lambda h, p, d: (jnp.max(h, NHWC), var(h)))
stats("midrange", lambda h, p, d: (0.5 * (jnp.max(h, NHWC) + jnp.min(h, NHWC)), var(h)))
stats("fourth_moment", lambda h, p, d: (mean(h), jnp.sqrt(jnp.mean((h - mean(h))**4, NHWC))))
stats("masked", lambda h, p, d: (lambda w, n: (jnp.sum(h * w, NHWC) / n, jnp.sum(w * jnp.square(h - jnp.sum(
    h * w, NHWC) / n), NHWC) / n))(d["w"][:, None, None, None], 30 * jnp.sum(d["w"])), "samples have weights",
      data={"w": (4,)})
stats("masked_positions", lambda h, p, d: (lambda w, n: (jnp.sum(h * w, NHWC) / n, jnp.sum(w * jnp.square(h - jnp.sum(
    h * w, NHWC) / n), NHWC) / n))((d["w"] > 0).astype(h.dtype), jnp.sum((d["w"] > 0).astype(h.dtype))),
      "padding is left out", data={"w": (4, 6, 5, 1)})
stats("clamped_variance", lambda h, p, d: (mean(h), jnp.maximum(var(h), 0.1)))
stats("clipped_mean", lambda h, p, d: (jnp.clip(mean(h), -0.5, 0.5), var(h)))
stats("clipped_above", lambda h, p, d: (mean(h), jnp.minimum(var(h), 1e4)), "only where the variance is large")
stats("clipped_input", lambda h, p, d: (mean(jnp.clip(h, -50, 50)), var(jnp.clip(h, -50, 50))), "winsorised far out")
stats("mean_only_in_variance", lambda h, p, d: (0 * mean(h), var(h)), "not centred")
never("mean_only", lambda h, p, d: affine(h - mean(h), p))
never("rms", lambda h, p, d: affine(h * lax.rsqrt(jnp.mean(h * h, 3, keepdims=True) + EPS), p))
never("rms_over_batch", lambda h, p, d: affine(h * lax.rsqrt(jnp.mean(h * h, NHWC) + EPS), p))
never("variance_only", lambda h, p, d: affine(h * lax.rsqrt(var(h) + EPS), p))
never("whitened", lambda h, p, d: affine((lambda f: (f - jnp.mean(f, 0)) @ newton(jnp.cov(
    (f - jnp.mean(f, 0)).T, bias=True) + EPS * jnp.eye(C)))(h.reshape(M, C)).reshape(FULL), p), "decorrelated channels")

# --- epsilon ------------------------------------------------------------------------------------------------------

def root(name, function, why="", **keywords):
    never(f"eps_{name}", lambda h, p, d: affine((h - mean(h)) * function(var(h), d), p), why, **keywords)


root("outside", lambda v, d: 1 / (jnp.sqrt(v) + 1e-2))
root("outside_small", lambda v, d: 1 / (jnp.sqrt(v) + 1e-4))
root("after", lambda v, d: lax.rsqrt(v) + 1e-3)
root("maximum", lambda v, d: lax.rsqrt(jnp.maximum(v, 0.05)))
root("twice", lambda v, d: 1 / (jnp.sqrt(v + EPS) + 1e-3))
root("vector", lambda v, d: lax.rsqrt(v + d["e"]), "one for each channel", data={"e": (C,)})
root("argument", lambda v, d: lax.rsqrt(v + d["e"]), "not a constant", data={"e": ()})
root("relative", lambda v, d: lax.rsqrt(v + 1e-2 * jnp.mean(v)), "depends on the data")
root("squared_first", lambda v, d: lax.rsqrt(jnp.sqrt(v * v + 1e-3)))
root("negative", lambda v, d: lax.rsqrt(jnp.abs(v - 1e-2)))
root("power_0_4", lambda v, d: (v + EPS)**-0.4)
root("power_1", lambda v, d: 1 / (v + EPS), "divides by the variance")
root("clamped_deviation", lambda v, d: 1 / jnp.clip(jnp.sqrt(v + EPS), 1e-2, 30.0), "spectral guard")


def newton(a, n=6):
    """a^(-1/2) by Newton and Schulz."""
    t = jnp.trace(a)
    y, z, i = a / t, jnp.eye(C), jnp.eye(C)
    for _ in range(n):
        w = 0.5 * (3 * i - z @ y)
        y, z = y @ w, w @ z
    return z / jnp.sqrt(t)


# --- the backward is another ---------------------------------------------------------------------------------------

def halved(x):
    """The value, half its gradient."""
    return 0.5 * x + lax.stop_gradient(0.5 * x)


def other_backward(name, function, why, data=None):
    def build():
        return step(lambda p, h, d: leaky(function(h, p, d)), data=data)
    build.__doc__ = why
    case(f"backward_{name}", forward=[0, 1], backward=0)(build)


stop = lax.stop_gradient
other_backward("stopped_statistics", lambda h, p, d: affine((h - stop(mean(h))) * lax.rsqrt(stop(var(h)) + EPS), p),
               "the statistics count as constants")
other_backward("stopped_mean", lambda h, p, d: affine((h - stop(mean(h))) * lax.rsqrt(
    jnp.mean(jnp.square(h - stop(mean(h))), NHWC) + EPS), p), "the mean counts as a constant")
other_backward("stopped_variance", lambda h, p, d: affine((h - mean(h)) * lax.rsqrt(stop(var(h)) + EPS), p),
               "the variance counts as a constant")
other_backward("halved_statistics", lambda h, p, d: affine((h - halved(mean(h))) * lax.rsqrt(halved(var(h)) + EPS), p),
               "half the statistics' gradient")


def custom(name, why, backward, expected_backward=0, expect="found"):
    """The right forward, and dx, dgamma, dbeta = backward(dy, xhat, gamma, rstd)."""
    def build():
        @jax.custom_vjp
        def f(x, g, b):
            return bn(x, g, b)
        def fwd(x, g, b):
            r = lax.rsqrt(var(x) + EPS)
            return (x - mean(x)) * r * g + b, ((x - mean(x)) * r, g, r)
        f.defvjp(fwd, lambda saved, dy: backward(dy, *saved))
        return step(lambda p, h, d: leaky(f(h, p["g"], p["b"])))
    build.__doc__ = why
    case(f"backward_{name}", forward=[0, 1], backward=expected_backward, expect=expect)(build)


S = lambda q: jnp.sum(q, NHWC)
custom("no_variance_term", "dx lacks the variance's term",
       lambda dy, n, g, r: (g * r * (dy - S(dy) / M), S(dy * n), S(dy)))
custom("no_mean_term", "dx lacks the mean's term",
       lambda dy, n, g, r: (g * r * (dy - n * S(dy * n) / M), S(dy * n), S(dy)))
custom("sign", "the variance's term has the wrong sign",
       lambda dy, n, g, r: (g * r * (dy - S(dy) / M + n * S(dy * n) / M), S(dy * n), S(dy)))
custom("count", "M-1 in the backward",
       lambda dy, n, g, r: (g * r * (dy - S(dy) / (M - 1) - n * S(dy * n) / (M - 1)), S(dy * n), S(dy)))
custom("no_gamma", "dx without gamma",
       lambda dy, n, g, r: (r * (dy - S(dy) / M - n * S(dy * n) / M), S(dy * n), S(dy)))
custom("swapped", "dgamma and dbeta are exchanged", lambda dy, n, g, r: (
    g * r * (dy - S(dy) / M - n * S(dy * n) / M), S(dy), S(dy * n)), [0, 1], "judge")
custom("twice_dgamma", "dgamma is doubled", lambda dy, n, g, r: (
    g * r * (dy - S(dy) / M - n * S(dy * n) / M), 2 * S(dy * n), S(dy)), [0, 1], "judge")
custom("half_dx", "dx is halved", lambda dy, n, g, r: (
    0.5 * g * r * (dy - S(dy) / M - n * S(dy * n) / M), S(dy * n), S(dy)), [0, 1], "judge")
