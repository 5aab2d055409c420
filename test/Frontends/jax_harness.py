"""Small JAX functions through the StableHLO importer and upstream's tools, against JAX in f64.

A case is a function of arrays. It is lowered by jax.jit together with its vector-Jacobian product for random
cotangents; imported by abn-opt, lowered by upstream passes, compiled and run on the CPU; and every output and gradient
is compared with what JAX computes in f64 from the same numbers. A case with `text` is written by hand, for ops that JAX
does not emit, and `function` is numpy's.
"""

import dataclasses
import re
import zlib
from collections.abc import Callable

import batches
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from batches import MARGIN, TOLERANCE, as_tuple

jax.config.update("jax_enable_x64", True)

PASSES = ["--abn-import-stablehlo", "--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
DTYPES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}


@dataclasses.dataclass(frozen=True)
class Input:
    """How an argument is made, from a generator; `grad` asks for the derivative by it."""

    make: Callable
    grad: bool = True


def normal(*shape, grad=True, scale=1.0, shift=0.0):
    return Input(lambda g: g.standard_normal(shape) * scale + shift, grad)


def uniform(low, high, *shape, grad=True):
    return Input(lambda g: g.uniform(low, high, shape), grad)


def integers(low, high, *shape, dtype=np.int32):
    return Input(lambda g: g.integers(low, high, shape).astype(dtype), False)


def booleans(*shape):
    return Input(lambda g: g.random(shape) < 0.5, False)


def values(*numbers, grad=False, dtype=np.float64):
    """The given numbers as a vector."""
    return Input(lambda g: np.array(numbers, dtype), grad)


@dataclasses.dataclass(frozen=True)
class Case:
    """`raised` are ops that the imported graph must contain, `absent` ones that it must not."""

    name: str
    function: Callable
    inputs: tuple
    dtypes: tuple = ("f64",)
    tolerance: float | None = None
    raised: tuple = ()
    absent: tuple = ()
    # The result is in the bits of the type: f64 says nothing about it.
    bits: bool = False
    # What to lower for: JAX's random numbers are a loop on the CPU, and straight code on a TPU.
    platform: str = "cpu"
    text: str | None = None


def case(name, function, *inputs, **options):
    return Case(name, function, inputs, **options)


def is_float(array):
    return jnp.issubdtype(array.dtype, jnp.floating)


def step(one):
    """The function of the case's inputs and cotangents that gives outputs and gradients."""

    def run(*arguments):
        inputs, cotangents = arguments[: len(one.inputs)], arguments[len(one.inputs) :]
        leaves = [i for i, item in enumerate(one.inputs) if item.grad and is_float(inputs[i])]

        def outputs(*floats):
            full = list(inputs)
            for i, value in zip(leaves, floats):
                full[i] = value
            return as_tuple(one.function(*full))

        if not cotangents:
            return outputs(*[inputs[i] for i in leaves])
        values, pullback = jax.vjp(outputs, *[inputs[i] for i in leaves])
        rest = iter(cotangents)
        seeds = tuple(next(rest).astype(v.dtype) if is_float(v) else np.zeros(v.shape, jax.dtypes.float0) for v in values)
        return (*values, *pullback(seeds))

    return run


@dataclasses.dataclass
class Prepared:
    """A case in one type, lowered to upstream dialects, with what it must give."""

    case: Case
    dtype: str
    arguments: list
    native: list
    reference: list
    source: str
    imported: str
    upstream: str


def make_arguments(one, dtype):
    generator = np.random.default_rng(zlib.crc32(one.name.encode()))
    made = [item.make(generator) for item in one.inputs]
    inputs = [x.astype(DTYPES[dtype]) if x.dtype == np.float64 else x for x in made]
    if one.text or not any(item.grad and is_float(x) for item, x in zip(one.inputs, inputs)):
        return inputs
    outputs = jax.eval_shape(lambda *a: as_tuple(one.function(*a)), *inputs)
    return inputs + [generator.standard_normal(o.shape).astype(o.dtype) for o in outputs if is_float(o)]


def widen(array):
    return array.astype(np.float64) if is_float(array) else array


def lower(one, dtype):
    """The case's graph as JAX writes it."""
    if one.text:
        return one.text
    traced = jax.jit(step(one), keep_unused=True).trace(*make_arguments(one, dtype))
    lowered = traced.lower(lowering_platforms=(one.platform,))
    return lowered.compiler_ir("stablehlo").operation.get_asm(print_generic_op_form=True)


def prepare(one, dtype):
    arguments = make_arguments(one, dtype)
    wide = [widen(x) for x in arguments]
    source = lower(one, dtype)
    if one.text:
        native = reference = [np.asarray(x) for x in as_tuple(one.function(*wide))]
    else:
        function = jax.jit(step(one), keep_unused=True)
        native = [np.asarray(x) for x in function(*arguments)]
        reference = native if one.bits else [np.asarray(x) for x in function(*wide)]
    imported = batches.opt(source, PASSES[:1])
    names = set(re.findall(r'"([a-z]+\.[a-z_0-9]+)"', imported))
    missing = [name for name in one.raised if name not in names]
    assert not missing, f"not raised to {missing}, but {sorted(names)}"
    extra = [name for name in one.absent if name in names]
    assert not extra, f"still there: {extra}"
    return Prepared(one, dtype, arguments, native, reference, source, imported, batches.opt(imported, PASSES[1:]))


def arguments(prepared):
    return [to_executor(x) for x in prepared.arguments]


def to_executor(array):
    return array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array


def relative_error(got, reference):
    got, reference = np.asarray(got, np.float64), np.asarray(reference, np.float64)
    special = ~np.isfinite(reference)
    if not np.array_equal(got[special], reference[special], equal_nan=True):
        return float("inf")
    got, reference = got[~special], reference[~special]
    scale = np.linalg.norm(reference.ravel()) or 1.0
    error = np.linalg.norm((got - reference).ravel()) / scale
    return error if error == error else float("inf")


def check(prepared, got):
    """Raises AssertionError with what differs from JAX."""
    assert len(got) == len(prepared.reference)
    for i, (value, native, reference) in enumerate(zip(got, prepared.native, prepared.reference)):
        what = f"{prepared.case.name}, {prepared.dtype}, result {i}"
        assert value.shape == reference.shape, f"{what}: shape {value.shape}, expected {reference.shape}"
        if not is_float(native):
            # Integers come back signless.
            same = np.array_equal(value.astype(native.dtype), native)
            assert same, f"{what}: got {value}, expected {native}"
            continue
        least = TOLERANCE[prepared.dtype] if native.dtype != np.float32 else TOLERANCE["f32"]
        least = max(prepared.case.tolerance or 0.0, least, TOLERANCE[prepared.dtype])
        allowed = least + MARGIN * relative_error(native, reference)
        error = relative_error(value, reference)
        numbers = f"got {value}\nexpected {reference}"
        assert error <= allowed, f"{what}: relative error {error:.2e}, allowed {allowed:.2e}\n{numbers}"
