"""Chains of batch norm and activation against an independent f64 reference (abn_reference.py).

    abn_chain_test.py activations    every activation x element type, each way, signs of gamma mixed
    abn_chain_test.py shapes         ranks 2 to 5 x channel positions x static and dynamic sizes
    abn_chain_test.py edges          policies, gamma down to 0, M = 1, absent gamma and beta, recovery
"""
import sys

import numpy as np

import mlir_exec
from abn_cases import DTYPES, GAMMA, arguments, compare, reference
from abn_programs import Chain
from abn_reference import ACTIVATIONS, FROZEN_ONLY, INVERTIBLE, NOT_INVERTIBLE, check

PASSES = ["--convert-abn-to-linalg", "--canonicalize", "--cse"]


def compile_chains(chains):
    return mlir_exec.compile_module("".join(c.text() for c in chains), PASSES)


def run_all(chains, shapes_of=lambda chain: [chain.shape]):
    program = compile_chains(chains)
    shares = []
    for number, chain in enumerate(chains):
        for shape in shapes_of(chain):
            shares.append(compare(chain, program, arguments(chain, number, shape)))
    print(f"{len(chains)} functions, {len(shares)} runs; largest share of a bound "
          f"{max(shares):.2f}, median {np.median(shares):.2f}")


def activations():
    chains = []
    for dtype in DTYPES:
        for kind, names in [("inplace", INVERTIBLE), ("frozen", INVERTIBLE[1:4] + FROZEN_ONLY),
                            ("out_of_place", list(ACTIVATIONS)),
                            ("frozen_out_of_place", ["relu", "silu"])]:
            chains += [Chain(f"{kind}_{name}_{dtype}", name, dtype, (4, 6, 5, 7), kind=kind)
                       for name in names]
    run_all(chains)


def shapes():
    sizes = (6, 3, 5, 2, 7)
    chains = []
    for rank in range(2, 6):
        for channel in range(rank):
            for dynamic in (False, True):
                dtype = "f16" if channel % 2 else "f32"
                name = f"r{rank}_c{channel}_{'dynamic' if dynamic else 'static'}"
                for kind, phi in [("inplace", "leaky_relu"), ("out_of_place", "tanh")]:
                    chains.append(Chain(f"{kind}_{name}", phi, dtype, sizes[:rank], channel, kind,
                                        dynamic))
    # Sums in two and three stages, and in one long one.
    chains += [Chain("stages2", "elu", "f32", (8, 2, 24, 40)),
               Chain("stages3", "elu", "f32", (40, 2, 33, 34)),
               Chain("stages1", "elu", "f32", (20000, 2))]
    # Dynamic functions take any size.
    run_all(chains, lambda c: [c.shape] + ([tuple(s + 1 for s in c.shape)] if c.dynamic else []))


def policies():
    """gamma = 0 and small under each policy, against a network that computes with the policy's."""
    cases = {"trust": lambda g: g,
             "clamp": lambda g: np.where(g < 0, -1, 1) * np.maximum(np.abs(g), 0.125),
             "abs": lambda g: np.abs(g) + 0.5}
    epsilon = 0.5  # large, so that `abs` shows
    gamma = [0.0, -0.0, 0.0625, -0.0625, 1.5, -1.5]
    chains = [Chain(f"{policy}_{kind}", "leaky_relu", "f32", (8, 6, 9), kind=kind, policy=policy,
                    epsilon=epsilon, threshold=0.125)
              for policy in cases for kind in ("inplace", "frozen")]
    program = compile_chains(chains)
    for chain in chains:
        args = arguments(chain, 7, gamma=gamma)
        step = reference(chain, args, cases[chain.policy])
        if chain.policy == "abs":
            step.dgamma = step.dgamma * np.where(np.asarray(gamma) < 0, -1, 1)
        if chain.policy == "trust":
            # xhat counts as 0: dgamma is 0, dbeta and dx (0 by its factor gamma) are right.
            step.dgamma = np.where(np.asarray(gamma) == 0, 0, step.dgamma)
        compare(chain, program, args, step)


def small_gamma():
    """dgamma keeps the digits that the rounding of y beside beta leaves, without an alarm."""
    chains = [Chain(f"small_gamma_{name}", name, "f32", (64, 7, 32, 32))
              for name in ("identity", "leaky_relu")]
    program = compile_chains(chains)
    gamma = 10.0**-np.arange(7)
    for chain in chains:
        args = arguments(chain, 3, gamma=gamma, beta=0.1)
        compare(chain, program, args)
        step = reference(chain, args)
        dgamma = program.call(chain.name, args)[4]
        scale = np.abs(step.dy * step.xhat).sum(step.axes) / np.sqrt(step.count)
        worst = np.max(np.abs(dgamma - step.dgamma) / scale)
        print(f"{chain.name}: |gamma| from 1 to 1e-6, dgamma off by {worst:.1e} of its spread")
        assert worst < 2e-2


def absent_and_single():
    """Absent gamma or beta, M = 1, a constant channel, epsilon 0."""
    chains = [Chain(f"{kind}_{g}{b}", "elu", dtype, (5, 4, 3), kind=kind, gamma=g, beta=b)
              for kind, dtype in [("inplace", "f32"), ("out_of_place", "f16"), ("frozen", "f64")]
              for g, b in [(False, False), (True, False), (False, True)]]
    chains += [Chain(f"one_position_{d}", "leaky_relu", d, (1, 6, 1, 1)) for d in DTYPES]
    chains += [Chain(f"one_position_dynamic_{d}", "tanh", d, (1, 6, 1), dynamic=True) for d in DTYPES]
    chains += [Chain("epsilon_0", "identity", "f32", (6, 3, 5), epsilon=0.0)]
    run_all(chains)
    constant = Chain("constant_channel", "leaky_relu", "f32", (16, 6, 8, 8))
    program = compile_chains([constant])
    for value in (0.1, 1000.0, -3e4):
        args = arguments(constant, 5)
        args[0][:] = value
        z, mean, variance, dx, _, dbeta = program.call(constant.name, args)
        step = reference(constant, args)
        assert np.abs(mean - np.float32(value)).max() <= abs(value) * 1e-7 and not variance.any()
        np.testing.assert_allclose(z, step.z, rtol=1e-6)
        np.testing.assert_allclose(dbeta, step.dbeta, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(dx, step.dx, rtol=1e-3, atol=1e-2)


def recovery():
    """abn.recover gives x back, to the rounding of z."""
    chains = [Chain(f"recover_{name}_{dtype}", name, dtype, (4, 6, 5, 7), kind="recover")
              for dtype in DTYPES for name in ("identity", "leaky_relu", "elu", "sigmoid", "negative_tanh",
                                          "scaled_leaky")]
    program = compile_chains(chains)
    for number, chain in enumerate(chains):
        args = arguments(chain, number)
        step = reference(chain, args)
        x = program.call(chain.name, args)[3]
        u = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24, "f64": 2.0**-53}[chain.dtype]
        lost = u * (np.abs(step.z) / np.abs(step.slope) + 8 * np.abs(step.y) + 8)
        bound = 4 * lost / np.abs(step.wide(step.gamma * step.r)) + 4 * u * np.abs(step.x)
        check(f"{chain.name}: x", x, step.x, bound)


def edges():
    policies()
    small_gamma()
    absent_and_single()
    recovery()


{"activations": activations, "shapes": shapes, "edges": edges}[sys.argv[1]]()
