"""What the command line accepts and its argument parser.  Needs no framework, so that `--help` is immediate."""

import argparse
import math

from . import TESTED_VERSIONS, ExportError

DTYPES = ("f16", "bf16", "f32", "f64")
# With a parameter: --slope and its default.
SLOPED_ACTIVATIONS = {"leaky_relu": 0.01, "elu": 1.0, "celu": 1.0}
PLAIN_ACTIVATIONS = (
    "gelu",
    "gelu_tanh",
    "hardswish",
    "hardtanh",
    "identity",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
)
ACTIVATIONS = (*SLOPED_ACTIVATIONS, *PLAIN_ACTIVATIONS)
# The default learning rates.
OPTIMIZERS = {"sgd": 0.1, "sgd-momentum": 0.1, "adam": 0.001}
DEFAULT_BATCH = 8
# Of Keras; the first is the default.
BACKENDS = ("jax", "tensorflow")

_DESCRIPTION = """\
Writes a whole training step (forward, loss, backward, optionally the update) as MLIR text: {}
No weights are computed."""
_ATEN = "one operation per aten\noverload in generic form, on builtin tensor types, for `abn-opt --abn-import-aten`."
_STABLEHLO = "StableHLO in\ngeneric form, for `abn-opt --abn-import-stablehlo`."

_EXIT = """\
Exit status: 0 when every model was written, 1 otherwise; a file is complete or it is not there."""

_TORCH = f"""\
MODEL is one of
  resnet50, deeplabv3_resnet50, ...   a torchvision classification or segmentation network
  timm:convnext_tiny                  a timm network
  train.py:step                       a function that returns (module, example_inputs) or
                                      (module, example_inputs, loss); loss(output, *labels) takes as many of the last
                                      example inputs as it has arguments after the first; without a loss the module's
                                      first output is the loss

examples
  abn-export torch resnet50 --batch 8 --act leaky_relu -o resnet50.mlir
  abn-export torch resnet18 timm:darknet53 --optimizer adam -o graphs/
  abn-export torch train.py:step | abn-opt --abn-import-aten --abn-optimize

Zoo networks train with cross-entropy on integer labels. {_EXIT}"""

_JAX = f"""\
MODEL is one of
  block1, cnn3, resnet18, resnet50    a flax network, NHWC, as torchvision's
  train.py:step                       a function that returns (step, args) or (step, args, kwargs): the training step,
                                      jitted (jax.jit, nnx.jit) or plain, and its example arguments: arrays,
                                      jax.ShapeDtypeStruct, trees of these, nnx modules

examples
  abn-export jax resnet50 --batch 8 --act leaky_relu -o resnet50.mlir
  abn-export jax train.py:step --loss loss | abn-opt --abn-import-stablehlo --abn-optimize

Zoo networks train with cross-entropy on integer labels. {_EXIT}"""

_KERAS = f"""\
MODEL is one of
  ResNet50, MobileNetV2, ...          a network of keras.applications
  train.py:step                       a function that returns (model, (x, y)), the model compiled, or
                                      ((model, loss, optimizer), (x, y)); x and y are arrays or jax.ShapeDtypeStruct;
                                      without an optimizer the gradients are results

examples
  abn-export keras ResNet50 --batch 8 --optimizer sgd -o resnet50.mlir
  abn-export keras train.py:step --backend tensorflow -o step.mlir

Networks of keras.applications train with cross-entropy on integer labels. {_EXIT}"""


class Parser(argparse.ArgumentParser):
    """Mistakes are one line on stderr and exit 1, as everywhere in this project."""

    def error(self, message):
        raise ExportError(f"{message} (see {self.prog} --help)")


def _positive(text):
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


# argparse names the function in its message.
_positive.__name__ = "positive integer"
_number.__name__ = "finite number"


def tested_versions():
    """Package -> version, over all commands."""
    return {package: version for tested in TESTED_VERSIONS.values() for package, version in tested.items()}


def version_text(program_version, installed):
    packages = ", ".join(f"{name} {version}" for name, version in installed.items()) or "no framework is installed"
    tested = ", ".join(f"{name} {version}" for name, version in tested_versions().items())
    return f"abn-export {program_version} ({packages}; tested with {tested})"


def _add_shape_options(add):
    add("--batch", type=_positive, metavar="N", help=f"batch size of a zoo network (default: {DEFAULT_BATCH})")
    add("--size", type=_positive, metavar="N", help="image height and width (default: the network's own, mostly 224)")


def _add_activation_options(add, action):
    add("--act", choices=ACTIVATIONS, metavar="NAME", help=f"{action} {', '.join(ACTIVATIONS)}")
    add(
        "--slope",
        type=_number,
        metavar="A",
        help="slope of leaky_relu (default: 0.01), alpha of elu and celu (default: 1)",
    )
    add(
        "--frozen-bn", action="store_true", help="batch norms use their running statistics (eval mode), but still train"
    )


def _add_update_options(add, action):
    rates = ", ".join(f"{rate} for {name}" for name, rate in OPTIMIZERS.items())
    add("--optimizer", choices=["none", *OPTIMIZERS], default="none", help=f"{action} (default: none)")
    add("--lr", type=_number, metavar="X", help=f"learning rate (default: {rates})")
    add("--momentum", type=_number, metavar="X", default=0.9, help="of sgd-momentum (default: %(default)s)")
    add("--weight-decay", type=_number, metavar="X", default=0.0, help="added to the gradients (default: %(default)s)")


def _add_torch_options(command):
    add = command.add_argument_group("the model").add_argument
    _add_shape_options(add)
    add("--dtype", choices=DTYPES, help="type of parameters and inputs (default: f32; FILE.py: as they are)")
    _add_activation_options(add, "swap ReLU-like activations for")
    add = command.add_argument_group("the update").add_argument
    _add_update_options(add, "append the update")
    add("--foreach", action="store_true", help="write the update as aten._foreach_* operations")


def _add_loss_option(add):
    add(
        "--loss",
        metavar="NAME|INDEX",
        help="the result that is the loss, by its name in the text or its number (default: the first floating scalar)",
    )


def _add_jax_options(command):
    _add_loss_option(command.add_argument)
    add = command.add_argument_group("a zoo network").add_argument
    _add_shape_options(add)
    add("--dtype", choices=DTYPES, help="type of parameters and inputs (default: f32)")
    _add_activation_options(add, "activation (default: relu):")
    _add_update_options(command.add_argument_group("a zoo network's update").add_argument, "append optax's update")


def _add_keras_options(command):
    command.add_argument(
        "--backend", choices=BACKENDS, default=BACKENDS[0], help="what Keras runs on (default: %(default)s)"
    )
    add = command.add_argument_group("a network of keras.applications").add_argument
    _add_shape_options(add)
    _add_update_options(command.add_argument_group("its update").add_argument, "append Keras' update")


# What one command has and another lacks, so that the shared code can ask for it.
_ABSENT = {
    "act": None,
    "slope": None,
    "dtype": None,
    "frozen_bn": False,
    "foreach": False,
    "backend": None,
    "loss": None,
}
_COMMANDS = {
    "torch": ("PyTorch models: torchvision, timm, or your own", _ATEN, _TORCH, _add_torch_options),
    "jax": ("JAX training steps: any jitted function, flax, optax", _STABLEHLO, _JAX, _add_jax_options),
    "keras": ("Keras models, on JAX or TensorFlow", _STABLEHLO, _KERAS, _add_keras_options),
}


def parser(version):
    top = Parser(
        prog="abn-export",
        description="Writes training steps as MLIR text, for abn-opt.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=version)
    commands = top.add_subparsers(dest="framework", metavar="FRAMEWORK", required=True, parser_class=Parser)
    for name, (summary, form, epilog, add_options) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=_DESCRIPTION.format(form),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(**_ABSENT)
        command.add_argument("models", metavar="MODEL", nargs="+")
        command.add_argument(
            "-o", "--out", metavar="FILE|DIR", help="output file (default: stdout); a directory for several models"
        )
        add_options(command)
    return top


def check(options):
    """Options that contradict each other."""
    files = [name for name in options.models if ".py:" in name]
    if files and (options.size or options.batch):
        raise ExportError(f"--batch and --size are for zoo networks; '{files[0]}' brings its own inputs")
    if files and options.framework != "torch":
        given = (options.act, options.dtype, options.lr, options.frozen_bn, options.weight_decay)
        if any(given) or options.optimizer != "none":
            raise ExportError(
                "--act, --dtype, --frozen-bn and the update's options are for zoo networks; "
                f"'{files[0]}' is taken as it is"
            )
    if options.slope is not None and options.act not in SLOPED_ACTIVATIONS:
        raise ExportError(f"--slope goes with --act {' or '.join(SLOPED_ACTIVATIONS)}")
    if options.foreach and options.optimizer == "none":
        raise ExportError("--foreach goes with --optimizer")
    if options.out in (None, "-") and len(options.models) > 1:
        raise ExportError("several models need a directory: -o DIR")
