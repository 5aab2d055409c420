"""`abn-export keras`: the step is the one that Keras trains with, on JAX and on TensorFlow.

Keras chooses its back end once per process, so each case is a process.  TensorFlow is not in the common environment
(its wheel alone is 274 MB): its cases run where it is installed, and say so where not.
"""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

# Not imported here: it would want a back end.
if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

from jax_text import Signature, execute  # noqa: E402

MODEL = """
import keras
import numpy as np

keras.utils.set_random_seed(0)


class Spec:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, np.dtype(dtype)


def network():
    return keras.Sequential([
        keras.layers.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.BatchNormalization(name="bn"),
        keras.layers.LeakyReLU(name="act"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, name="fc"),
    ])


def batch():
    return Spec((4, 8, 8, 3), "float32"), Spec((4,), "int32")


def loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(optimizer="adam"):
    model = network()
    model.compile(optimizer, loss())
    return model, batch()


def momentum():
    return (network(), loss(), keras.optimizers.SGD(0.1, momentum=0.9)), batch()


def gradients():
    return (network(), loss(), None), batch()


def not_compiled():
    return network(), batch()


def not_a_pair():
    return network()


def raises():
    raise ValueError("first line\\nsecond line")


def wrong_shape():
    return compiled()[0], (Spec((4, 8, 8, 1), "float32"), Spec((4,), "int32"))
"""

# What Keras itself makes of the same model, batch and seed: prints every variable before and after one step.
REFERENCE = """
import sys
import keras, numpy as np
sys.path.insert(0, sys.argv[1])
import net
made = getattr(net, sys.argv[2])()[0]
model, loss, optimizer = made if isinstance(made, tuple) else (made, net.loss(), made.optimizer)
model.compile(optimizer, loss)
model.optimizer.build(model.trainable_variables)
groups = lambda: (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
values = lambda: {f"{i}/{v.path}": np.array(v) for i, g in enumerate(groups()) for v in g}
x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
y = np.array([0, 1, 2, 1], "int32")
before = values()
loss = model.train_on_batch(x, y)
save = {f"before/{k}": v for k, v in before.items()} | {f"after/{k}": v for k, v in values().items()}
np.savez(sys.argv[3], x=x, y=y, loss=loss, **save)
"""

BACKENDS = [
    "jax",
    pytest.param(
        "tensorflow",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("tensorflow") is None,
            reason="TensorFlow is not installed: too large for the common environment; pip install tensorflow-cpu",
        ),
    ),
]


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(MODEL)
    return path


def run(*arguments, **options):
    command = [sys.executable, "-m", "abn_export", "keras", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def export(*arguments, **options):
    done = run(*arguments, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


PARAMS = ["bn.beta", "bn.gamma", "conv.bias", "conv.kernel", "fc.bias", "fc.kernel"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_roles_and_names(net, backend, parse):
    text = export(f"{net}:gradients", "--backend", backend)
    parse(text)
    found = Signature(text)
    # Keras puts the model's name before the layers'.
    names = [f"params.sequential.{name}" for name in PARAMS]
    assert sorted(found.named("param", "arguments")) == sorted(found.named("grad")) == names
    statistics = [f"buffers.sequential.bn.moving_{name}" for name in ("mean", "variance")]
    assert found.named("buffer", "arguments") == found.named("buffer") == statistics
    assert found.named("input", "arguments") == ["x"] and found.named("label", "arguments") == ["y"]
    assert found.results[0] == ("loss", "loss") and len(found.results) == 1 + 6 + 2
    assert not re.search(r'loc\("/', text) and str(net.parent) not in text


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", ["compiled", "momentum"])
def test_the_text_computes_keras_own_step(net, tmp_path, backend, function, parse):
    text = export(f"{net}:{function}", "--backend", backend)
    parse(text)
    found = Signature(text)
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", REFERENCE, tmp_path, function, tmp_path / "ref.npz"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    reference = np.load(tmp_path / "ref.npz")
    keys = {"params": "0", "buffers": "1", "opt_state": "2"}

    def value(when, name):
        root, _, path = name.partition(".")
        return reference[f"{when}/{keys[root]}/{path.replace('.', '/')}"]

    values = [reference[name] if name in ("x", "y") else value("before", name) for name, _ in found.arguments]
    results = dict(zip((name for name, _ in found.results), execute(text, values)))
    np.testing.assert_allclose(results.pop("loss"), reference["loss"], rtol=1e-5)
    assert len(results) == len(found.arguments) - 2
    for name, result in results.items():
        # Adam divides tiny gradients by their own size: the convolution's bias, which the norm cancels, is noise.
        if "conv.bias" in name or "conv_bias" in name:
            continue
        np.testing.assert_allclose(result, value("after", name), rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_network_of_keras_applications(backend, parse):
    text = export("MobileNetV2", "--batch", "2", "--size", "32", "--optimizer", "sgd", "--backend", backend)
    parse(text)
    found = Signature(text)
    assert all(role for _, role in found.arguments + found.results)
    assert sorted(found.named("param", "arguments")) == sorted(found.named("updated_param"))
    assert len(found.named("buffer")) == 2 * 52
    assert (len(found.donated) > 0) == (backend == "jax")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_input_gives_the_same_bytes(net, backend):
    arguments = (f"{net}:compiled", "--backend", backend)
    texts = {export(*arguments, env={**os.environ, "PYTHONHASHSEED": seed}) for seed in "12"}
    assert len(texts) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_s_text_does_not_depend_on_the_one_before_it(net, tmp_path, backend):
    arguments = (f"{net}:momentum", f"{net}:compiled", "--backend", backend, "-o", tmp_path / "out")
    assert run(*arguments).returncode == 0
    names = [f"net_{function}_{backend}.mlir" for function in ("compiled", "momentum")]
    assert sorted(os.listdir(tmp_path / "out")) == names
    alone = export(f"{net}:compiled", "--backend", backend)
    assert (tmp_path / "out" / names[0]).read_text() == alone


MISTAKES = [
    (["ResNet49"], r"unknown Keras model 'ResNet49' \(did you mean ResNet50"),
    (["{net}:missing"], "has no function 'missing'"),
    (["{net}:raises"], "ValueError: first line second line"),
    (["{net}:not_a_pair"], r"must return \(compiled model, \(x, y\)\)"),
    (["{net}:not_compiled"], "the model is not compiled"),
    (["{net}:wrong_shape"], "cannot be traced"),
    (["{net}:compiled", "--backend", "torch"], "invalid choice: 'torch'"),
    (["{net}:compiled", "--optimizer", "sgd"], "is taken as it is"),
]


@pytest.mark.parametrize("arguments, message", MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_1(net, arguments, message):
    done = run(*(a.format(net=net) for a in arguments))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("abn-export: error: ") and done.stderr.count("\n") == 1
    assert re.search(message, done.stderr)


@pytest.mark.parametrize("missing, backend", [("keras", "jax"), ("tensorflow", "tensorflow")])
def test_without_its_packages_it_says_so(missing, backend):
    code = f"import sys; sys.modules['{missing}'] = None; from abn_export.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "keras", "ResNet50", "--backend", backend]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("abn-export: error: ") and done.stderr.count("\n") == 1
    assert "cannot be imported" in done.stderr
