"""Networks and steps around the norm that must not hide it: other readers, residual sums, several
norms, other steps than plain gradient descent."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from case_networks import C, CIN, COUT, EPS, N, NHWC, bn, conv, cross_entropy, dense, leaky, stats_moments_clamped, step
from case_table import case

LEAKY = "leaky_relu"
ONE = lambda p, h: bn(h, p["g"], p["b"])
TWO = {"g2": (C,), "b2": (C,)}
CC = (3, 3, C, C)
FULL = (4, 6, 5, C)


def whole(name, activations, function, forward=1, params=None, data=None, why="", **keywords):
    options = {k: keywords.pop(k) for k in ("backward", "expect", "remark") if k in keywords}
    def build():
        return step(function, params, data, **keywords)
    build.__doc__ = why
    case(f"net_{name}", activations, forward, **options)(build)


# --- other readers --------------------------------------------------------------------------------------

whole("y_skip", [f"{LEAKY}|none"], lambda p, h, d: (lambda y: leaky(y) + y)(ONE(p, h)), why="y skips the activation")
whole("y_loss", [f"{LEAKY}|none"], lambda p, h, d: (lambda y: (leaky(y), 0.1 * jnp.mean(y * y), ()))(ONE(p, h)),
      why="a loss on y")
whole("y_skip_and_loss", [f"{LEAKY}|none"],
      lambda p, h, d: (lambda y: (leaky(y) + 0.5 * y, 0.1 * jnp.mean(jnp.abs(y)), ()))(ONE(p, h)))
whole("y_result", [LEAKY], lambda p, h, d: (lambda y: (leaky(y), 0.0, (y,)))(ONE(p, h)), why="y is a result")
whole("z_result", [LEAKY], lambda p, h, d: (lambda z: (z, 0.0, (z,)))(leaky(ONE(p, h))), why="z is a result")
whole("x_result", [LEAKY], lambda p, h, d: (leaky(ONE(p, h)), 0.0, (h,)), why="x is a result")
whole("z_loss", [LEAKY], lambda p, h, d: (lambda z: (z, 0.1 * jnp.mean(z * z), ()))(leaky(ONE(p, h))),
      why="activity regularisation")
whole("z_twice", [LEAKY], lambda p, h, d: (lambda z: conv(z, p["w3"]) + z)(leaky(ONE(p, h))), params={"w3": CC},
      why="z goes into a convolution and around it")
whole("z_stopped", [LEAKY], lambda p, h, d: (lambda z: z + lax.stop_gradient(jnp.tanh(z)))(leaky(ONE(p, h))),
      why="z's second use has no gradient")
whole("y_stopped", [LEAKY], lambda p, h, d: (lambda y: leaky(y) + lax.stop_gradient(jnp.tanh(y)))(ONE(p, h)),
      why="y's second use has no gradient")
whole("x_skip", [LEAKY], lambda p, h, d: leaky(ONE(p, h)) + h, why="dx is a term of a sum")
whole("x_loss", [LEAKY], lambda p, h, d: (leaky(ONE(p, h)), 0.1 * jnp.mean(h * h), ()), why="dx is a term of a sum")
whole("x_stopped", [LEAKY], lambda p, h, d: leaky(ONE(p, h)) * lax.stop_gradient(h), why="x is read later, no gradient")
whole("dx_is_result", [LEAKY], lambda p, h, d: leaky(ONE(p, p["h"])), params={"h": FULL, "w1": None},
      first=lambda p, d: None, why="x is a parameter: dx goes into its update")
whole("two_activations", ["relu|none", "tanh|none"],
      lambda p, h, d: (lambda y: jnp.concatenate([jax.nn.relu(y), jnp.tanh(y)], -1))(ONE(p, h)),
      params={"w2": (3, 3, 2 * C, COUT)}, why="two activations of one y")
whole("crelu", ["relu|none", "none"],
      lambda p, h, d: (lambda y: jnp.concatenate([jax.nn.relu(y), jax.nn.relu(-y)], -1))(ONE(p, h)),
      params={"w2": (3, 3, 2 * C, COUT)}, why="relu of y and of -y")
whole("glu", ["none"], lambda p, h, d: (lambda y: y[..., :4] * jax.nn.sigmoid(y[..., 4:]))(ONE(p, h)),
      params={"w2": (3, 3, 4, COUT)}, why="half the channels gate the others")

# --- blocks -----------------------------------------------------------------------------------------------

whole("residual_post", [LEAKY, f"{LEAKY}|none"], lambda p, h, d: leaky(
    bn(conv(leaky(ONE(p, h)), p["w3"]), p["g2"], p["b2"]) + leaky(ONE(p, h))), 2, {"w3": CC, **TWO},
    why="ResNet's block: the second norm is added before its activation")
whole("residual_pre", [LEAKY, LEAKY], lambda p, h, d: h + conv(
    leaky(bn(conv(leaky(ONE(p, h)), p["w3"]), p["g2"], p["b2"])), p["w4"]), 2, {"w3": CC, "w4": CC, **TWO},
    why="pre-activation")
whole("residual_down", [f"{LEAKY}|none"], lambda p, h, d: leaky(
    ONE(p, h) + bn(conv(h, p["w3"]), p["g2"], p["b2"])), 2, {"w3": CC, **TWO}, why="both branches are norms")
whole("darknet", [LEAKY, LEAKY], lambda p, h, d: (lambda z: z + leaky(bn(conv(z, p["w3"]), p["g2"], p["b2"])))(
    leaky(ONE(p, h))), 2, {"w3": CC, **TWO}, why="the activation before the sum")
whole("squeeze_excite", ["none"], lambda p, h, d: (lambda y: y * jax.nn.sigmoid(dense(jax.nn.relu(dense(
    jnp.mean(y, (1, 2)), p["s1"])), p["s2"]))[:, None, None, :])(ONE(p, h)), params={"s1": (C, 2), "s2": (2, C)},
    why="y gates itself")
whole("squeeze_excite_after", [LEAKY], lambda p, h, d: (lambda z: z * jax.nn.sigmoid(dense(jax.nn.relu(dense(
    jnp.mean(z, (1, 2)), p["s1"])), p["s2"]))[:, None, None, :])(leaky(ONE(p, h))),
    params={"s1": (C, 2), "s2": (2, C)}, why="z gates itself")
whole("dropout", [LEAKY], lambda p, h, d: leaky(ONE(p, h)) * d["mask"] * (1 / 0.9), data={"mask": FULL})
whole("dropout_select", [LEAKY], lambda p, h, d: jnp.where(d["mask"] > 0.1, leaky(ONE(p, h)) / 0.9, 0),
      data={"mask": FULL})
whole("dropout_before", [f"{LEAKY}|none"], lambda p, h, d: leaky(ONE(p, h) * d["mask"]), data={"mask": FULL},
      why="between the norm and the activation")
whole("pool_between", ["none"], lambda p, h, d: leaky(jnp.mean(ONE(p, h).reshape(4, 3, 2, 5, C), 2)),
      why="an average pool between the norm and the activation")
whole("pool_after", [LEAKY], lambda p, h, d: jnp.mean(leaky(ONE(p, h)).reshape(4, 3, 2, 5, C), 2))
whole("transpose_between", [f"{LEAKY}|none"], lambda p, h, d: jnp.moveaxis(leaky(jnp.moveaxis(ONE(p, h), -1, 1)), 1, -1),
      why="to channels first and back around the activation")
whole("reshape_between", [f"{LEAKY}|none"], lambda p, h, d: leaky(ONE(p, h).reshape(4, 30, C)).reshape(FULL),
      why="flattened between the norm and the activation")
whole("conditional", ["none"], lambda p, h, d: leaky(bn(h) * dense(d["e"], p["g"])[:, None, None, :]
      + dense(d["e"], p["b"])[:, None, None, :]), params={"g": (3, C), "b": (3, C)}, data={"e": (4, 3)},
      why="gamma and beta from a label: a norm without parameters")
whole("spade", ["none"], lambda p, h, d: leaky(bn(h) * (1 + conv(d["x"], p["wg"])) + conv(d["x"], p["wb"])),
      params={"g": None, "b": None, "wg": (3, 3, CIN, C), "wb": (3, 3, CIN, C)},
      why="gamma and beta for each position")
whole("noise_before", [LEAKY], lambda p, h, d: leaky(ONE(p, h + d["noise"])), data={"noise": FULL})
whole("activation_first", ["none"], lambda p, h, d: ONE(p, jax.nn.relu(h)), why="relu, then norm")
whole("activation_both", [LEAKY], lambda p, h, d: leaky(ONE(p, jax.nn.relu(h))))

# --- several norms ------------------------------------------------------------------------------------------

whole("bn_on_bn", [LEAKY], lambda p, h, d: leaky(bn(ONE(p, h), p["g2"], p["b2"])), 2, TWO,
      why="the norm of a norm: gamma and epsilon of the first matter to the second")
whole("bn_act_bn", [LEAKY, LEAKY], lambda p, h, d: leaky(bn(leaky(ONE(p, h)), p["g2"], p["b2"])), 2, TWO,
      why="no convolution between")
whole("shared", [LEAKY, LEAKY], lambda p, h, d: leaky(ONE(p, conv(leaky(ONE(p, h)), p["w3"]))), 2, {"w3": CC},
      why="one norm's parameters at two places: dgamma is a sum")
whole("two_views", [LEAKY, LEAKY], lambda p, h, d: leaky(ONE(p, h)) + leaky(ONE(p, conv(d["x2"], p["w1"]))), 2,
      data={"x2": (4, 6, 5, CIN)}, why="siamese: all parameters shared")
whole("two_of_one_x", [LEAKY, "tanh"], lambda p, h, d: leaky(ONE(p, h)) + jnp.tanh(bn(h, p["g2"], p["b2"])), 2, TWO)
whole("same_twice", [LEAKY, f"{LEAKY}|none"], lambda p, h, d: leaky(ONE(p, h)) * leaky(ONE(p, h), 0.3), [1, 2],
      why="one norm written twice: one or two chains")
whole("two_epsilons", [LEAKY, LEAKY], lambda p, h, d: leaky(bn(h, p["g"], p["b"], eps=1e-5)) + leaky(
    bn(h, p["g2"], p["b2"], eps=1e-2)), 2, TWO, why="one x, two epsilons")
whole("shared_statistics", [LEAKY, LEAKY], lambda p, h, d: (lambda n: leaky(n * p["g"] + p["b"]) + leaky(
    n * p["g2"] + p["b2"]))(bn(h)), [1, 2], TWO, why="two affine maps of one normalised x",
      backward=[0, 2], expect="judge")

# --- other steps ----------------------------------------------------------------------------------------------

def updated(name, update=None, block=None, why="", data=None, params=None):
    whole(name, [LEAKY], block or (lambda p, h, d: leaky(ONE(p, h))), why=why, update=update, data=data, params=params)


def running(unbiased):
    def block(p, h, d):
        m, v = jnp.mean(h, NHWC), jnp.var(h, NHWC)
        y = (h - m) * lax.rsqrt(v + EPS) * p["g"] + p["b"]
        v = v * 120 / 119 if unbiased else v
        return leaky(y), 0.0, (0.9 * d["rm"] + 0.1 * m, 0.9 * d["rv"] + 0.1 * v)
    return block


updated("running_biased", block=running(False), data={"rm": (C,), "rv": (C,)})
updated("running_unbiased", block=running(True), data={"rm": (C,), "rv": (C,)}, why="PyTorch's running variance")
updated("running_stopped", block=lambda p, h, d: tuple(lax.stop_gradient(q) if i == 2 else q for i, q in enumerate(
    running(False)(p, h, d))), data={"rm": (C,), "rv": (C,)})
updated("rstd_result", block=lambda p, h, d: (leaky(ONE(p, h)), 0.0, (lax.rsqrt(jnp.var(h, NHWC) + EPS), jnp.sum(h, NHWC))),
        why="rstd and the plain sum are results")
updated("weight_decay", lambda p, g: {k: v - 0.1 * (g[k] + 1e-2 * v) for k, v in p.items()}, why="on gamma too")
updated("l2_loss", block=lambda p, h, d: (leaky(ONE(p, h)), 1e-2 * sum(jnp.sum(v * v) for v in p.values()), ()))
updated("clip_norm", lambda p, g: (lambda n: {k: v - 0.1 * g[k] / jnp.maximum(1.0, n) for k, v in p.items()})(
    jnp.sqrt(sum(jnp.sum(v * v) for v in g.values()))), why="clipped by the global norm")
updated("clip_value", lambda p, g: {k: v - 0.1 * jnp.clip(g[k], -1, 1) for k, v in p.items()})
updated("adam", lambda p, g: {k: (v - 1e-3 * 0.1 * g[k] / (jnp.sqrt(1e-3 * g[k] * g[k]) + 1e-8), 0.1 * g[k],
                                  1e-3 * g[k] * g[k]) for k, v in p.items()})
updated("sign_sgd", lambda p, g: {k: v - 1e-3 * jnp.sign(g[k]) for k, v in p.items()})


@case("net_remat", [LEAKY], forward=[1, 2], backward=1)
def _():
    """Checkpointed: the backward normalises again behind a barrier."""
    block = jax.checkpoint(lambda p, h: leaky(ONE(p, h)))
    return step(lambda p, h, d: block(p, h))


@case("net_loss_scaled", [LEAKY])
def _():
    """Loss scaling: gradients 1024 times and back."""
    main, args = step(lambda p, h, d: leaky(ONE(p, h)))
    def scaled(p, d):
        def loss(p):
            z = leaky(ONE(p, conv(d["x"], p["w1"])))
            return 1024.0 * cross_entropy(conv(z, p["w2"]), d["t"])
        value, grads = jax.value_and_grad(loss)(p)
        return value / 1024, {k: v - 0.1 * (grads[k] / 1024) for k, v in p.items()}
    return scaled, args


@case("net_two_steps", [LEAKY, f"{LEAKY}|none"], forward=2)
def _():
    """Two steps in one graph: the second's gamma depends on the data, perhaps the bare norm is found."""
    main, args = step(lambda p, h, d: leaky(ONE(p, h)))
    def both(p, d):
        value, p, _ = main(p, d)
        return value, main(p, d)
    return both, args


@case("net_accumulated", [LEAKY, LEAKY], forward=2)
def _():
    """Two micro-batches: dgamma is a sum over two norms."""
    main, (p, d) = step(lambda p, h, d: leaky(ONE(p, h)))
    def both(p, d, e):
        _, a, _ = main(p, d)
        _, b, _ = main(p, e)
        return {k: (a[k] + b[k]) / 2 for k in p}
    return both, (p, d, d)


@case("net_gradients_only", [LEAKY])
def _():
    """jax.grad: no loss among the results, no update."""
    def grads(p, d):
        return jax.grad(lambda p: cross_entropy(conv(leaky(ONE(p, conv(d["x"], p["w1"]))), p["w2"]), d["t"]))(p)
    return grads, step(None)[1]


@case("net_sum_loss", [f"{LEAKY}|none"])
def _():
    """The loss is linear in z and not returned: z is never computed, its slope is."""
    def main(p, d):
        return jax.grad(lambda p: jnp.sum(leaky(ONE(p, conv(d["x"], p["w1"]))) * d["r"]))(p)
    params, data = step(None, {"w2": None}, {"r": FULL})[1]
    return main, (params, data)


@case("net_hand_written_backward", [LEAKY])
def _():
    """dx in the compact form r*gamma/M * (M*dy - sum(dy) - xhat*sum(dy*xhat)), as in hand-written kernels."""
    @jax.custom_vjp
    def f(x, g, b):
        return bn(x, g, b)
    def fwd(x, g, b):
        m, v = jnp.mean(x, NHWC), jnp.var(x, NHWC)
        r = lax.rsqrt(v + EPS)
        return (x - m) * r * g + b, (x, m, r, g)
    def bwd(saved, dy):
        x, m, r, g = saved
        n = (x - m) * r
        db, dg = jnp.sum(dy, NHWC), jnp.sum(dy * n, NHWC)
        return g * r / 120 * (120 * dy - db - n * dg), dg, db
    f.defvjp(fwd, bwd)
    return step(lambda p, h, d: leaky(f(h, p["g"], p["b"])))


# --- flax -----------------------------------------------------------------------------------------------------

def flax_case(name, activations, function, why="", **options):
    def build():
        model = nn.BatchNorm(use_running_average=False, momentum=0.9, **options)
        def block(p, h, d):
            used = {k: p[s] for k, s in (("scale", "g"), ("bias", "b")) if s in p}
            y, new = model.apply({"params": used, "batch_stats": {"mean": d["rm"], "var": d["rv"]}}, h,
                                 mutable=["batch_stats"])
            return function(y).astype(jnp.float32), 0.0, new
        keep = {"g": (C,) if options.get("use_scale", True) else None, "b": (C,) if options.get("use_bias", True) else None}
        return step(block, keep, {"rm": (C,), "rv": (C,)})
    build.__doc__ = why
    case(f"linen_{name}", activations)(build)


flax_case("leaky", [LEAKY], nn.leaky_relu)
flax_case("gelu", ["gelu_tanh"], nn.gelu, "flax's gelu is the approximation")
flax_case("no_scale", [LEAKY], nn.leaky_relu, use_scale=False)
flax_case("no_bias", ["silu"], nn.swish, use_bias=False)
flax_case("slow_variance", [LEAKY], nn.leaky_relu, use_fast_variance=False)
flax_case("bf16", [f"{LEAKY}|none"], nn.leaky_relu, "computes in bf16, statistics in f32", dtype=jnp.bfloat16)


@case("net_dynamic_source", [f"{LEAKY}|none"])
def _():
    """x is a parameter, the loss linear: every op holds for any batch."""
    def main(p, d):
        return jax.grad(lambda p: jnp.sum(leaky(ONE(p, p["h"])) * d["r"]))(p)
    params, data = step(None, {"w1": None, "w2": None, "h": FULL}, {"x": None, "t": None, "r": FULL})[1]
    return main, (params, data)
