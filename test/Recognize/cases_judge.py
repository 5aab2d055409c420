"""Cases on which a recogniser may do as it likes, as long as every result stays equal: norms behind
slices, contractions and loops, functions that agree with an activation only almost everywhere or
only within a range, gradients that are not the norm's."""

import jax
import jax.numpy as jnp
from jax import lax

from case_networks import C, CIN, COUT, EPS, NHWC, bn, conv, dense, leaky, per_channel, stats_two_pass, step
from case_table import case

FULL = (4, 6, 5, C)
mean = lambda h: jnp.mean(h, NHWC)
var = lambda h: jnp.var(h, NHWC)
stop = lax.stop_gradient


def judge(name, function, why="", params=None, data=None, **keywords):
    backward = {"backward": keywords.pop("backward")} if "backward" in keywords else {}
    def build():
        return step(function, params, data, **keywords)
    build.__doc__ = why
    case(f"judge_{name}", expect="judge", **backward)(build)


def one(p, h):
    return bn(h, p["g"], p["b"])


def with_stats(m, v):
    return lambda p, h, d: leaky(bn(h, p["g"], p["b"], stats=lambda x, a: (m(x), v(x))))


# --- statistics by other roads ----------------------------------------------------------------------------

def merged(h):
    """Chan's merge of two halves."""
    a, b = h[:2], h[2:]
    d = mean(b) - mean(a)
    return mean(a) + d / 2, (60 * var(a) + 60 * var(b) + d * d * 30) / 120


judge("stats_merged", with_stats(lambda x: merged(x)[0], lambda x: merged(x)[1]), "two halves, merged")
judge("stats_contraction", with_stats(lambda x: jnp.einsum("nhwc->c", x) / 120, lambda x: jnp.einsum(
    "nhwc,nhwc->c", x - mean(x), x - mean(x)) / 120), "sums as contractions")
judge("stats_ones", with_stats(lambda x: (jnp.ones((1, 120)) / 120 @ x.reshape(120, C))[0], lambda x: (
    jnp.ones((1, 120)) / 120 @ jnp.square(x - mean(x)).reshape(120, C))[0]), "a product with a row of ones")
judge("stats_about_sample", with_stats(mean, lambda x: jnp.mean(jnp.square(x - x[:1, :1, :1]), NHWC) - jnp.square(
    mean(x) - x[0, 0, 0])), "shifted by the first sample")
judge("stats_bf16", with_stats(lambda x: mean(x.astype(jnp.bfloat16).astype(jnp.float32)), lambda x: var(x.astype(
    jnp.bfloat16).astype(jnp.float32))), "statistics of rounded values")
judge("root_newton", lambda p, h, d: leaky(bn(h, p["g"], p["b"], root=lambda v, e: (lambda r: r * (1.5 - 0.5 * (
    v + e) * r * r))(lax.rsqrt(v + e)))), "refined by a step of Newton")
judge("root_clamped_tiny", lambda p, h, d: leaky(bn(h, p["g"], p["b"], root=lambda v, e: lax.rsqrt(jnp.maximum(
    v + e, 1e-12)))), "a clamp that never acts, since epsilon is larger")
judge("channel_pairs", lambda p, h, d: leaky(bn(h.reshape(120, 4, 2), axes=(0, 2)).reshape(FULL) * p["g"] + p["b"]),
      "one norm over a view whose channels are pairs")
judge("weight_standardisation", lambda p, h, d: leaky(h * p["g"] + p["b"]), "one batch norm of the weights",
      first=lambda p, d: conv(d["x"], bn(p["w1"])))
judge("ghost_slices", lambda p, h, d: leaky(jnp.concatenate([one(p, h[:2]), one(p, h[2:])])),
      "each half is a tensor with a norm of its own")
judge("one_channel", lambda p, h, d: leaky(one(p, h)), "one channel only", {"w1": (3, 3, CIN, 1), "g": (1,),
                                                                          "b": (1,), "w2": (3, 3, 1, COUT)})
judge("one_value", lambda p, h, d: leaky(bn(h, p["g"], p["b"], axes=(0,))), "M = 1: the variance is 0",
      {"w1": (CIN, C), "w2": (C, COUT)}, {"x": (1, CIN), "t": (1, COUT)}, first=lambda p, d: dense(d["x"], p["w1"]),
      last=lambda p, z: dense(z, p["w2"]))
judge("renorm", lambda p, h, d: leaky(((h - mean(h)) / jnp.sqrt(var(h) + EPS) * stop(jnp.clip(
    jnp.sqrt(var(h) + EPS) / jnp.sqrt(d["rv"]), 1 / 3, 3)) + stop(jnp.clip((mean(h) - d["rm"]) / jnp.sqrt(
        d["rv"]), -5, 5))) * p["g"] + p["b"]), "batch renormalisation: a bare norm, then r and d without gradient",
      data={"rm": (C,), "rv": (C,)})
judge("eps_zero", lambda p, h, d: leaky(bn(h, p["g"], p["b"], eps=0.0)))
judge("eps_negative", lambda p, h, d: leaky(bn(h, p["g"], p["b"], eps=-1e-6)))
judge("eps_huge", lambda p, h, d: leaky(bn(h, p["g"], p["b"], eps=3.0)))
judge("gamma_clipped", lambda p, h, d: leaky(bn(h, jnp.clip(p["g"], 0.1, 2.0), p["b"])))
judge("gamma_of_batch", lambda p, h, d: leaky(bn(h, jnp.sqrt(var(h)), mean(h))), "undoes the norm: y is nearly x")
judge("gamma_of_variance", lambda p, h, d: leaky(bn(h, p["g"] * jnp.sqrt(var(h) + EPS), p["b"])), "a mean subtraction")
judge("gamma_zero", lambda p, h, d: leaky(bn(h, 0 * p["g"], p["b"])))
judge("gamma_sign", lambda p, h, d: leaky(bn(h, jnp.sign(p["g"]), p["b"])))

# --- losses and gradients --------------------------------------------------------------------------------------

judge("loss_on_statistics", lambda p, h, d: (leaky(one(p, h)), 0.1 * jnp.sum(jnp.square(mean(h))) + 0.1 * jnp.sum(
    jnp.square(var(h) - 1)), ()), "distillation of the batch's statistics")
judge("loss_on_mean_of_y", lambda p, h, d: (leaky(one(p, h)), 0.1 * jnp.sum(jnp.square(mean(one(p, h)))), ()))
judge("loss_on_rstd", lambda p, h, d: (leaky(one(p, h)), 0.1 * jnp.sum(lax.rsqrt(var(h) + EPS)), ()))
judge("gradient_reversed", lambda p, h, d: leaky(2 * stop(one(p, h)) - one(p, h)), "the value of y, minus its gradient")
judge("straight_through", lambda p, h, d: (lambda y: y + stop(jax.nn.relu(y) - y))(one(p, h)), "identity's gradient",
      backward=[0, 1])
judge("straight_through_sign", lambda p, h, d: (lambda y: y + stop(jnp.sign(y) - y))(one(p, h)))
judge("gradient_clipped", lambda p, h, d: clip_gradient(leaky(one(p, h))), "dz is clipped")
judge("gradient_of_norm_clipped", lambda p, h, d: leaky(clip_gradient(one(p, h))), "dy is clipped")
judge("dx_clipped", lambda p, h, d: leaky(one(p, clip_gradient(h))), "dx is clipped")
judge("dx_halved", lambda p, h, d: leaky(one(p, 0.5 * h + stop(0.5 * h))), "dx is halved")
judge("dx_dropped_half", lambda p, h, d: leaky(jnp.where(d["mask"] > 0, one(p, h), stop(one(p, h)))),
      "dy has holes", data={"mask": FULL})
judge("lazy_gamma", lambda p, h, d: leaky(bn(h) * (0.5 * p["g"] + stop(0.5 * p["g"])) + p["b"]), "half of dgamma")
judge("kappa", lambda p, h, d: (lambda y: jnp.where(y > 0, y, stop(0.2 * y) + 0.1 * (y - stop(y))))(one(p, h)),
      "slope 0.2 forward, 0.1 backward")


@jax.custom_vjp
def clip_gradient(x):
    return x


clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1e-3, 1e-3),))


@case("judge_gradient_penalty", expect="judge")
def _():
    """A gradient's gradient through the norm."""
    def block(p, h, d):
        penalty = jnp.sum(jnp.square(jax.grad(lambda h: jnp.sum(jnp.tanh(one(p, h)) * d["r"]))(h)))
        return jnp.tanh(one(p, h)), 0.01 * penalty, ()
    return step(block, data={"r": FULL})


@case("judge_forward_mode", expect="judge")
def _():
    """A directional derivative through the norm."""
    main, (p, d) = step(lambda p, h, d: jnp.tanh(one(p, h)))
    return lambda p, d: jax.jvp(lambda p: jnp.tanh(one(p, conv(d["x"], p["w1"]))), (p,), (p,)), (p, d)


@case("judge_forward_only", expect="judge")
def _():
    """Training statistics, no backward."""
    main, (p, d) = step(lambda p, h, d: jnp.tanh(one(p, h)))
    return lambda p, d: leaky(one(p, conv(d["x"], p["w1"]))), (p, d)


@case("judge_loop", expect="judge")
def _():
    """The norm in a loop's body: three steps of training."""
    main, (p, d) = step(lambda p, h, d: leaky(one(p, h)))
    return lambda p, d: lax.fori_loop(0, 3, lambda i, p: main(p, d)[1], p), (p, d)


# --- almost an activation ------------------------------------------------------------------------------------------

def almost(name, function, why="", **keywords):
    judge(f"act_{name}", lambda p, h, d: function(one(p, h)), why, **keywords)


almost("tanh_of_exp", lambda y: (jnp.exp(2 * y) - 1) / (jnp.exp(2 * y) + 1), "NaN where exp overflows")
almost("leaky_kink_off", lambda y: jnp.where(y > 1e-3, y, 0.1 * y), "the kink is elsewhere")
almost("leaky_clipped", lambda y: jnp.clip(leaky(y, 0.1), -1e3, 1e3), "clipped far out")
almost("relu_20", lambda y: jnp.clip(y, 0, 20), "relu20")
almost("relu_1e30", lambda y: jnp.clip(y, 0, 1e30))
almost("softplus_threshold", lambda y: jnp.where(y > 20, y, jnp.log1p(jnp.exp(jnp.minimum(y, 20)))), "PyTorch's")
almost("softplus_threshold_3", lambda y: jnp.where(y > 3, y, jnp.log1p(jnp.exp(jnp.minimum(y, 3)))), "not continuous")
almost("gelu_1_7", lambda y: y * jax.nn.sigmoid(1.7 * y), "nearly quick_gelu")
almost("elu_clipped", lambda y: jnp.where(y > 0, y, jnp.exp(jnp.maximum(jnp.minimum(y, 0), -30.0)) - 1))
almost("gate_at_zero", lambda y: jnp.where(y == 0, 7.0, leaky(y)), "another value at 0 alone")
almost("leaky_per_half", lambda y: jnp.concatenate([leaky(y[..., :4], 0.1), leaky(y[..., 4:], 0.2)], -1))
almost("leaky_three_pieces", lambda y: jnp.where(y > 5, 2 * y - 5, leaky(y, 0.1)), "a third piece far out")
almost("nan_guard", lambda y: jnp.where(jnp.isnan(y), 0.0, leaky(y)), "replaces NaN")
almost("soft_shrink", lambda y: jnp.sign(y) * jnp.maximum(jnp.abs(y) - 0.5, 0))
almost("hard_shrink", lambda y: jnp.where(jnp.abs(y) > 1e-2, y, 0))
almost("sine_small", lambda y: jnp.sin(1e-3 * y) * 1e3, "nearly the identity")
almost("floor", lambda y: leaky(y) + 1e-2 * jnp.floor(y))
almost("maxout", lambda y: jnp.maximum(y[..., :4], y[..., 4:]), params={"w2": (3, 3, 4, COUT)})
almost("softmax", lambda y: jax.nn.softmax(y, -1))
almost("prelu_of_batch", lambda y: jnp.where(y > 0, y, y * jnp.mean(jax.nn.sigmoid(y), (0, 1, 2))),
       "a slope for each channel, from the batch")
