"""`abn-export jax`: roles and names of every argument and result, donation, numbers, places, and mistakes."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from abn_export import cli

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402
from flax import nnx  # noqa: E402
from flax.training import train_state  # noqa: E402
from jax_text import Signature, execute  # noqa: E402

from abn_export import dataflow, flax_zoo, from_jax, options  # noqa: E402

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"

STEPS = """
import flax.linen as nn
import jax
import jax.numpy as jnp


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(2, (3, 3), use_bias=False, name="conv")(x)
        return nn.relu(nn.BatchNorm(use_running_average=False, name="bn")(x)).mean((1, 2))


def loss(params, batch_stats, x, y):
    out, new = Net().apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
    return ((out - y) ** 2).mean(), new["batch_stats"]


def train(params, batch_stats, x, y):
    return jax.value_and_grad(loss, has_aux=True)(params, batch_stats, x, y)


def args():
    x = jax.ShapeDtypeStruct((4, 8, 8, 1), jnp.float32)
    variables = jax.eval_shape(Net().init, jax.random.key(0), x)
    return variables["params"], variables["batch_stats"], x, jax.ShapeDtypeStruct((4, 2), jnp.float32)


def plain():
    return train, args()


def jitted():
    return jax.jit(train, donate_argnums=(1,)), args()


def with_keywords():
    params, batch_stats, x, y = args()
    return train, (params, batch_stats), {"x": x, "y": y}


def static():
    scaled = jax.jit(lambda n, params, x: (params["w"] * x * n).sum(), static_argnums=0)
    return scaled, (3, {"w": jnp.ones(2)}, jnp.ones(2))


def unused():
    return jax.jit(lambda unused, params, x: (params["w"] * x).sum()), (jnp.ones(7), {"w": jnp.ones(2)}, jnp.ones(2))


def two_scalars():
    return lambda params, x: (x.mean(), {"mse": (params["w"] * x).sum()}), ({"w": jnp.ones(2)}, jnp.ones(2))


def constants():
    table = jnp.arange(5000, dtype=jnp.float32).reshape(50, 100)
    return lambda x: (x @ table).sum(), (jax.ShapeDtypeStruct((3, 50), jnp.float32),)


def random():
    def noisy(params, key, x):
        return (params["w"] * (x + jax.random.normal(key, x.shape))).sum()

    return jax.jit(noisy), ({"w": jnp.ones(2)}, jax.random.key(1), jnp.ones(2))


def wide():
    return lambda x: x.sum(), (jax.ShapeDtypeStruct((3,), jnp.bfloat16),)


number = 3


def raises():
    raise ValueError("first line\\nsecond line")


def not_a_tuple():
    return train


def bad_arguments():
    return train, 3


def nothing():
    return lambda x: None, (jnp.ones(2),)


def branches():
    return lambda x: x if x.sum() > 0 else -x, (jnp.ones(2),)


def wrong_shape():
    return lambda x, y: x @ y, (jnp.ones((2, 3)), jnp.ones((2, 3)))


def no_loss():
    return lambda x: x * 2, (jnp.ones(2),)
"""


@pytest.fixture
def steps(tmp_path):
    path = tmp_path / "steps.py"
    path.write_text(STEPS)
    return path


@pytest.fixture
def run(capsys):
    """The command in this process: (exit code, stdout, stderr)."""

    def call(*arguments):
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def export(run):
    """The text of what must succeed without a word."""

    def call(*arguments):
        code, out, err = run("jax", *arguments)
        assert (code, err) == (0, "")
        return out

    return call


def text_of(step, *args, **kwargs):
    from_jax.set_locations(jax)
    return from_jax.text(jax, step, args, kwargs)


STEP_ARGUMENTS = [
    ("params.bn.bias", "param"),
    ("params.bn.scale", "param"),
    ("params.conv.kernel", "param"),
    ("batch_stats.bn.mean", "buffer"),
    ("batch_stats.bn.var", "buffer"),
    ("x", "input"),
    ("y", "label"),
]
STEP_RESULTS = [
    ("loss", "loss"),
    ("batch_stats.bn.mean", "buffer"),
    ("batch_stats.bn.var", "buffer"),
    ("params.bn.bias", "grad"),
    ("params.bn.scale", "grad"),
    ("params.conv.kernel", "grad"),
]


@pytest.mark.parametrize("function", ["plain", "jitted", "with_keywords"])
def test_a_function_in_a_file(export, steps, function, parse):
    text = export(f"{steps}:{function}")
    parse(text)
    found = Signature(text)
    assert found.arguments == STEP_ARGUMENTS and found.results == STEP_RESULTS
    assert found.donated == (["batch_stats.bn.mean", "batch_stats.bn.var"] if function == "jitted" else [])
    assert text.count("tf.aliasing_output") + text.count("jax.buffer_donor") == len(found.donated)


def test_static_and_unused_arguments_are_not_in_the_text(export, steps):
    for function in ("static", "unused"):
        found = Signature(export(f"{steps}:{function}"))
        assert found.arguments == [("params.w", "param"), ("x", "input")]
        assert found.results == [("loss", "loss")]


def test_the_loss_is_the_first_scalar_or_the_one_that_is_named(run, export, steps):
    name = f"{steps}:two_scalars"
    assert Signature(export(name)).results == [("loss", "loss"), ("result.1.mse", "output")]
    for chosen in ("mse", "result.1.mse", "1"):
        assert Signature(export(name, "--loss", chosen)).results == [("result.0", "output"), ("loss", "loss")]
    code, out, err = run("jax", name, "--loss", "accuracy")
    assert (code, out) == (1, "") and "--loss accuracy is not a floating scalar result" in err and err.count("\n") == 1


def test_constants_are_complete(export, steps, parse):
    text = export(f"{steps}:constants")
    assert "__elided__" not in text and "dense_resource" not in text
    assert "__elided__" not in parse(text)
    x = np.ones((3, 50), np.float32)
    table = np.arange(5000, dtype=np.float32).reshape(50, 100)
    assert execute(text, [x])[0] == pytest.approx((x @ table).sum(), rel=1e-6)


def test_random_keys_leave_no_shardings(export, steps, parse):
    text = export(f"{steps}:random")
    parse(text)
    assert "sdy" not in text
    assert Signature(text).arguments == [("params.w", "param"), ("key", None), ("x", "input")]


def test_the_types_are_the_file_s(export, steps):
    assert "tensor<3xbf16>" in export(f"{steps}:wide")


def numbers(tree, seed=0):
    """Random values in the shape of a tree of arrays or shapes."""
    generator = np.random.default_rng(seed)
    make = lambda x: (
        jnp.asarray(generator.uniform(0.5, 1.5, x.shape), x.dtype)
        if x.dtype != jnp.int32
        else jnp.zeros(x.shape, x.dtype)
    )
    return jax.tree.map(make, tree)


def test_the_text_computes_what_the_step_computes(steps, export):
    text = export(f"{steps}:plain")
    from abn_export import userfile

    step, args = userfile.call(f"{steps}:plain")
    args = numbers(args)
    expected = jax.tree.leaves(jax.jit(step)(*args))
    found = execute(text, jax.tree.leaves(args))
    assert len(found) == len(expected) == 6
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rule", ["none", "sgd", "sgd-momentum", "adam"])
def test_a_zoo_step_s_text_computes_what_the_step_computes(export, rule):
    options_given = ["--batch", "4", "--size", "16", "--act", "leaky_relu", "--optimizer", rule]
    text = export("cnn3", *options_given)
    step, args, _ = flax_zoo.step("cnn3", options.parser("").parse_args(["jax", "cnn3", *options_given]))
    args = numbers(args)
    leaves = [np.array(leaf) for leaf in jax.tree.leaves(args)]
    found = execute(text, leaves)
    expected = jax.tree.leaves(step(*args))
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


RULES = {
    "sgd": (optax.sgd(0.1), []),
    "momentum": (optax.sgd(0.1, momentum=0.9), ["0.trace.b", "0.trace.w"]),
    "adam": (optax.adam(0.1), ["0.count", "0.mu.b", "0.mu.w", "0.nu.b", "0.nu.w"]),
    "adamw": (optax.adamw(0.1), ["0.count", "0.mu.b", "0.mu.w", "0.nu.b", "0.nu.w"]),
    "clipped": (optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)), []),
}
LINEAR = {"w": jax.ShapeDtypeStruct((3, 2), jnp.float32), "b": jax.ShapeDtypeStruct((2,), jnp.float32)}
IMAGES = jax.ShapeDtypeStruct((4, 3), jnp.float32)


def linear_loss(params, x):
    return ((x @ params["w"] + params["b"]) ** 2).mean()


@pytest.mark.parametrize("rule", RULES)
def test_optax_state_and_updates(rule):
    rule, state = RULES[rule]

    def step(params, opt_state, x):
        loss, grads = jax.value_and_grad(linear_loss)(params, x)
        updates, opt_state = rule.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss, grads

    found = Signature(text_of(jax.jit(step), LINEAR, jax.eval_shape(rule.init, LINEAR), IMAGES))
    state = [(f"opt_state.{name}", "state") for name in state]
    params = ["params.b", "params.w"]
    assert found.arguments == [*((name, "param") for name in params), *state, ("x", "input")]
    assert found.results == [
        *((name, "updated_param") for name in params),
        *state,
        ("loss", "loss"),
        *((name, "grad") for name in params),
    ]


def test_weight_decay_in_the_loss_does_not_make_a_gradient_an_update():
    def step(params, x):
        decayed = lambda p: linear_loss(p, x) + 0.1 * sum((v**2).sum() for v in p.values())
        return jax.value_and_grad(decayed)(params)

    found = Signature(text_of(jax.jit(step), LINEAR, IMAGES))
    # The parameter is in its gradient: it could be either, and nothing says which.
    assert found.results == [("loss", "loss"), ("params.b", None), ("params.w", None)]


def test_a_loop_hides_what_happened_to_a_parameter():
    def step(params, x):
        body = lambda _, p: jax.tree.map(lambda v, g: v - g, p, jax.grad(linear_loss)(p, x))
        return linear_loss(params, x), jax.lax.fori_loop(0, 3, body, params)

    found = Signature(text_of(jax.jit(step), LINEAR, IMAGES))
    assert found.results == [("loss", "loss"), ("params.b", None), ("params.w", None)]


def test_results_that_are_named_grads():
    def step(params, x):
        loss, grads = jax.value_and_grad(linear_loss)(params, x)
        return {"loss": loss, "grads": jax.tree.map(lambda g, p: g + p, grads, params)}

    assert Signature(text_of(jax.jit(step), LINEAR, IMAGES)).named("grad") == ["params.b", "params.w"]


def test_two_trees_of_one_shape_are_not_confused():
    def step(params, batch_stats, x):
        new = jax.tree.map(lambda v: v * 0.9, batch_stats)
        return linear_loss(params, x), new

    found = Signature(text_of(jax.jit(step), LINEAR, LINEAR, IMAGES))
    # Without names in the result it could be the parameters' or the statistics'.
    assert found.results == [("loss", "loss"), ("result.1.b", None), ("result.1.w", None)]

    def named(params, batch_stats, x):
        return {"loss": linear_loss(params, x), "batch_stats": step(params, batch_stats, x)[1]}

    found = Signature(text_of(jax.jit(named), LINEAR, LINEAR, IMAGES))
    assert found.results == [("batch_stats.b", "buffer"), ("batch_stats.w", "buffer"), ("loss", "loss")]


def test_what_is_not_known_has_no_role():
    found = Signature(text_of(jax.jit(lambda weights, other: (weights * other).sum()), jnp.ones(2), jnp.ones(2)))
    assert found.arguments == [("weights", None), ("other", None)]


def test_outputs_have_the_batch():
    step = lambda params, x: (linear_loss(params, x), x @ params["w"], jnp.sum(params["w"], 0))
    found = Signature(text_of(jax.jit(step), LINEAR, IMAGES))
    assert found.results == [("loss", "loss"), ("result.1", "output"), ("result.2", None)]


def test_a_train_state():
    @jax.jit
    def step(state, batch):
        loss, grads = jax.value_and_grad(linear_loss)(state.params, batch["image"])
        return state.apply_gradients(grads=grads), loss

    make = lambda: train_state.TrainState.create(apply_fn=None, params=numbers(LINEAR), tx=optax.adam(0.1))
    found = Signature(text_of(step, jax.eval_shape(make), {"image": IMAGES}))
    state = ["step", "opt_state.0.count", *(f"opt_state.0.{m}.{p}" for m in ("mu", "nu") for p in "bw")]
    assert found.named("state", "arguments") == found.named("state") == state
    assert found.named("param", "arguments") == found.named("updated_param") == ["params.b", "params.w"]
    assert found.named("input", "arguments") == ["batch.image"] and found.results[-1] == ("loss", "loss")


class Net(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(3, 4, (3, 3), use_bias=False, rngs=rngs)
        self.bn = nnx.BatchNorm(4, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.bn(self.conv(x))).mean((1, 2))


NNX_VARIABLES = [
    ("bn.bias", "param"),
    ("bn.mean", "buffer"),
    ("bn.scale", "param"),
    ("bn.var", "buffer"),
    ("conv.kernel", "param"),
]


def nnx_problem(rule):
    model = nnx.eval_shape(lambda: Net(nnx.Rngs(0)))
    optimizer = nnx.eval_shape(lambda: nnx.Optimizer(model, rule, wrt=nnx.Param))
    return model, optimizer, jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32)


@pytest.mark.parametrize("jit", [nnx.jit, lambda f: nnx.jit(f, donate_argnums=(0, 1))], ids=["jit", "donated"])
def test_nnx_jit(jit):
    @jit
    def step(model, optimizer, images):
        loss, grads = nnx.value_and_grad(lambda model: model(images).mean())(model)
        optimizer.update(model, grads)
        return loss

    found = Signature(text_of(step, *nnx_problem(optax.sgd(0.1, momentum=0.9))))
    state = [(f"optimizer.opt_state.0.trace.{n}", "state") for n, role in NNX_VARIABLES if role == "param"]
    state.append(("optimizer.step", "state"))
    model = [(f"model.{name}", role) for name, role in NNX_VARIABLES]
    assert found.arguments == [*model, *state, ("images", "input")]
    updated = [(name, "updated_param" if role == "param" else role) for name, role in model]
    assert found.results == [*updated, *state, ("loss", "loss")]
    assert len(found.donated) == (0 if jit is nnx.jit else len(model) + len(state))


def test_nnx_split():
    model, _, images = nnx_problem(optax.sgd(0.1))
    graph, params, stats = nnx.split(model, nnx.Param, ...)

    @jax.jit
    def step(weights, stats, images):
        def loss_of(weights):
            model = nnx.merge(graph, weights, stats, copy=True)
            return model(images).mean(), nnx.state(model, nnx.BatchStat)

        return jax.value_and_grad(loss_of, has_aux=True)(weights)

    found = Signature(text_of(step, params, stats, images))
    weights = [n for n, role in NNX_VARIABLES if role == "param"]
    buffers = [n for n, role in NNX_VARIABLES if role == "buffer"]
    assert found.named("param", "arguments") == found.named("grad") == [f"weights.{n}" for n in weights]
    assert found.named("buffer", "arguments") == found.named("buffer") == [f"stats.{n}" for n in buffers]


def test_the_dataflow_of_an_update_and_of_a_gradient():
    def f(p, m, x):
        gradient = x.T @ (x @ p)
        return p - 0.1 * (0.9 * m + gradient), gradient, 0.9 * p + gradient, jnp.where(x.sum() > 0, p, p + 1)

    square = jnp.ones((2, 2))
    flows = dataflow.flows(jax.make_jaxpr(f)(square, square, square).jaxpr)
    assert [0 in additive for additive, _ in flows] == [True, False, False, True]
    assert [0 in elementwise for _, elementwise in flows] == [True, False, True, True]


# ---- the zoo


def test_zoo_networks_have_torchvision_s_parameters(export):
    import math

    # https://pytorch.org/vision: parameters of resnet18 and resnet50.
    for name, count in (("resnet18", 11689512), ("resnet50", 25557032)):
        given = options.parser("").parse_args(["jax", name, "--size", "64", "--batch", "2"])
        params = flax_zoo.step(name, given)[1][0]
        assert sum(math.prod(p.shape) for p in jax.tree.leaves(params)) == count


@pytest.mark.parametrize("name", ["block1", "cnn3", "resnet18"])
def test_a_zoo_network_is_a_complete_step(export, name, parse):
    text = export(name, "--batch", "2", "--size", "32", "--act", "leaky_relu", "--optimizer", "sgd-momentum")
    parse(text)
    found = Signature(text)
    assert all(role for _, role in found.arguments + found.results)
    assert found.named("param", "arguments") == found.named("updated_param")
    assert found.named("buffer", "arguments") == found.named("buffer")
    assert found.named("state", "arguments") == found.named("state")
    assert found.named("loss") == ["loss"]
    assert found.donated == [n for n, role in found.arguments if role not in ("input", "label")]


@pytest.mark.parametrize("dtype, spelt", [("bf16", "bf16"), ("f16", "f16"), ("f64", "f64")])
def test_zoo_types(export, dtype, spelt, parse):
    text = export("block1", "--dtype", dtype, "--batch", "2", "--optimizer", "adam")
    parse(text)
    assert f"tensor<2x32x32x3x{spelt}>" in text and f"tensor<3x3x3x16x{spelt}>" in text
    found = Signature(text)
    assert (
        found.named("buffer") == found.named("buffer", "arguments") == ["batch_stats.bn1.mean", "batch_stats.bn1.var"]
    )
    assert not jax.config.jax_enable_x64


def test_the_activations_that_the_help_lists_are_the_ones_that_exist():
    assert set(options.ACTIVATIONS) == set(flax_zoo._PLAIN) | set(flax_zoo._SLOPED)
    assert set(options.DTYPES) == set(flax_zoo.DTYPES)


def test_activations_are_torch_s():
    torch = pytest.importorskip("torch")
    from abn_export import activations

    x = np.linspace(-6, 6, 101)
    for name in options.ACTIVATIONS:
        given = options.parser("").parse_args(["jax", "block1", "--act", name])
        with jax.enable_x64(True):
            ours = np.asarray(flax_zoo._activation(given)(jnp.asarray(x)))
        theirs = activations.ActivationSwap(name).function(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-9, err_msg=name)


def test_frozen_batch_norms_keep_their_statistics(export):
    assert "grad" in dict.fromkeys(r for _, r in Signature(export("block1", "--frozen-bn", "--batch", "2")).results)


# ---- examples, places, determinism


@pytest.mark.parametrize("example", sorted(p.name for p in EXAMPLES.glob("*.py")))
def test_an_example(export, example, parse):
    text = export(f"{EXAMPLES / example}:step")
    parse(text)
    found = Signature(text)
    assert all(role for _, role in found.arguments + found.results)
    assert found.named("param", "arguments") == found.named("updated_param")
    assert f'"{example}":' in text and str(EXAMPLES) not in text


def test_places_are_the_model_s_lines(export, steps):
    text = export(f"{steps}:plain")
    line = next(n for n, text_line in enumerate(STEPS.splitlines(), 1) if "nn.Conv(" in text_line)
    assert f'loc("steps.py":{line}:' in text
    # The function has the place of the step itself.
    line = 1 + STEPS.splitlines().index("def train(params, batch_stats, x, y):")
    assert f'#loc = loc("steps.py":{line}:0)' in text and "\n  }) : () -> () loc(#loc)\n" in text
    files = set(re.findall(r'loc\("([^"]*)":\d+', text))
    assert files == {"steps.py"}


def run_process(*arguments, **options):
    command = [sys.executable, "-m", "abn_export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_the_same_input_gives_the_same_bytes(steps, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "steps.py").write_text(STEPS)
    texts = {
        run_process("jax", f"{path}:plain", env={**os.environ, "PYTHONHASHSEED": seed}, cwd=cwd).stdout
        for path, seed, cwd in ((steps, "1", tmp_path), ("steps.py", "2", elsewhere))
    }
    assert len(texts) == 1 and len(texts.pop()) > 1000


def test_a_model_s_text_does_not_depend_on_the_one_before_it(run, export, steps, tmp_path):
    alone = export(f"{steps}:plain")
    code, _, err = run("jax", "block1", f"{steps}:plain", "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert sorted(os.listdir(tmp_path / "out")) == ["block1_b8.mlir", "steps_plain.mlir"]
    assert (tmp_path / "out" / "steps_plain.mlir").read_text() == alone


# ---- mistakes

MISTAKES = [
    (["resnet19"], r"unknown flax model 'resnet19' \(did you mean resnet18"),
    (["missing.py:f"], "no file 'missing.py'"),
    (["{steps}:missing"], "has no function 'missing'"),
    (["{steps}:number"], "has no function 'number'"),
    (["{steps}:raises"], "ValueError: first line second line"),
    (["{steps}:not_a_tuple"], r"must return \(step, args\)"),
    (["{steps}:bad_arguments"], "example arguments must be a tuple"),
    (["{steps}:nothing"], "the step returns nothing"),
    (["{steps}:branches"], "cannot be traced: TracerBoolConversionError"),
    (["{steps}:wrong_shape"], "cannot be traced: TypeError: dot_general"),
    (["{steps}:plain", "--batch", "3"], "brings its own inputs"),
    (["{steps}:plain", "--act", "elu"], "is taken as it is"),
    (["{steps}:plain", "--optimizer", "sgd"], "is taken as it is"),
    (["{steps}:plain", "--loss", "7"], "--loss 7 is not a floating scalar result"),
    (["block1", "--act", "swoosh"], "invalid choice: 'swoosh'"),
    (["block1", "--foreach"], "unrecognized arguments: --foreach"),
    (["block1", "cnn3"], "several models need a directory"),
    ([], "required: MODEL"),
]


@pytest.mark.parametrize("arguments, message", MISTAKES, ids=[" ".join(a) or "none" for a, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_1(run, steps, tmp_path, arguments, message):
    code, out, err = run("jax", *(a.format(steps=steps) for a in arguments))
    assert (code, out) == (1, "") and err.startswith("abn-export: error: ") and err.count("\n") == 1
    assert re.search(message, err)


def test_a_step_that_fails_leaves_nothing(run, steps, tmp_path):
    code, _, _ = run("jax", f"{steps}:branches", f"{steps}:plain", "-o", tmp_path / "out")
    assert code == 1 and os.listdir(tmp_path / "out") == ["steps_plain.mlir"]


def test_no_scalar_is_no_loss(export, steps):
    assert Signature(export(f"{steps}:no_loss")).named("loss") == []


@pytest.mark.parametrize("missing, message", [("jax", "JAX cannot be imported"), ("flax", "needs flax and optax")])
def test_without_its_packages_it_says_so(missing, message):
    code = f"import sys; sys.modules['{missing}'] = None; from abn_export.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "jax", "block1"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("abn-export: error: ") and done.stderr.count("\n") == 1
    assert message in done.stderr


@pytest.mark.parametrize("framework, other", [("jax", "torch"), ("torch", "jax")])
def test_neither_framework_needs_the_other(framework, other, tmp_path):
    path = tmp_path / "f.py"
    path.write_text(
        "import jax\ndef f():\n    return lambda x: x.sum(), (jax.numpy.ones(2),)\n"
        if framework == "jax"
        else "import torch\ndef f():\n    return torch.nn.Linear(2, 1), (torch.zeros(1, 2),), lambda y: y.sum()\n"
    )
    code = f"import sys; sys.modules['{other}'] = None; from abn_export.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, framework, f"{path}:f"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "builtin.module" in done.stdout
