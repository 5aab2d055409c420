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

_DESCRIPTION = """\
Writes a whole training step (forward, loss, backward, optionally the update) as MLIR text: one operation per aten
overload in generic form, on builtin tensor types, for `abn-opt --abn-import-aten`. No weights are computed."""

_EPILOG = """\
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

Zoo networks train with cross-entropy on integer labels. Exit status: 0 when every model was written, 1 otherwise; a
file is complete or it is not there."""


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


def version_text(program_version, installed):
    packages = ", ".join(f"{name} {version}" for name, version in installed.items()) or "torch is not installed"
    tested = ", ".join(f"{name} {version}" for name, version in TESTED_VERSIONS.items())
    return f"abn-export {program_version} ({packages}; tested with {tested})"


def _add_model_options(group):
    add = group.add_argument
    add("--batch", type=_positive, metavar="N", help=f"batch size of a zoo network (default: {DEFAULT_BATCH})")
    add("--size", type=_positive, metavar="N", help="image height and width (default: the network's own, mostly 224)")
    add("--dtype", choices=DTYPES, help="type of parameters and inputs (default: f32; FILE.py: as they are)")
    add("--act", choices=ACTIVATIONS, metavar="NAME", help=f"swap ReLU-like activations for {', '.join(ACTIVATIONS)}")
    add(
        "--slope",
        type=_number,
        metavar="A",
        help="slope of leaky_relu (default: 0.01), alpha of elu and celu (default: 1)",
    )
    add(
        "--frozen-bn", action="store_true", help="batch norms use their running statistics (eval mode), but still train"
    )


def _add_update_options(group):
    add = group.add_argument
    rates = ", ".join(f"{rate} for {name}" for name, rate in OPTIMIZERS.items())
    add("--optimizer", choices=["none", *OPTIMIZERS], default="none", help="append the update (default: none)")
    add("--foreach", action="store_true", help="write the update as aten._foreach_* operations")
    add("--lr", type=_number, metavar="X", help=f"learning rate (default: {rates})")
    add("--momentum", type=_number, metavar="X", default=0.9, help="of sgd-momentum (default: %(default)s)")
    add("--weight-decay", type=_number, metavar="X", default=0.0, help="added to the gradients (default: %(default)s)")


def parser(version):
    top = Parser(
        prog="abn-export",
        description="Writes training steps as MLIR text, for abn-opt.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=version)
    commands = top.add_subparsers(dest="framework", metavar="FRAMEWORK", required=True, parser_class=Parser)
    torch = commands.add_parser(
        "torch",
        help="PyTorch models: torchvision, timm, or your own",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    torch.add_argument("models", metavar="MODEL", nargs="+")
    torch.add_argument(
        "-o", "--out", metavar="FILE|DIR", help="output file (default: stdout); a directory for several models"
    )
    _add_model_options(torch.add_argument_group("the model"))
    _add_update_options(torch.add_argument_group("the update"))
    return top


def check(options):
    """Options that contradict each other."""
    files = [name for name in options.models if ".py:" in name]
    if files and (options.size or options.batch):
        raise ExportError(f"--batch and --size are for zoo networks; '{files[0]}' brings its own inputs")
    if options.slope is not None and options.act not in SLOPED_ACTIVATIONS:
        raise ExportError(f"--slope goes with --act {' or '.join(SLOPED_ACTIVATIONS)}")
    if options.foreach and options.optimizer == "none":
        raise ExportError("--foreach goes with --optimizer")
    if options.out in (None, "-") and len(options.models) > 1:
        raise ExportError("several models need a directory: -o DIR")
