"""Training steps as `abn-export jax` and `abn-export keras` write them: imported, recognised, rewritten, lowered, run,
and every result compared with the same step in f64.

The reference is the step exported again in f64 and compiled by XLA; that a text computes what the step computes is
tested beside the exporter.
"""

import collections
import dataclasses
import json
import pathlib
import re

import batches
import jax
import jax_harness
import jax_text
import keras_step
import ml_dtypes
import mlir_exec
import numpy as np
import pytest
import reference
from abn_export import cli, from_jax, from_keras, options, userfile

EXAMPLES = pathlib.Path(__file__).parents[2] / "tools" / "abn-export" / "examples"
KERAS_STEP = f"{keras_step.__file__}:step"
IMPORT = "--abn-import-stablehlo"
LOWER = ["--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
DTYPES = {"f64": np.float64, "f32": np.float32, "bf16": ml_dtypes.bfloat16,
          "i32": np.int32, "i64": np.int64, "ui32": np.uint32}
INVERTIBLE = ("leaky_relu", "elu")
# Of half a million values one may be so close to an activation's kink, or to its neighbour in a max pool, that f32
# takes the other side: the gradients then differ by 1e-4, in any f32, for this draw of the arguments and no other.
DRAWS = 3


@dataclasses.dataclass(frozen=True)
class Step:
    """A command line of abn-export, and the activations that stand behind batch norms, by number."""

    name: str
    command: tuple
    activations: dict
    verify: bool = True


def zoo(network, activation, optimizer, count, *more):
    command = ("jax", network, "--act", activation, "--optimizer", optimizer, "--batch", "4", *more)
    return Step("-".join((network, activation, optimizer, *more[1::2])), command, count)


def resnet18(activation, optimizer):
    # Of 20 batch norms 8 are the last of a block and 3 are in its shortcut: their activation is behind the sum.
    step = zoo("resnet18", activation, optimizer, {activation: 9, "identity": 11}, "--size", "32")
    # elu of a large negative sum is -1 in f64 too, and then nothing can be recovered: at the scales that the
    # verification tries, not at those of a network.
    return dataclasses.replace(step, verify=activation != "elu")


def example(name, **activations):
    return Step(name, ("jax", f"{EXAMPLES / name}.py:step"), activations)


STEPS = [
    example("flax_cnn", leaky_relu=3),
    example("flax_sgd", elu=3),
    example("nnx_resnet", leaky_relu=4, identity=5),
    zoo("block1", "leaky_relu", "sgd", {"leaky_relu": 1}, "--dtype", "bf16"),
    zoo("block1", "elu", "adam", {"elu": 1}),
    zoo("cnn3", "silu", "sgd", {"silu": 3}, "--size", "16"),
    zoo("cnn3", "leaky_relu", "none", {"leaky_relu": 3}, "--size", "16"),
    resnet18("leaky_relu", "adam"),
    resnet18("elu", "sgd"),
    resnet18("silu", "adam"),
    resnet18("relu", "sgd-momentum"),
    Step("keras", ("keras", KERAS_STEP), {"leaky_relu": 2, "identity": 1}),
]


def export(command, folder):
    """The text, as the command writes it to a file."""
    out = folder / "step.mlir"
    # Another suite of this process works in 64 bits; a user does not, unless the command is told to.
    with jax.enable_x64(False):
        assert cli.main([*command, "-o", str(out)]) == 0
    return out.read_text()


def widened(leaf):
    is_float = jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating)
    return jax.ShapeDtypeStruct(leaf.shape, np.float64 if is_float else leaf.dtype)


def widen_variables(node):
    """Makes the variables of an nnx module or optimizer f64, in place."""
    from flax import nnx

    for _, variable in nnx.iter_graph(node):
        if isinstance(variable, nnx.Variable):
            variable.set_value(jax.tree.map(widened, variable.get_value()))


def widened_argument(argument):
    if type(argument).__module__.startswith("flax.nnx") or hasattr(argument, "iter_modules"):
        widen_variables(argument)
        return argument
    return jax.tree.map(widened, argument)


def export_wide(command):
    """The text of the same step on f64 arguments."""
    framework, model, *rest = command
    with jax.enable_x64(True):
        if framework == "keras":
            given = options.parser("").parse_args([framework, f"{keras_step.__file__}:wide_step"])
            return from_keras.export(given.models[0], given)
        if model.endswith(":step"):
            step, args = userfile.call(model)
            from_jax.set_locations(jax, EXAMPLES)
            return from_jax.text(jax, step, tuple(widened_argument(a) for a in args), {})
        kept = [] if "--dtype" not in rest else rest[: rest.index("--dtype")] + rest[rest.index("--dtype") + 2 :]
        given = options.parser("").parse_args([framework, model, *(kept or rest), "--dtype", "f64"])
        return from_jax.export(model, given)


def value(generator, name, role, shape, dtype):
    """A plausible value of an argument: what its place in the network needs to be well conditioned."""
    if not np.issubdtype(np.dtype(dtype), np.floating) and dtype is not ml_dtypes.bfloat16:
        return (generator.integers(0, 10, shape) if role == "label" else np.full(shape, 3)).astype(dtype)
    last = name.rpartition(".")[2]
    if last in ("kernel",) and role == "param":
        drawn = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
    elif last in ("scale", "gamma") and role == "param":
        # Scales of both signs, none near zero.
        drawn = generator.uniform(0.5, 1.5, shape) * np.where(np.arange(np.prod(shape)).reshape(shape) % 2, 1, -1)
    elif last in ("var", "moving_variance") or ".nu." in name or "velocity" in name:
        drawn = generator.uniform(0.5, 1.5, shape)
    elif role in ("param", "state"):
        drawn = 0.1 * generator.standard_normal(shape)
    else:
        drawn = generator.standard_normal(shape)
    return np.asarray(drawn).astype(dtype)


class Run:
    """One step, exported and rewritten."""

    def __init__(self, step, folder):
        self.step = step
        self.text = export(step.command, folder)
        self.signature = jax_text.Signature(self.text)
        self.recognised = batches.opt(self.text, [IMPORT, "--abn-recognize"])
        optimize = "--abn-optimize=plan=false" + (" verify-equivalence" if step.verify else "")
        report = folder / "report.json"
        self.rewritten = batches.opt(self.text, [IMPORT, optimize, f"--abn-report-memory=output={report}"])
        self.report = json.loads(report.read_text())

    def arguments(self, seed):
        generator = np.random.default_rng(seed)
        pairs = zip(self.signature.arguments, self.signature.argument_types)
        return [value(generator, *named, shape, DTYPES[element]) for named, (shape, element) in pairs]


class Reference:
    """The step in f64, and JAX's own results in the step's type."""

    def __init__(self, run):
        wide_text = export_wide(run.step.command)
        self.signature, wide = run.signature, jax_text.Signature(wide_text)
        assert (wide.arguments, wide.results) == (self.signature.arguments, self.signature.results)
        self.kinds = [DTYPES[element] for _, element in wide.argument_types]
        self.wide, self.native = jax_text.compiled(wide_text), jax_text.compiled(run.text)
        self.meta = {
            "arg_roles": [[role, name] for name, role in self.signature.arguments],
            "result_roles": [[role, name] for name, role in self.signature.results],
            "result_dtypes": [element for _, element in self.signature.result_types],
        }

    def problems(self, arguments, results):
        """A line for each result that is further from f64 than it may be."""
        expected = self.wide([a.astype(kind) for a, kind in zip(arguments, self.kinds)])
        judge = reference.Reference(arguments, expected, self.native(arguments), self.meta)
        return reference.compare(judge, results)[1]


@pytest.fixture(scope="module", params=STEPS, ids=[step.name for step in STEPS])
def run(request, tmp_path_factory):
    return Run(request.param, tmp_path_factory.mktemp("step"))


def norm_names(run):
    """The modules that have a running mean, by the names that the text gives to arguments."""
    scales = [n for n in run.signature.named("param", "arguments") if n.rpartition(".")[2] in ("scale", "gamma")]
    assert len(scales) == len(run.signature.named("buffer", "arguments")) / 2
    return [name.rpartition(".")[0] for name in scales]


def test_every_batch_norm_is_recognised_with_its_gradient(run):
    names = norm_names(run)
    counts = collections.Counter(re.findall(r'"abn\.(\w+)"\(', run.recognised))
    assert counts["batch_norm"] == counts["batch_norm_grad"] == len(names) == sum(run.step.activations.values())
    activations = {name: count for name, count in run.step.activations.items() if name != "identity"}
    assert counts["activation"] >= sum(activations.values()) <= counts["activation_grad"]
    assert run.report["batch_norms"] == len(names)
    assert sorted(chain["name"] for chain in run.report["chains"]) == sorted(names)
    assert collections.Counter(chain["activation"] for chain in run.report["chains"]) == run.step.activations
    for chain in run.report["chains"]:
        assert (chain["strategy"] != "kept") == (chain["activation"] in INVERTIBLE) or chain["activation"] == "identity"


def test_the_loss_is_found_and_bytes_are_saved(run):
    assert run.signature.results.count(("loss", "loss")) == 1
    assert len(re.findall(r'abn\.name = "loss", abn\.role = "loss"', run.rewritten)) == 1
    before, after = run.report["saved_bytes_before"], run.report["saved_bytes_after"]
    invertible = any(name in INVERTIBLE for name in run.step.activations)
    assert 0 < after < before * (0.6 if invertible else 1)


def test_every_result_agrees_with_f64(run):
    program = mlir_exec.compile_module(run.rewritten, LOWER, optimize="-O0")
    expected = Reference(run)
    for seed in range(DRAWS):
        arguments = run.arguments(seed)
        results = program.call("main", [jax_harness.to_executor(a) for a in arguments])
        problems = expected.problems(arguments, results)
        if not problems:
            return
    assert not problems, "\n".join(problems)
