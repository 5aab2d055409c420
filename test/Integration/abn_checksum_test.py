"""Gamma policy `check`: planted faults stop the program with the chain's name, their sound twins run.

    abn_checksum_test.py             runs every case in a process of its own
    abn_checksum_test.py --table     prints the table of docs/Numerics.md: errors and deviations
    abn_checksum_test.py --run LIBRARY TYPES CASE     one case (internal)
"""
import ctypes
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import mlir_exec

M, C = 65536, 4  # 64 x 4 x 32 x 32
SHAPE = (64, C, 32, 32)
CHAIN = "layer3.0.bn2"


def backward(name, phi, dtype, shape=SHAPE):
    """inplace_backward alone, on a z that the case makes."""
    full = f"tensor<{'x'.join(map(str, shape))}x{dtype}>"
    vector = f"tensor<{shape[1]}xf32>"
    return f"""
func.func @{name}(%z: {full}, %dz: {full}, %v: {vector}, %g: {vector}, %b: {vector})
    -> ({full}, {vector}, {vector}) {{
  %e = tensor.empty() : {vector}
  %dx, %dg, %db = abn.inplace_backward {phi} {{epsilon = 1.0e-5 : f64, channel_dim = 1 : i64,
      abn.chain = "{CHAIN}"}} ins(%z : {full}) stats(%v : {vector}) gamma(%g : {vector})
      beta(%b : {vector}) outs(%dz, %e, %e : {full}, {vector}, {vector})
      -> {full}, {vector}, {vector}
  return %dx, %dg, %db : {full}, {vector}, {vector}
}}
"""


MODULE = (backward("identity", "#abn.identity", "f32")
          + backward("leaky", "#abn.leaky_relu<0.01>", "f32")
          + backward("elu", "#abn.elu<1.0, scale = 1.0, input_scale = 1.0>", "f32")
          + backward("leaky_f16", "#abn.leaky_relu<0.01>", "f16")
          + backward("leaky_bf16", "#abn.leaky_relu<0.01>", "bf16")
          + backward("leaky_tiny", "#abn.leaky_relu<0.01>", "f32", (2, C, 1, 3))
          + backward("leaky_one", "#abn.leaky_relu<0.01>", "f32", (1, C, 1, 1)))


def leaky(y):
    return np.where(y > 0, y, np.float32(0.01) * y)


def normal(gamma, beta, phi, dtype="f32", shape=SHAPE, seed=0):
    """z, variance, gamma, beta of a chain on normal data, computed in f32 and stored as dtype."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    axes = (0, 2, 3)
    variance = x.var(axes)
    xhat = ((x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5))
    y = np.float32(gamma) * xhat.astype(np.float32) + np.float32(beta)
    z = mlir_exec.round_to(phi(y.astype(np.float32)), dtype)
    return [z, variance, np.full(shape[1], gamma), np.full(shape[1], beta)]


def with_shortcut(ratio):
    """What a residual add gives back: (y + s) - s in f32, |s| about `ratio` times |y|."""
    z, variance, gamma, beta = normal(1.0, 0.1, lambda y: y)
    s = (ratio * np.random.default_rng(1).normal(size=SHAPE)).astype(np.float32)
    return [((z + s).astype(np.float32) - s).astype(np.float32), variance, gamma, beta]


def elu_around(center):
    return normal(1.0, center, lambda y: np.where(y > 0, y, np.expm1(np.minimum(y, 0))))


def overwritten(count, value, order="spread"):
    """`count` of channel 2's elements hold something else."""
    z, variance, gamma, beta = normal(1.0, 0.1, lambda y: y)
    plane = z[:, 2].reshape(-1).copy()
    where = np.arange(count) if order == "block" else np.arange(count) * (M // max(count, 1))
    plane[where] = value
    z[:, 2] = plane.reshape(z[:, 2].shape)
    return [z, variance, gamma, beta]


def constant_channel(shape, name):
    z = np.full(shape, leaky(np.float32(-0.3)), np.float32)
    return [z, np.zeros(C), np.full(C, 1.0), np.full(C, -0.3)]


# name: (function, arguments, whether the checksum must stop it)
CASES = {
    "gamma 1e-8 beside beta 0.1": ("identity", lambda: normal(1e-8, 0.1, lambda y: y), True),
    "gamma 1e-8 beside beta 0.1, leaky": ("leaky", lambda: normal(1e-8, -0.1, leaky), True),
    "gamma 1e-6 beside beta 0.1": ("identity", lambda: normal(1e-6, 0.1, lambda y: y), False),
    "gamma 1e-6 beside beta -0.1, leaky": ("leaky", lambda: normal(1e-6, -0.1, leaky), False),
    "gamma -1e-6 beside beta -0.1, leaky": ("leaky", lambda: normal(-1e-6, -0.1, leaky), False),
    "gamma 0": ("leaky", lambda: normal(0.0, 0.1, leaky), True),
    "shortcut 1e6 times its branch": ("identity", lambda: with_shortcut(1e6), True),
    "shortcut 1e4 times its branch": ("identity", lambda: with_shortcut(1e4), False),
    "elu around -16": ("elu", lambda: elu_around(-16), True),
    "elu around -20": ("elu", lambda: elu_around(-20), True),
    "elu around -100": ("elu", lambda: elu_around(-100), True),
    "elu around -2": ("elu", lambda: elu_around(-2), False),
    "256 of 65536 zeroed": ("identity", lambda: overwritten(256, 0.0), True),
    "256 of 65536 zeroed, one block": ("identity", lambda: overwritten(256, 0.0, "block"), True),
    "256 of 65536 set to 1": ("identity", lambda: overwritten(256, 1.0), True),
    "256 of 65536 set to 100": ("identity", lambda: overwritten(256, 100.0), True),
    "1 of 65536 NaN": ("identity", lambda: overwritten(1, np.nan), True),
    "none overwritten": ("identity", lambda: overwritten(0, 0.0), False),
    "normal data": ("leaky", lambda: normal(1.0, 0.1, leaky), False),
    "f16, gamma 0.01 beside beta 0.1": ("leaky_f16", lambda: normal(0.01, 0.1, leaky, "f16"), False),
    "f16, gamma 1": ("leaky_f16", lambda: normal(1.0, -0.5, leaky, "f16"), False),
    "f16, gamma 1e-4 beside beta 0.1": ("leaky_f16", lambda: normal(1e-4, 0.1, leaky, "f16"), True),
    "bf16, gamma 0.25 beside beta 0.5": ("leaky_bf16", lambda: normal(0.25, 0.5, leaky, "bf16"),
                                         False),
    "bf16, gamma 1e-3 beside beta 0.5": ("leaky_bf16", lambda: normal(1e-3, 0.5, leaky, "bf16"),
                                         True),
    "M = 6": ("leaky_tiny", lambda: normal(1.0, 0.1, leaky, shape=(2, C, 1, 3)), False),
    "M = 6, gamma 1e-6 beside beta 0.1": (
        "leaky_tiny", lambda: normal(1e-6, 0.1, leaky, shape=(2, C, 1, 3)), False),
    "M = 1": ("leaky_one", lambda: constant_channel((1, C, 1, 1), "leaky_one"), False),
    "variance 0": ("leaky", lambda: constant_channel(SHAPE, "leaky"), False),
}


def arguments(case):
    function, make, _ = CASES[case]
    z, variance, gamma, beta = make()
    dz = np.random.default_rng(2).normal(size=z.shape)
    return function, [z, dz, variance, gamma, beta]


def run_case(library, types, case):
    """Calls the case; an assertion of the program aborts this process."""
    # The program says why on C's standard output, which abort() does not flush.
    libc = ctypes.CDLL(None)
    libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 2, 0)
    mlir_exec.load_runner_utils()
    program = mlir_exec.Program(library, json.loads(types))
    function, args = arguments(case)
    out = program.call(function, args)
    assert all(np.isfinite(o).all() for o in out)


def run_all():
    with tempfile.TemporaryDirectory() as folder:
        program = mlir_exec.compile_module(MODULE, ["--convert-abn-to-linalg", "--canonicalize"],
                                           keep=folder)
        library = os.path.join(folder, "module.so")
        failures = []
        for case, (_, _, is_fault) in CASES.items():
            done = subprocess.run([sys.executable, __file__, "--run", library,
                                   json.dumps(program.types), case], capture_output=True, text=True)
            stopped = done.returncode != 0 and f"abn: chain {CHAIN} (" in done.stdout
            if (done.returncode == 0) == is_fault or (is_fault and not stopped):
                failures.append(f"{case}: expected {'an alarm' if is_fault else 'none'}, got exit "
                                f"{done.returncode}: {done.stdout}{done.stderr[-500:]}")
        assert not failures, "\n".join(failures)
        print(f"{len(CASES)} cases, {sum(c[2] for c in CASES.values())} of them faults")


def recovered(function, z, beta, gamma):
    """What the backward recovers, in f64, for the table only."""
    wide = lambda v: np.asarray(v, np.float64).reshape(1, -1, 1, 1)
    z = np.asarray(z, np.float64)
    if function.startswith("leaky"):
        z = np.where(z > 0, z, z / np.float32(0.01))
    if function == "elu":
        z = np.where(z > 0, z, np.log1p(np.maximum(np.minimum(z, 0), -1 + 2.0**-24)))
    g = np.float32(gamma).astype(np.float64)
    inverse = np.where(np.abs(g) < 2.0**-126, 0, 1 / np.where(g == 0, 1, g))
    return (z - wide(np.float32(beta))) * wide(inverse)


def table():
    """| case | mean | square - expected | alarm |, the worst channel's."""
    print("| case | sum(xhat)/M | sum(xhat^2)/M - expected | alarm |")
    print("|---|---|---|---|")
    for case, (function, make, is_fault) in CASES.items():
        z, variance, gamma, beta = make()
        xhat = recovered(function, z, beta, gamma)
        mean = xhat.mean((0, 2, 3))
        square = (xhat**2).mean((0, 2, 3)) - variance / (variance + 1e-5)
        worst = np.argmax(np.nan_to_num(np.abs(square), nan=np.inf))
        print(f"| {case} | {mean[worst]:.1e} | {square[worst]:.1e} | {'yes' if is_fault else 'no'} |")


if sys.argv[1:2] == ["--run"]:
    run_case(*sys.argv[2:])
elif sys.argv[1:2] == ["--table"]:
    table()
else:
    run_all()
