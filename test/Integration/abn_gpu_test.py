"""The kernels of convert-abn-to-gpu on the emulator, against the f64 reference, under three schedules,
with its detectors of races, accesses out of bounds and divergent barriers on.

    abn_gpu_test.py activations    every activation x element type x layout
    abn_gpu_test.py shapes         ranks x channel positions x tails x addresses x tilings
    abn_gpu_test.py sizes          M from 1 to a million, channels from 1 to 8192, means far from 0
    abn_gpu_test.py policies       gamma policies, and the alarm of `check`
    abn_gpu_test.py traffic        counted bytes, width and coalescing of every access

A second argument is the chip: gfx90a (wavefronts of 64 threads), gfx1100 (of 32), opencl (no shuffles),
sm_80+polynomials (as PTX without libdevice computes); sm_80 without it. What is executed is what its back end gets, ROCm's device libraries linked.
"""
import sys

import numpy as np

from abn_cases import arguments, compare, reference
from abn_programs import Chain
from abn_reference import ACTIVATIONS, FROZEN_ONLY, INVERTIBLE
from gpu_exec import EmulatorError, GpuProgram, schedules

CHIP = sys.argv[2] if len(sys.argv) > 2 else "sm_80"
DTYPES = ["f32", "f16", "bf16"]
LAYOUTS = {"nchw": ((4, 6, 5, 7), 1), "nhwc": ((4, 5, 7, 16), 3)}


def run_all(chains, seed=0, **options):
    """All chains under three schedules, in equal bits, each within its bound."""
    program = GpuProgram(chains, chip=CHIP, **options)
    shares = []
    for number, chain in enumerate(chains):
        args = arguments(chain, seed + number)
        first = None
        for _ in schedules():
            shares.append(compare(chain, program, args))
            bits = [np.asarray(result).tobytes() for result in program.call(chain.name, args)]
            assert first in (None, bits), f"{chain.name}: the schedule changes the result"
            first = bits
    print(f"{len(chains)} functions, {len(shares)} runs; largest share of a bound "
          f"{max(shares):.2f}, median {np.median(shares):.2f}")
    return program


def activations():
    for dtype in DTYPES:
        chains = []
        for layout, (shape, channel) in LAYOUTS.items():
            for kind, names in [("inplace", INVERTIBLE), ("frozen", INVERTIBLE[1:4] + FROZEN_ONLY),
                                ("out_of_place", list(ACTIVATIONS)),
                                ("frozen_out_of_place", ["relu", "silu"])]:
                # Recovered from f16 and bf16, some of these tensors are not good enough for `check`.
                policy = "trust" if kind == "inplace" and dtype != "f32" else ""
                chains += [Chain(f"{kind}_{name}_{dtype}_{layout}", name, dtype, shape, channel, kind,
                                 policy=policy)
                           for name in names]
        run_all(chains)


# The groups of one and of several channels, of whole and of odd accesses, fused and not.
SHAPES = [((6, 10), 1), ((6, 10), 0), ((100, 33), 1), ((2, 3, 17), 1), ((2, 5, 3), 2),
          ((2, 8, 7, 7), 1), ((16, 64, 7, 7), 1), ((8, 16, 14, 14), 1), ((4, 6, 31, 5), 1),
          ((3, 4, 5, 16), 3), ((5, 1, 9), 1), ((3, 130, 2, 2), 1), ((2, 30, 1, 3, 3), 1),
          ((2, 3, 4, 5, 6), 4), ((2, 3, 4, 5, 6), 2), ((4, 20, 24, 24), 1)]
TILINGS = ["", "splits = 3 : i64, fused = false", "threads = 64 : i64, unroll = 3 : i64, fused = false"]


def shapes():
    for tiling in TILINGS:
        chains = [Chain(f"{'inplace' if i % 2 else 'out_of_place'}_{i}_{dtype}", "leaky_relu", dtype, shape,
                        channel, "inplace" if i % 2 else "out_of_place", tiling=tiling)
                  for i, (shape, channel) in enumerate(SHAPES) for dtype in ("f32", "f16")]
        program = run_all(chains)
        # From addresses that allow no wide access.
        program.shift = 4
        shares = [compare(chain, program, arguments(chain, number))
                  for number, chain in enumerate(chains)]
        print(f"  unaligned: largest share of a bound {max(shares):.2f}")
    dynamic = [Chain(f"dynamic_{dtype}", "elu", dtype, (5, 8, 12), dynamic_outer=True)
               for dtype in ("f32", "f16")]
    program = GpuProgram(dynamic, CHIP)
    for chain in dynamic:
        for outer in (1, 2, 31):
            for _ in schedules():
                compare(chain, program, arguments(chain, outer, (outer, 8, 12)))
    print("a batch that is known at run time: 1, 2, 31")


def sizes():
    run_all([Chain(f"m{m}", "leaky_relu", "f32", (m, 8)) for m in (1, 2, 63, 4097)]
            + [Chain(f"rows{m}", "leaky_relu", "f32", (1, 3, m)) for m in (1, 5, 2048, 30000)]
            + [Chain(f"c{c}_{d}", "leaky_relu", d, (3, c, 2)) for c in (1, 257, 8192) for d in DTYPES]
            + [Chain(f"last{c}", "leaky_relu", "f16", (9, c)) for c in (1, 1001, 8192)]
            + [Chain("million", "leaky_relu", "f32", (1000000, 2))])
    # A mean of 10^4 deviations: xhat still sums to 0, so that `check` raises no alarm.
    far = [Chain(f"far_{layout}_{tiling[:6]}", "leaky_relu", "f32", shape, channel, tiling=tiling)
           for layout, (shape, channel) in {"nchw": ((8, 4, 30, 30), 1), "nhwc": ((8, 30, 30, 4), 3)}.items()
           for tiling in TILINGS[:2]]
    program = GpuProgram(far, CHIP)
    for number, chain in enumerate(far):
        args = arguments(chain, number)
        args[0] += np.float32(1e4)
        step = reference(chain, args)
        z, mean, variance = program.call(chain.name, args)[:3]
        off = np.abs(z - step.z).max()
        print(f"{chain.name}: mean 10^4, z off by {off:.1e}")
        assert off < 2e-3 and np.allclose(variance, step.variance, rtol=2e-3)
        assert np.allclose(mean, step.mean, rtol=2e-7)


def policies():
    cases = {"trust": lambda g: g,
             "clamp": lambda g: np.where(g < 0, -1, 1) * np.maximum(np.abs(g), 0.125),
             "abs": lambda g: np.abs(g) + 0.5}
    gamma = [0.0, -0.0, 0.0625, -0.0625, 1.5, -1.5]
    chains = [Chain(f"{policy}_{kind}_{i}", "leaky_relu", "f32", (8, 6, 9), kind=kind, policy=policy,
                    epsilon=0.5, threshold=0.125, tiling=tiling)
              for policy in cases for kind in ("inplace", "frozen")
              for i, tiling in enumerate(TILINGS[:2])]
    program = GpuProgram(chains, CHIP)
    for chain in chains:
        args = arguments(chain, 7, gamma=gamma)
        step = reference(chain, args, cases[chain.policy])
        if chain.policy == "abs":
            step.dgamma = step.dgamma * np.where(np.asarray(args[2]) < 0, -1, 1)
        if chain.policy == "trust":
            step.dgamma = np.where(np.asarray(gamma) == 0, 0, step.dgamma)
        compare(chain, program, args, step)
    # Channels that are lost raise the alarm, with the chain's name, in each of the kernels.
    for i, tiling in enumerate(TILINGS[:2]):
        chain = Chain(f"alarm_{i}", "leaky_relu", "f32", (64, 6, 5, 5), policy="check", tiling=tiling)
        program = GpuProgram([chain], CHIP)
        try:
            program.call(chain.name, arguments(chain, 3, gamma=[1, 1e-9, 1, 1, 1, 1], beta=0.5))
        except EmulatorError as error:
            # AMD's kernels trap, without the message.
            alarm = "the kernel trapped" if CHIP.startswith("gfx") else f"abn: chain alarm_{i}"
            assert alarm in str(error), error
            print("alarm:", str(error)[:100])
        else:
            raise AssertionError("a lost channel raised no alarm")


def count_passes(program, elements, width):
    """How often the tensor's bytes are read or written, and the share of the transactions' bytes that
    is used. Every access of the data is 16 bytes wide; what is narrower is per channel (and, a block's
    threads reading the same, comes from the cache but once)."""
    total, narrow, worst = 0, 0, 1.0
    for kernel in program.report["kernels"]:
        sites = [site for site in kernel["sites"] if site["space"] == "global"]
        wide = [site for site in sites if site["width"] == 16]
        narrow += 32 * sum(site["transactions"] for site in sites if site["width"] != 16)
        if not wide:
            continue
        bytes_of_kernel = sum(site["bytes"] for site in wide)
        total += bytes_of_kernel
        worst = min(worst, bytes_of_kernel / (32 * sum(site["transactions"] for site in wide)))
    return total / (elements * width), worst, narrow / (elements * width)


def traffic():
    # name, shape, channel, what is fixed, passes forward and backward
    cases = [("nchw", (8, 16, 56, 56), 1, "", 8), ("nhwc", (8, 56, 56, 64), 3, "", 8),
             ("nchw14", (32, 16, 14, 14), 1, "fused = false", 8),
             ("fused14", (8, 64, 14, 14), 1, "", 5), ("fused7", (8, 64, 7, 7), 1, "", 5),
             ("fused_nhwc", (8, 7, 7, 64), 3, "", 5)]
    for name, shape, channel, tiling, passes in cases:
        for dtype, width in (("f32", 4), ("f16", 2), ("bf16", 2)):
            chain = Chain(f"{name}_{dtype}", "leaky_relu", dtype, shape, channel, policy="trust",
                          tiling=tiling)
            program = GpuProgram([chain], CHIP)
            compare(chain, program, arguments(chain, 1))
            counted, used, narrow = count_passes(program, int(np.prod(shape)), width)
            print(f"{chain.name}: {counted:.3f} passes of 16 bytes wide accesses, {used:.1%} of the "
                  f"transactions' bytes used; per channel {narrow:.2%} of a pass")
            assert counted == passes and used >= 0.95


{"activations": activations, "shapes": shapes, "sizes": sizes, "policies": policies,
 "traffic": traffic}[sys.argv[1]]()
