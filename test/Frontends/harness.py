"""Small PyTorch functions through the importer and upstream's tools, against PyTorch in f64.

A case is a function of tensors. It is exported together with the derivative of its outputs, weighted with random
numbers; imported by abn-opt, lowered by upstream passes, compiled and run on the CPU; and every output, gradient and
overwritten input is compared with eager PyTorch on the same numbers in f64.
"""

import dataclasses
import functools
import zlib
from collections.abc import Callable

import batches
import numpy as np
import torch
from abn_export import joint, models, writer
from batches import MARGIN, TOLERANCE, as_tuple
from torch import nn

PASSES = ["--abn-import-aten", "--convert-abn-to-linalg", "--convert-dnn-to-linalg"]

DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


@dataclasses.dataclass(frozen=True)
class Input:
    """How an argument is made, from a generator; `grad` asks for the derivative by it."""

    make: Callable
    grad: bool = False


def normal(*shape, grad=True, scale=1.0, shift=0.0):
    return Input(lambda g: torch.randn(shape, generator=g, dtype=torch.float64) * scale + shift, grad)


def uniform(low, high, *shape, grad=True):
    return Input(lambda g: torch.rand(shape, generator=g, dtype=torch.float64) * (high - low) + low, grad)


def integers(low, high, *shape):
    return Input(lambda g: torch.randint(low, high, shape, generator=g))


def booleans(*shape):
    return Input(lambda g: torch.rand(shape, generator=g) < 0.5)


def values(*numbers, grad=True):
    """The given numbers as a vector."""
    return Input(lambda g: torch.tensor(numbers, dtype=torch.float64), grad)


@dataclasses.dataclass(frozen=True)
class Case:
    """`ops` are the overloads that the exported graph must contain: what the case is there for."""

    name: str
    function: Callable
    inputs: tuple
    ops: tuple = ()
    dtypes: tuple = ("f64",)
    tolerance: float | None = None


def case(name, function, *inputs, ops=(), **options):
    ops = (ops,) if isinstance(ops, str) else tuple(ops)
    return Case(name, function, inputs, ops, **options)


def weighted_sum(outputs, weights):
    """Without sum()'s start value, a number that would be one more operation to understand."""
    return functools.reduce(torch.add, [(output * weight).sum() for output, weight in zip(outputs, weights)])


class _Weighted(nn.Module):
    """The weighted sum of a function's outputs, and the outputs."""

    def __init__(self, function, count):
        super().__init__()
        self.function = function
        self.count = count

    def forward(self, *arguments):
        outputs = as_tuple(self.function(*arguments[: self.count]))
        weights = arguments[self.count :]
        return (weighted_sum([output for output in outputs if output.requires_grad], weights), *outputs)


class _Plain(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *arguments):
        return as_tuple(self.function(*arguments))


def _cast(tensor, dtype):
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


@dataclasses.dataclass
class Expected:
    """What eager PyTorch computes: results by (role, name), and what it takes to ask for them."""

    inputs: list
    weights: list
    results: dict


def eager(case, dtype, like=None):
    """Runs the case in `dtype`; on the inputs and weights of `like`, where given."""
    generator = torch.Generator().manual_seed(zlib.crc32(case.name.encode()))
    made = like.inputs if like else [item.make(generator) for item in case.inputs]
    inputs = [_cast(x, dtype).detach().clone() for x in made]
    leaves = [x.clone().requires_grad_(item.grad) for x, item in zip(inputs, case.inputs)]
    outputs = as_tuple(case.function(*leaves))
    results = {("output", f"output{i}"): output.detach() for i, output in enumerate(outputs)}
    wanted = [output for output in outputs if output.requires_grad]
    drawn = like.weights if like else [torch.randn(o.shape, generator=generator, dtype=torch.float64) for o in wanted]
    weights = [_cast(w, dtype) for w in drawn]
    if wanted:
        loss = weighted_sum(wanted, weights)
        results["loss", "loss"] = loss.detach()
        names = [f"input{i}" for i, item in enumerate(case.inputs) if item.grad]
        leaves_wanted = [leaf for leaf, item in zip(leaves, case.inputs) if item.grad]
        for name, gradient in zip(names, torch.autograd.grad(loss, leaves_wanted, allow_unused=True)):
            results["grad", name] = gradient
    for i, (leaf, before) in enumerate(zip(leaves, inputs)):
        if not leaf.requires_grad and not torch.equal(torch.nan_to_num(leaf), torch.nan_to_num(before)):
            results["output", f"input{i}"] = leaf
    return Expected(inputs, weights, results)


def export(case, expected):
    """The case as a traced step on the inputs of `expected`."""
    inputs = [x.clone().requires_grad_(item.grad) for x, item in zip(expected.inputs, case.inputs)]
    if not expected.weights:
        return joint.trace(models.Problem(case.name, _Plain(case.function), tuple(inputs)), train=False)
    module = _Weighted(case.function, len(inputs))
    return joint.trace(models.Problem(case.name, module, (*inputs, *expected.weights)))


def result_key(role, expected):
    """Beside the loss the outputs of a training case are counted from 1."""
    if role.kind == "output" and role.name.startswith("output") and expected.weights:
        return role.kind, f"output{int(role.name.removeprefix('output')) - 1}"
    return role.kind, role.name


def relative_error(got, reference):
    got, reference = got.double(), reference.double()
    # Where PyTorch has an infinity or no number, so must we.
    special = ~torch.isfinite(reference)
    if not torch.equal(torch.nan_to_num(got[special], 1.5), torch.nan_to_num(reference[special], 1.5)):
        return float("inf")
    got, reference = got[~special], reference[~special]
    scale = reference.norm().item() or 1.0
    error = (got - reference).norm().item() / scale
    return error if error == error else float("inf")


@dataclasses.dataclass
class Prepared:
    """A case in one type, exported and lowered to upstream dialects, with what it must give."""

    case: Case
    dtype: str
    native: Expected
    reference: Expected
    step: object
    upstream: str


def prepare(case, dtype_name, passes=PASSES):
    native = eager(case, DTYPES[dtype_name])
    # The reference sees the numbers as they are in the type.
    reference = eager(case, torch.float64, native)
    step = export(case, native)
    present = {str(node.target) for node in step.graph.nodes if node.op == "call_function"}
    missing = [op for op in case.ops if f"aten.{op}" not in present]
    assert not missing, f"the case does not contain {missing}, but {sorted(present)}"
    return Prepared(case, dtype_name, native, reference, step, batches.opt(writer.write(step), passes))


def arguments(prepared):
    return [to_numpy(x) for x in (*prepared.native.inputs, *prepared.native.weights)]


def check(prepared, got):
    """Raises AssertionError with what differs from PyTorch."""
    step, native, reference = prepared.step, prepared.native, prepared.reference
    assert len(got) == len(step.results)
    seen = set()
    for (node, role), value in zip(step.results, got):
        key = result_key(role, native)
        seen.add(key)
        declared = node.meta["val"]
        assert tuple(value.shape) == tuple(declared.shape), f"{key}: shape {value.shape}, declared {declared.shape}"
        compare(prepared, key, torch.from_numpy(np.asarray(value)))
    absent = [key for key, value in reference.results.items() if key not in seen and value is not None]
    assert not absent, f"no result for {absent}"


def compare(prepared, key, value):
    expected, own = prepared.reference.results.get(key), prepared.native.results.get(key)
    if expected is None:  # PyTorch has no gradient: zero is as good
        expected = own = torch.zeros(value.shape, dtype=torch.float64)
    what = f"{prepared.case.name}, {prepared.dtype}, {' '.join(key)}"
    assert value.shape == expected.shape, f"{what}: shape {tuple(value.shape)}, expected {tuple(expected.shape)}"
    if not own.is_floating_point():
        assert torch.equal(value.to(own.dtype), own), f"{what}: got {value}, expected {own}"
        return
    if key[0] == "loss" and prepared.dtype != "f64":
        return  # a sum of both signs says little in low precision
    tolerance = max(prepared.case.tolerance or 0.0, TOLERANCE[prepared.dtype])
    allowed = tolerance + MARGIN * relative_error(own, expected)
    error = relative_error(value, expected)
    numbers = f"got {value}\nexpected {expected}"
    assert error <= allowed, f"{what}: relative error {error:.2e}, allowed {allowed:.2e}\n{numbers}"


def to_numpy(tensor):
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()
