"""Batch norms that must be found: each activation in several spellings, each part of the norm in
several forms."""

import jax
import jax.numpy as jnp
from jax import lax

from case_networks import (C, COUT, EPS, CIN, NHWC, bn, conv, count, cross_entropy, dense, leaky, per_channel, step,
                           stats_moments, stats_moments_clamped, stats_two_pass)
from case_table import case


def activation(name, expected, function, why="", params=None, forward=1):
    def build():
        return step(lambda p, h, d: function(bn(h, p["g"], p["b"]), p), params)
    build.__doc__ = why
    case(f"act_{name}", expected, forward)(build)


def plain(name, expected, function, why="", **keywords):
    activation(name, expected, lambda y, p: function(y), why, **keywords)


relu = lambda y: jnp.maximum(y, 0)
plain("identity", [], lambda y: y)
plain("leaky_where", ["leaky_relu"], leaky)
plain("leaky_max", ["leaky_relu"], lambda y: jnp.maximum(y, 0.1 * y))
plain("leaky_nn", ["leaky_relu"], lambda y: jax.nn.leaky_relu(y, 0.2))
plain("leaky_two_relus", ["leaky_relu"], lambda y: jax.nn.relu(y) - 0.2 * jax.nn.relu(-y))
plain("leaky_abs", ["leaky_relu"], lambda y: 0.55 * y + 0.45 * jnp.abs(y))
plain("leaky_negated", ["leaky_relu"], lambda y: jnp.where(y <= 0, -(0.3 * -y), y))
plain("leaky_slope_2", ["leaky_relu"], lambda y: leaky(y, 2.0), "a slope above 1 is max no more, and invertible")
plain("leaky_negative_slope", ["leaky_relu|none"], lambda y: leaky(y, -0.2), "not invertible, but a leaky relu")
plain("abs", ["leaky_relu|none"], jnp.abs, "leaky with slope -1")
plain("leaky_twice", ["leaky_relu"], lambda y: leaky(leaky(y, 0.2), 0.2), "slope 0.04")
plain("relu_nn", ["relu"], jax.nn.relu)
plain("relu_where", ["relu"], lambda y: jnp.where(y > 0, y, 0))
plain("relu_mask", ["relu"], lambda y: y * (y > 0).astype(y.dtype))
plain("relu_abs", ["relu"], lambda y: (y + jnp.abs(y)) / 2)
plain("relu6_nn", ["hardtanh"], jax.nn.relu6)
plain("relu6_minmax", ["hardtanh"], lambda y: jnp.minimum(jnp.maximum(y, 0), 6))
plain("hardtanh_nn", ["hardtanh"], jax.nn.hard_tanh)
plain("hardtanh_clip", ["hardtanh"], lambda y: jnp.clip(y, -0.5, 1.5))
plain("elu_nn", ["elu|celu"], jax.nn.elu)
plain("elu_alpha", ["elu"], lambda y: jax.nn.elu(y, 0.7))
plain("elu_exp", ["elu|celu"], lambda y: jnp.where(y > 0, y, jnp.exp(jnp.minimum(y, 0)) - 1))
plain("elu_scaled", ["elu"], lambda y: 1.3 * jax.nn.elu(y, 0.7), "elu's scale")
plain("elu_input_scale", ["elu"], lambda y: jnp.where(y > 0, y, 0.7 * jnp.expm1(1.5 * jnp.minimum(y, 0))),
      "elu's input_scale")
plain("selu_nn", ["selu|elu"], jax.nn.selu)
plain("celu_nn", ["celu|elu"], lambda y: jax.nn.celu(y, 2.0))
plain("softplus_nn", ["softplus"], jax.nn.softplus)
plain("softplus_stable", ["softplus"], lambda y: jnp.maximum(y, 0) + jnp.log1p(jnp.exp(-jnp.abs(y))))
plain("softplus_log", ["softplus|none"], lambda y: jnp.log(1 + jnp.exp(y)), "overflows from 89 in f32",
      forward=[0, 1])
plain("softplus_beta", ["softplus"], lambda y: jax.nn.softplus(2 * y) / 2)
plain("log_sigmoid", ["softplus|none"], jax.nn.log_sigmoid, "softplus with beta -1")
plain("sigmoid_nn", ["sigmoid"], jax.nn.sigmoid)
plain("sigmoid_exp", ["sigmoid|none"], lambda y: 1 / (1 + jnp.exp(-y)), "its gradient is inf/inf below -89 in f32",
      forward=[0, 1])
plain("sigmoid_tanh", ["sigmoid"], lambda y: 0.5 * (jnp.tanh(0.5 * y) + 1))
plain("tanh", ["tanh"], jnp.tanh)
plain("tanh_sigmoid", ["tanh"], lambda y: 2 * jax.nn.sigmoid(2 * y) - 1)
plain("silu_nn", ["silu"], jax.nn.silu)
plain("silu_divide", ["silu"], lambda y: y / (1 + jnp.exp(-y)))
plain("swish_1_5", ["scaled"], lambda y: y * jax.nn.sigmoid(1.5 * y), "silu, scaled before and after")
plain("quick_gelu", ["scaled"], lambda y: y * jax.nn.sigmoid(1.702 * y), "silu, scaled before and after")
plain("gelu_nn", ["gelu"], lambda y: jax.nn.gelu(y, approximate=False))
plain("gelu_erf", ["gelu"], lambda y: 0.5 * y * (1 + lax.erf(y * 0.5**0.5)))
plain("gelu_tanh_nn", ["gelu_tanh"], lambda y: jax.nn.gelu(y, approximate=True))
plain("mish_nn", ["mish"], jax.nn.mish)
plain("mish_log1p", ["mish|none"], lambda y: y * jnp.tanh(jnp.log1p(jnp.exp(y))), "overflows to the right value")
plain("hardswish_nn", ["hardswish"], jax.nn.hard_silu)
plain("hardsigmoid_nn", ["hardsigmoid"], jax.nn.hard_sigmoid)
plain("hardsigmoid_clip", ["hardsigmoid"], lambda y: jnp.clip(y / 6 + 0.5, 0, 1))
plain("squareplus", ["none"], jax.nn.squareplus, "no such activation: the norm alone")
plain("softsign", ["leaky_relu|none"], lambda y: y / (1 + jnp.abs(y)), "|y| is leaky with slope -1, the rest is not")
plain("square", ["none"], lambda y: y * y, "no such activation: the norm alone")
plain("shifted_relu", ["relu"], lambda y: jax.nn.relu(y) + 0.1, "a relu, then more")
plain("relu_of_2y", ["relu|scaled"], lambda y: jax.nn.relu(2 * y), "relu of a scaled y: of another batch norm")
plain("relu_minus", ["relu|scaled|none"], lambda y: -jax.nn.relu(-y), "min(y, 0)")
plain("relu_squared", ["relu"], lambda y: jnp.square(jax.nn.relu(y)), "relu, then a square")
activation("prelu", ["prelu"], lambda y, p: jnp.where(y > 0, y, p["a"] * y), "one trained slope per channel",
           {"a": (C,)})
activation("prelu_max", ["prelu"], lambda y, p: relu(y) + p["a"] * jnp.minimum(y, 0), "the usual spelling",
           {"a": (C,)})
activation("prelu_one_slope", ["prelu|none"], lambda y, p: jnp.where(y > 0, y, p["a"] * y),
           "a trained scalar slope", {"a": ()})


@case("act_leaky_slope_tensor", ["none"])
def _():
    """A random slope for each element (rrelu) is no attribute: the norm alone."""
    return step(lambda p, h, d: jnp.where(bn(h, p["g"], p["b"]) > 0, 1.0, d["r"]) * bn(h, p["g"], p["b"]),
                data={"r": (4, 6, 5, C)})


# --- forms of the norm --------------------------------------------------------------------------------

def norm(name, function, why="", params=None, data=None, expected=("leaky_relu",), **keywords):
    def build():
        return step(lambda p, h, d: leaky(function(h, p, d)), params, data, **keywords)
    build.__doc__ = why
    case(f"norm_{name}", list(expected))(build)


LOOSE = ("leaky_relu|none",)  # beta or gamma is no value of the graph: perhaps the bare norm


def root(name, function, why=""):
    norm(f"root_{name}", lambda h, p, d: bn(h, p["g"], p["b"], root=function), why)


def statistics(name, function, why=""):
    norm(f"stats_{name}", lambda h, p, d: bn(h, p["g"], p["b"], stats=function), why)


root("rsqrt", lambda v, e: lax.rsqrt(v + e))
root("one_over_sqrt", lambda v, e: 1 / jnp.sqrt(v + e))
root("power", lambda v, e: (v + e) ** -0.5)
root("exp_log", lambda v, e: jnp.exp(-0.5 * jnp.log(v + e)))
root("square_of_fourth", lambda v, e: jnp.square((v + e) ** -0.25))
root("eps_times_m", lambda v, e: jnp.sqrt(120.0) / jnp.sqrt(120.0 * v + 120.0 * e), "all over sqrt(M)")
root("eps_in_pieces", lambda v, e: lax.rsqrt((v + 0.25 * e) + 0.75 * e))
norm("divide", lambda h, p, d: p["g"] * (h - jnp.mean(h, NHWC)) / jnp.sqrt(jnp.var(h, NHWC) + EPS) + p["b"])
norm("eps_1e-3", lambda h, p, d: bn(h, p["g"], p["b"], eps=1e-3))
norm("eps_0.3", lambda h, p, d: bn(h, p["g"], p["b"], eps=0.3), "large for an epsilon, but one")
norm("eps_1e-8", lambda h, p, d: bn(h, p["g"], p["b"], eps=1e-8))
statistics("moments", stats_moments)
statistics("moments_clamped", stats_moments_clamped)
statistics("two_pass", stats_two_pass)
statistics("var", lambda x, a: (jnp.mean(x, a, keepdims=True), jnp.var(x, a, keepdims=True)))
statistics("reciprocal", lambda x, a: (jnp.sum(x, a, keepdims=True) * (1 / 120),
                                       jnp.sum(jnp.square(x - jnp.sum(x, a, keepdims=True) * (1 / 120)), a,
                                               keepdims=True) * (1 / 120)), "times 1/M")


@case("norm_stats_in_stages", ["leaky_relu"])
def _():
    """Width, height, batch: one after another."""
    def mean(x):
        return jnp.mean(jnp.mean(jnp.mean(x, 2, keepdims=True), 1, keepdims=True), 0, keepdims=True)
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], stats=lambda x, a: (mean(x), mean(jnp.square(x - mean(x)))))))


@case("norm_stats_total_variance", ["leaky_relu"])
def _():
    """Mean of the samples' variances + variance of their means."""
    def stats(x, axes):
        m = jnp.mean(x, (1, 2), keepdims=True)
        v = jnp.mean(jnp.square(x - m), (1, 2), keepdims=True)
        mean = jnp.mean(m, 0, keepdims=True)
        return mean, jnp.mean(v, 0, keepdims=True) + jnp.mean(jnp.square(m - mean), 0, keepdims=True)
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], stats=stats)))


@case("norm_stats_shifted", ["leaky_relu"])
def _():
    """Moments about the running mean, as accelerators compute them."""
    def block(p, h, d):
        k = lax.stop_gradient(d["rm"])
        def stats(x, axes):
            s = jnp.mean(x - k, axes, keepdims=True)
            return s + k, jnp.mean(jnp.square(x - k), axes, keepdims=True) - jnp.square(s)
        return leaky(bn(h, p["g"], p["b"], stats=stats))
    return step(block, data={"rm": (C,)})


@case("norm_stats_bessel_undone", ["leaky_relu"])
def _():
    """The unbiased variance times (M-1)/M is the biased one."""
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], stats=lambda x, a: (
        jnp.mean(x, a, keepdims=True), jnp.var(x, a, keepdims=True, ddof=1) * (119 / 120)))))


@case("norm_stats_pairs", ["leaky_relu"])
def _():
    """Half the mean square difference of all pairs, in moments: sum(x^2)/M - (sum(x)/M)^2."""
    def stats(x, axes):
        s, q = jnp.sum(x, axes, keepdims=True), jnp.sum(x * x, axes, keepdims=True)
        return s / 120, (120 * q - s * s) / (120 * 120)
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], stats=stats)))


norm("scale_shift", lambda h, p, d: (lambda m, v: h * (p["g"] * lax.rsqrt(v + EPS)) + (p["b"] - m * p["g"] * lax.rsqrt(v + EPS)))(
    jnp.mean(h, NHWC), jnp.var(h, NHWC)), "folded to x*scale + shift")
norm("scale_shift_after", lambda h, p, d: (lambda m, v: h * lax.rsqrt(v + EPS) * p["g"] + (p["b"] - m * (lax.rsqrt(v + EPS) * p["g"])))(
    jnp.mean(h, NHWC), jnp.var(h, NHWC)))
norm("centred_twice", lambda h, p, d: bn(h - jnp.mean(h, NHWC), p["g"], p["b"]), "x and x - mean have one batch norm")
norm("offset_input", lambda h, p, d: bn(h + 0.7, p["g"], p["b"]), "so have x and x + 0.7")
norm("gamma_only", lambda h, p, d: bn(h, p["g"]), params={"b": None})
norm("beta_only", lambda h, p, d: bn(h, None, p["b"]), params={"g": None})
norm("no_affine", lambda h, p, d: bn(h), params={"g": None, "b": None})
norm("gamma_plus_1", lambda h, p, d: bn(h, 1 + p["g"], p["b"]), "zero-initialised scale")
norm("gamma_abs", lambda h, p, d: bn(h, jnp.abs(p["g"]) + 1e-5, p["b"]), "INPLACE-ABN's own")
norm("gamma_exp", lambda h, p, d: bn(h, jnp.exp(p["g"]), p["b"]))
norm("gamma_softplus", lambda h, p, d: bn(h, jax.nn.softplus(p["g"]), p["b"]))
norm("gamma_normalised", lambda h, p, d: bn(h, p["g"] / jnp.sqrt(jnp.sum(p["g"] ** 2)), p["b"]))
norm("gamma_times_2", lambda h, p, d: bn(h, 2 * p["g"], p["b"]), "dgamma is twice a sum")
norm("gamma_one_scalar", lambda h, p, d: bn(h) * p["g"] + p["b"], "scalars for all channels", params={"g": (), "b": ()}, expected=LOOSE)
norm("gamma_is_beta", lambda h, p, d: bn(h, p["g"], p["g"]), "one parameter twice", params={"b": None})
norm("beta_minus", lambda h, p, d: bn(h, p["g"]) - p["b"], "beta is the negated parameter", expected=LOOSE)
norm("gamma_outside", lambda h, p, d: (bn(h) + p["b"]) * p["g"], "beta is a product", expected=LOOSE)
norm("gamma_before", lambda h, p, d: bn(h * p["g"], None, p["b"]), "gamma on x, which the norm takes out again")
norm("gamma_twice", lambda h, p, d: bn(h, p["g"] * p["g2"], p["b"]), params={"g2": (C,)})
norm("conv_bias", lambda h, p, d: bn(h + p["bias"], p["g"], p["b"]), "its gradient is 0", params={"bias": (C,)})
norm("frozen_gamma", lambda h, p, d: bn(h, p["g"], p["b"]), frozen=("g",))
norm("frozen_beta", lambda h, p, d: bn(h, p["g"], p["b"]), frozen=("b",))
norm("frozen_both", lambda h, p, d: bn(h, p["g"], p["b"]), frozen=("g", "b"))
norm("frozen_first", lambda h, p, d: bn(h, p["g"], p["b"]), "no dx", frozen=("w1",))
norm("frozen_first_and_beta", lambda h, p, d: bn(h, p["g"], p["b"]), "only dgamma", frozen=("w1", "b"))
norm("of_argument", lambda h, p, d: bn(h, p["g"], p["b"]), "x is an argument: no dx", first=lambda p, d: d["x"],
     params={"w1": None}, data={"x": (4, 6, 5, C)})


@case("norm_only_beta", ["leaky_relu|none"], forward=[0, 1], backward=[0, 1])
def _():
    """Only dbeta: the sum of dy, no norm in the backward."""
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"])), frozen=("w1", "g"))


# --- layouts -----------------------------------------------------------------------------------------

def layout(name, x, w1, axes, first, last, why="", t=4, w2=(C, COUT), expect="found"):
    def build():
        return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], axes=axes)), {"w1": w1, "w2": w2},
                    {"x": x, "t": (t, COUT)}, first=first, last=last)
    build.__doc__ = why
    case(f"layout_{name}", ["leaky_relu"], expect=expect)(build)


def channels_first(p, d):
    return jnp.einsum("ni...,io->no...", d["x"], p["w1"])


def from_channels_first(p, z):
    return jnp.einsum("ni...,io->n...o", z, p["w2"])


rows = lambda p, d: dense(d["x"], p["w1"])
columns = lambda p, z: dense(z, p["w2"])
layout("nc", (9, CIN), (CIN, C), (0,), rows, columns, t=9)
layout("nc_square", (C, C), (C, C), (0,), rows, columns, "as many rows as channels", t=C)
layout("nwc", (4, 6, CIN), (CIN, C), (0, 1), rows, columns)
layout("ncw", (4, CIN, 6), (CIN, C), (0, 2), channels_first, from_channels_first)
layout("ndhwc", (4, 2, 3, 5, CIN), (CIN, C), (0, 1, 2, 3), rows, columns)
layout("ncdhw", (4, CIN, 2, 3, 5), (CIN, C), (0, 2, 3, 4), channels_first, from_channels_first)
layout("nhcw", (4, 3, 6, 5), (3, C), (0, 1, 3), lambda p, d: jnp.einsum("nihw,io->nhow", d["x"], p["w1"]),
       lambda p, z: jnp.einsum("nhiw,io->nhwo", z, p["w2"]),
       "the channel in the middle")
layout("cnhw", (4, CIN, 6, 5), (CIN, C), (1, 2, 3), lambda p, d: jnp.einsum("nihw,io->onhw", d["x"], p["w1"]),
       lambda p, z: jnp.einsum("inhw,io->nhwo", z, p["w2"]),
       "the channel outermost: as a layer norm of the first dimension, whichever the policy says", expect="judge")
layout("all_equal", (8, 8, 8, CIN), (3, 3, CIN, C), NHWC, lambda p, d: conv(d["x"], p["w1"]),
       lambda p, z: conv(z, p["w2"]), "every dimension 8", t=8, w2=(3, 3, C, COUT))
layout("one_position", (9, 1, 1, CIN), (CIN, C), NHWC, rows, columns, "1 x 1 maps", t=9)
layout("one_sample", (1, 6, 5, CIN), (3, 3, CIN, C), NHWC, lambda p, d: conv(d["x"], p["w1"]),
       lambda p, z: conv(z, p["w2"]), "batch 1", t=1, w2=(3, 3, C, COUT))
layout("flattened", (4, 6, 5, CIN), (3, 3, CIN, C), (0,), lambda p, d: conv(d["x"], p["w1"]).reshape(120, C),
       lambda p, z: conv(z.reshape(4, 6, 5, C), p["w2"]), "rows of a flattened map", w2=(3, 3, C, COUT))


@case("layout_nchw", ["leaky_relu"])
def _():
    """PyTorch's."""
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"], axes=(0, 2, 3))), data={"x": (4, CIN, 6, 5)},
                first=lambda p, d: conv(d["x"], p["w1"], "NCHW"),
                last=lambda p, z: jnp.moveaxis(conv(z, p["w2"], "NCHW"), 1, -1))


@case("layout_two_channels", ["leaky_relu"])
def _():
    """Fewer channels than the tiny tensors have positions."""
    return step(lambda p, h, d: leaky(bn(h, p["g"], p["b"])),
                {"w1": (3, 3, CIN, 2), "g": (2,), "b": (2,), "w2": (3, 3, 2, COUT)})


# --- element types -----------------------------------------------------------------------------------

def mixed(name, dtype, stat_dtype, why, expected):
    def build():
        def block(p, h, d):
            x = h.astype(stat_dtype)
            y = bn(x, p["g"].astype(stat_dtype), p["b"].astype(stat_dtype))
            return leaky(y.astype(dtype), jnp.asarray(0.01, dtype))
        vec = jax.ShapeDtypeStruct((C,), stat_dtype)
        return step(block, {"g": vec, "b": vec}, dtype=dtype)
    build.__doc__ = why
    case(f"type_{name}", expected)(build)


mixed("bf16_f32", jnp.bfloat16, jnp.float32, "bf16 data, f32 statistics and parameters", ["leaky_relu|none"])
mixed("f16_f32", jnp.float16, jnp.float32, "f16 data, f32 statistics and parameters", ["leaky_relu|none"])
