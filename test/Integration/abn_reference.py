"""The mathematics of the abn ops in f64, from textbooks, and what rounding may do to them.

Nothing here is taken from the compiler: the backward is batch normalisation's own (Ioffe and Szegedy,
2015), computed from x, which the in-place ops never see.
"""

import math

import numpy as np

# Unit roundoff of storage types, and the smallest subnormal.
ROUNDOFF = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24, "f64": 2.0**-53}
SUBNORMAL = {"f16": 2.0**-24, "bf16": 2.0**-133, "f32": 2.0**-149, "f64": 2.0**-1074}

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def statistics_type(dtype):
    return "f64" if dtype == "f64" else "f32"


def sigmoid(y):
    return 0.5 * (1 + np.tanh(0.5 * y))


def softplus(y):
    return np.logaddexp(0, y)


def elu(alpha, scale, k):
    return (lambda y, a: np.where(y > 0, scale * y, scale * alpha * np.expm1(k * np.minimum(y, 0))),
            lambda y, a: np.where(y > 0, scale, scale * alpha * k * np.exp(k * np.minimum(y, 0))))


def gelu_tanh(y):
    return np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3))


def gelu_tanh_grad(y):
    t = gelu_tanh(y)
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * y**2)
    return 0.5 * (1 + t) + 0.5 * y * (1 - t**2) * inner


def mish_grad(y):
    t = np.tanh(softplus(y))
    return t + y * (1 - t**2) * sigmoid(y)


def scaled(phi, derivative, inner, outer):
    return (lambda y, a: outer * phi(inner * y), lambda y, a: outer * inner * derivative(inner * y))


erf = np.vectorize(math.erf, otypes=[float])
cdf = lambda y: 0.5 * (1 + erf(y / math.sqrt(2)))

# name: (attribute, phi(y, a), phi'(y, a)); a is prelu's slope, broadcast to y.
ACTIVATIONS = {
    "identity": ("#abn.identity", lambda y, a: y, lambda y, a: np.ones_like(y)),
    "leaky_relu": ("#abn.leaky_relu<0.01>", lambda y, a: np.where(y > 0, y, 0.01 * y),
                   lambda y, a: np.where(y > 0, 1.0, 0.01)),
    "leaky_steep": ("#abn.leaky_relu<1.5>", lambda y, a: np.where(y > 0, y, 1.5 * y),
                    lambda y, a: np.where(y > 0, 1.0, 1.5)),
    "elu": ("#abn.elu<1.0, scale = 1.0, input_scale = 1.0>", *elu(1.0, 1.0, 1.0)),
    "elu_scaled": ("#abn.elu<1.5, scale = 0.75, input_scale = 0.5>", *elu(1.5, 0.75, 0.5)),
    "celu": ("#abn.celu<2.0>", *elu(2.0, 1.0, 0.5)),
    "selu": ("#abn.selu", *elu(SELU_ALPHA, SELU_SCALE, 1.0)),
    "prelu": ("#abn.prelu", lambda y, a: np.where(y > 0, y, a * y),
              lambda y, a: np.where(y > 0, 1.0, a)),
    "softplus": ("#abn.softplus<2.0, threshold = 20.0>",
                 lambda y, a: np.where(2 * y > 20, y, softplus(2 * y) / 2),
                 lambda y, a: np.where(2 * y > 20, 1.0, sigmoid(2 * y))),
    "sigmoid": ("#abn.sigmoid", lambda y, a: sigmoid(y),
                lambda y, a: sigmoid(y) * sigmoid(-y)),
    "tanh": ("#abn.tanh", lambda y, a: np.tanh(y), lambda y, a: 1 / np.cosh(y)**2),
    "relu": ("#abn.relu", lambda y, a: np.maximum(y, 0), lambda y, a: (y > 0) * 1.0),
    "relu6": ("#abn.hardtanh<0.0, 6.0>", lambda y, a: np.clip(y, 0, 6),
              lambda y, a: ((y > 0) & (y < 6)) * 1.0),
    "hardsigmoid": ("#abn.hardsigmoid", lambda y, a: np.clip(y + 3, 0, 6) / 6,
                    lambda y, a: ((y > -3) & (y < 3)) / 6.0),
    "silu": ("#abn.silu", lambda y, a: y * sigmoid(y),
             lambda y, a: sigmoid(y) * (1 + y * sigmoid(-y))),
    "gelu": ("#abn.gelu", lambda y, a: y * cdf(y),
             lambda y, a: cdf(y) + y * np.exp(-y * y / 2) / math.sqrt(2 * math.pi)),
    "gelu_tanh": ("#abn.gelu_tanh", lambda y, a: 0.5 * y * (1 + gelu_tanh(y)),
                  lambda y, a: gelu_tanh_grad(y)),
    "mish": ("#abn.mish", lambda y, a: y * np.tanh(softplus(y)), lambda y, a: mish_grad(y)),
    "hardswish": ("#abn.hardswish", lambda y, a: y * np.clip(y + 3, 0, 6) / 6,
                  lambda y, a: np.where(y <= -3, 0.0, np.where(y < 3, y / 3 + 0.5, 1.0))),
    # y * sigmoid(1.702 * y), LeCun's tanh, and forms with negative scales.
    "quick_gelu": (f"#abn.scaled<#abn.silu, input_scale = 1.702, output_scale = {1 / 1.702!r}>",
                   lambda y, a: y * sigmoid(1.702 * y),
                   lambda y, a: sigmoid(1.702 * y) * (1 + 1.702 * y * sigmoid(-1.702 * y))),
    "lecun_tanh": (f"#abn.scaled<#abn.tanh, input_scale = {2 / 3!r}, output_scale = 1.7159>",
                   *scaled(np.tanh, lambda y: 1 / np.cosh(y)**2, 2 / 3, 1.7159)),
    "negative_tanh": (f"#abn.scaled<#abn.tanh, input_scale = {2 / 3!r}, output_scale = -1.7159>",
                      *scaled(np.tanh, lambda y: 1 / np.cosh(y)**2, 2 / 3, -1.7159)),
    "scaled_leaky": ("#abn.scaled<#abn.leaky_relu<0.2>, input_scale = -0.5, output_scale = 3.0>",
                     lambda y, a: np.where(y < 0, -1.5 * y, -0.3 * y), lambda y, a: np.where(y < 0, -1.5, -0.3)),
}

# Where phi' jumps: rounding of y near there may take the other side.
KINKS = {"leaky_relu": [0], "leaky_steep": [0], "elu_scaled": [0], "selu": [0], "prelu": [0],
         "relu": [0], "relu6": [0, 6], "hardsigmoid": [-3, 3], "hardswish": [-3, 3],
         "scaled_leaky": [0]}
INVERTIBLE = ["identity", "leaky_relu", "leaky_steep", "elu", "elu_scaled", "celu", "selu", "prelu",
              "softplus", "sigmoid", "tanh", "lecun_tanh", "negative_tanh", "scaled_leaky"]
FROZEN_ONLY = ["relu", "relu6", "hardsigmoid"]
NOT_INVERTIBLE = ["silu", "gelu", "gelu_tanh", "mish", "hardswish", "quick_gelu"]


def channelwise(vector, rank, channel):
    """`vector` broadcast along the other dimensions."""
    return np.asarray(vector, np.float64).reshape([-1 if d == channel else 1 for d in range(rank)])


class Step:
    """Forward and backward of batch norm and an activation on x, with dz coming back.

    `gamma` is what the network multiplies with (after any policy). `frozen` holds (mean, variance)
    for statistics that do not depend on x.
    """

    def __init__(self, name, x, dz, gamma, beta, slope, channel, epsilon, frozen=None):
        _, phi, derivative = ACTIVATIONS[name]
        self.kinks = KINKS.get(name, [])
        rank = x.ndim
        self.axes = tuple(d for d in range(rank) if d != channel)
        self.wide = lambda v: channelwise(v, rank, channel)
        self.count = x.size // x.shape[channel]
        x, dz = x.astype(np.float64), dz.astype(np.float64)
        self.x, self.dz, self.gamma, self.beta = x, dz, gamma, beta
        self.mean = frozen[0] if frozen else x.mean(self.axes)
        self.variance = frozen[1] if frozen else ((x - self.wide(self.mean))**2).mean(self.axes)
        self.r = 1 / np.sqrt(self.variance + epsilon)
        self.xhat = (x - self.wide(self.mean)) * self.wide(self.r)
        self.y = self.xhat * self.wide(gamma) + self.wide(beta)
        a = self.wide(slope)
        self.z, self.slope = phi(self.y, a), derivative(self.y, a)
        self.dy = dz * self.slope
        self.dbeta = self.dy.sum(self.axes)
        self.dgamma = (self.dy * self.xhat).sum(self.axes)
        factor = self.wide(gamma * self.r)
        if frozen:
            self.dx = factor * self.dy
        else:
            self.dx = factor * (self.dy - self.wide(self.dbeta / self.count)
                                - self.xhat * self.wide(self.dgamma / self.count))

    def bounds(self, dtype, recovered):
        """What first-order rounding analysis allows each result to be off, elementwise.

        z is stored with a relative error u; y = phi^-1(z) then is off by u|z|/phi', xhat by that over
        |gamma|, phi'(from z) by about 2u|z|. `recovered` says whether the backward starts from z.
        Everything computed in the compute type has the error v times the terms' sizes; sums of M
        terms, M/32 of them one after the other at most, sqrt(M) times that.
        """
        u, v = ROUNDOFF[dtype], ROUNDOFF[statistics_type(dtype)]
        wide, axes = self.wide, self.axes
        total = lambda t: t.sum(axes)
        many = v * (4 + 2 * math.sqrt(self.count))
        size = np.abs(wide(self.mean * self.r)) + np.abs(self.xhat) + 1
        off_y = 4 * many * (size * np.abs(wide(self.gamma)) + np.abs(wide(self.beta)))
        off_y = off_y + 2 * v * np.abs(self.y)
        if not recovered:
            off_y = off_y + u * np.abs(self.y)  # out of place y itself is stored, and so is dy
        steep = np.maximum(np.abs(self.slope), 0.1) + 1
        off_z = steep * off_y + u * np.abs(self.z) + SUBNORMAL[dtype]
        off_slope, off_xhat = 2 * off_y, 4 * many * size
        if recovered:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                lost = np.where(self.slope != 0, (u * np.abs(self.z) + SUBNORMAL[dtype])
                                / np.abs(self.slope), 0)
                # gamma = 0 loses xhat; what then comes out is the policy's, not a rounding.
                inverse = np.where(self.gamma == 0, 0, 1 / np.abs(self.gamma))
                off_xhat = off_xhat + (lost + off_y) * wide(inverse)
            off_slope = off_slope + 2 * u * np.abs(self.z)
        for kink in self.kinks:
            off_slope = off_slope + 2 * (np.abs(self.y - kink) <= off_y + u * np.abs(self.y))
        off_dy = np.abs(self.dz) * off_slope + 4 * v * np.abs(self.dy)
        if not recovered:
            off_dy = off_dy + u * np.abs(self.dy)
        off_dbeta = total(off_dy) + many * total(np.abs(self.dy))
        off_dgamma = total(off_dy * np.abs(self.xhat) + np.abs(self.dy) * off_xhat)
        off_dgamma = off_dgamma + many * total(np.abs(self.dy * self.xhat))
        scale = np.abs(wide(self.gamma * self.r))
        count = self.count
        off_dx = scale * (off_dy + wide(off_dbeta / count) + np.abs(self.xhat) * wide(
            off_dgamma / count) + off_xhat * np.abs(wide(self.dgamma / count)))
        relative = many * wide(self.mean**2 / (self.variance + 1e-300) + 1) + u
        off_dx = off_dx + relative * np.abs(self.dx) + SUBNORMAL[dtype]
        off_mean = many * (np.abs(self.mean) + np.sqrt(self.variance)) + SUBNORMAL[dtype]
        off_variance = 2 * many * (self.variance + many * self.mean**2) + SUBNORMAL["f32"]
        return {"z": off_z, "mean": off_mean, "variance": off_variance, "dx": off_dx,
                "dgamma": off_dgamma, "dbeta": off_dbeta}


def check(what, got, expected, bound):
    """Raises unless every element of `got` is finite and within `bound`; returns the worst share."""
    got = np.asarray(got, np.float64)
    bound = 1.5 * bound  # the analysis is of first order
    if not np.isfinite(got).all():
        raise AssertionError(f"{what}: not finite")
    share = np.max(np.abs(got - expected) / np.maximum(bound, 1e-300))
    if not share <= 1:
        worst = np.unravel_index(np.argmax(np.abs(got - expected) / bound), got.shape)
        raise AssertionError(f"{what}: got {got[worst]:.9g}, expected {expected[worst]:.9g} at "
                             f"{worst}, {share:.3g} times the bound")
    return share
