"""Arguments for a chain, what it must compute on them, and the comparison."""

import numpy as np

import mlir_exec
from abn_reference import Step, check, statistics_type

DTYPES = ["f16", "bf16", "f32", "f64"]
GAMMA = [1.25, -0.75, 0.5, -0.25, 1.0, -2.0]


def arguments(chain, seed, shape=None, gamma=None, beta=None, spread=1.0):
    """x, dz, gamma, beta, slope, mean, variance as the function gets them: rounded."""
    shape = shape or chain.shape
    rng = np.random.default_rng(seed)
    channels = shape[chain.channel]
    wide = [-1 if d == chain.channel else 1 for d in range(len(shape))]
    offset = rng.normal(size=channels).reshape(wide)
    x = spread * rng.uniform(0.5, 2, channels).reshape(wide) * rng.normal(size=shape) + offset
    dz = rng.normal(size=shape)
    if gamma is None:
        # f16 and bf16 saturate early: the checksum would say so.
        linear = chain.activation in ("identity", "leaky_relu", "leaky_steep", "prelu", "scaled_leaky")
        gamma = np.array(GAMMA) * (0.4 if chain.dtype in ("f16", "bf16") and not linear else 1)
    gamma = np.resize(gamma, channels)
    beta = 0.3 * rng.normal(size=channels) if beta is None else np.resize(beta, channels)
    slope = rng.uniform(0.05, 1.5, channels)
    mean, variance = rng.normal(size=channels), rng.uniform(0.5, 2, channels)
    data, statistics = chain.dtype, statistics_type(chain.dtype)
    round_to = mlir_exec.round_to
    return [round_to(x, data), round_to(dz, data), round_to(gamma, data), round_to(beta, statistics),
            round_to(slope, data), round_to(mean, statistics), round_to(variance, statistics)]


def reference(chain, args, gamma_of=None):
    """The step that `chain` must compute on `args`; `gamma_of` is its policy's map."""
    x, dz, gamma, beta, slope, mean, variance = [np.asarray(a, np.float64) for a in args]
    gamma = gamma if chain.gamma else np.ones_like(gamma)
    beta = beta if chain.beta else np.zeros_like(beta)
    frozen = (mean, variance) if "frozen" in chain.kind else None
    return Step(chain.activation, x, dz, gamma_of(gamma) if gamma_of else gamma, beta, slope,
                chain.channel, chain.epsilon, frozen)


RESULTS = ["z", "mean", "variance", "dx", "dgamma", "dbeta"]


def compare(chain, program, args, step=None):
    """Every result within its bound; returns the largest share of one that was used."""
    step = step or reference(chain, args)
    out = program.call(chain.name, args)
    bounds = step.bounds(chain.dtype, recovered=chain.kind in ("inplace", "frozen"))
    worst = 0.0
    for name, got in zip(RESULTS, out):
        what = f"{chain.name} {args[0].shape}: {name}"
        worst = max(worst, check(what, got, getattr(step, name), bounds[name]))
    return worst
