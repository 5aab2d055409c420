"""What saturates, underflows or sits on a kink: inverses stay finite in every element type, derivatives
follow PyTorch's conventions, NaN comes through."""
import numpy as np

import mlir_exec
from abn_reference import ACTIVATIONS, FROZEN_ONLY, INVERTIBLE

DTYPES = ["f16", "bf16", "f32", "f64"]
GRID = np.concatenate([[-100, -60, -50, -20, -16.6, -16, -10, -8, 8, 10, 16, 20, 60, 100, 0.0, -0.0],
                       [s * 10.0**-k for s in (-1, 1) for k in range(9)]])
# phi' at kinks and at 0, as PyTorch has it (attribute, y, phi').
KINKS = [("#abn.relu", 0.0, 0.0), ("#abn.relu", -0.0, 0.0), ("#abn.leaky_relu<0.25>", 0.0, 0.25),
         ("#abn.leaky_relu<0.25>", -0.0, 0.25), ("#abn.hardtanh<-1.0, 2.0>", -1.0, 0.0),
         ("#abn.hardtanh<-1.0, 2.0>", 2.0, 0.0), ("#abn.hardtanh<-1.0, 2.0>", 1.5, 1.0),
         ("#abn.hardswish", -3.0, 0.0), ("#abn.hardswish", 3.0, 1.0), ("#abn.hardswish", 0.0, 0.5),
         ("#abn.hardsigmoid", -3.0, 0.0), ("#abn.hardsigmoid", 3.0, 0.0),
         ("#abn.elu<2.0, scale = 1.0, input_scale = 1.0>", 0.0, 2.0), ("#abn.celu<2.0>", 0.0, 1.0)]


def elementwise(name, op, phi, dtype, operands, params=""):
    """A function of tensors shaped like %x; prelu's slopes are 0.25."""
    kind = f"tensor<{len(GRID)}x1x{dtype}>"
    slope = f"  %a = arith.constant dense<0.25> : tensor<1x{dtype}>\n" if params else ""
    clause = f"params(%a : tensor<1x{dtype}>) " if params else ""
    names = ", ".join(f"%x{i}" for i in range(operands))
    signature = ", ".join(f"%x{i}: {kind}" for i in range(operands))
    return (f"func.func @{name}({signature}) -> {kind} {{\n{slope}  %e = tensor.empty() : {kind}\n"
            f"  %r = abn.{op.format(phi=phi)} ins({names} : {', '.join([kind] * operands)}) {clause}"
            f"outs(%e : {kind}) -> {kind}\n  return %r : {kind}\n}}\n")


def functions():
    for dtype in DTYPES:
        for name, (phi, _, _) in ACTIVATIONS.items():
            params = "a" if name == "prelu" else ""
            tag = f"{name}_{dtype}"
            yield elementwise(f"apply_{tag}", "activation {phi}", phi, dtype, 1, params)
            yield elementwise(f"grad_{tag}", "activation_grad {phi}", phi, dtype, 2, params)
            if name in INVERTIBLE:
                yield elementwise(f"invert_{tag}", "activation_inverse {phi}", phi, dtype, 1, params)
            if name in INVERTIBLE + FROZEN_ONLY:
                yield elementwise(f"gradz_{tag}", "activation_grad {phi} {{from_output}}", phi, dtype,
                                  2, params)
    for number, (phi, _, _) in enumerate(KINKS):
        yield elementwise(f"kink{number}", "activation_grad {phi}", phi, "f32", 2)


def main():
    program = mlir_exec.compile_module("".join(functions()), ["--convert-abn-to-linalg"])
    ones = np.ones((len(GRID), 1))
    for dtype in DTYPES:
        y = mlir_exec.round_to(GRID.reshape(-1, 1), dtype)
        for name in ACTIVATIONS:
            call = lambda what, *args: program.call(f"{what}_{name}_{dtype}", list(args))[0]
            z = call("apply", y)
            assert np.isfinite(z).all(), (name, dtype)
            assert np.isnan(call("apply", ones * np.nan)).all(), f"{name} {dtype} loses NaN"
            slope = np.asarray(call("grad", ones, y), np.float64)
            if name in INVERTIBLE:
                back = call("invert", z)
                assert np.isfinite(back).all(), f"{name} {dtype}: inverse not finite"
                assert np.isnan(call("invert", ones * np.nan)).all(), f"{name} {dtype} loses NaN"
            if name in INVERTIBLE + FROZEN_ONLY:
                u = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-22, "f64": 2.0**-50}[dtype]
                if name == "softplus":
                    u = max(u, 1e-9)  # exp(-20): the step at the threshold, met at y = 10
                from_z = np.asarray(call("gradz", ones, z), np.float64)
                assert (np.abs(from_z - slope) <= 4 * u + u * np.abs(slope)).all(), (name, dtype)
    # A tiny negative y underflows to -0 in f16, and still has the slope.
    tiny = -np.full_like(ones, 2.0**-24)
    z = program.call("apply_leaky_relu_f16", [tiny])[0]
    assert (z == 0).all() and np.signbit(z).all()
    slope = program.call("gradz_leaky_relu_f16", [ones, z])[0]
    assert (slope == np.float16(0.01)).all()
    for number, (phi, at, expected) in enumerate(KINKS):
        got = program.call(f"kink{number}", [ones, ones * at])[0]
        assert (got == expected).all(), f"{phi} at {at}: phi' = {got[0, 0]}, expected {expected}"


main()
