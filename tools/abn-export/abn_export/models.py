"""From a model's name to a module, its example inputs and its loss.

A name is a torchvision model (classification or segmentation), `timm:NAME`, or `FILE.py:FUNCTION`.
"""

import dataclasses
import inspect
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from . import ExportError, userfile

DTYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16}
DEFAULT_SIZE = 224


@dataclasses.dataclass
class Problem:
    """What is traced: `loss(module(*inputs), *labels)`, or `module(*inputs)` where `loss` is None."""

    name: str
    module: nn.Module
    inputs: tuple
    labels: tuple = ()
    loss: Callable | None = None
    input_names: tuple = ()


def main_output(output):
    """A network's prediction: segmentation networks return a dict, some classifiers a tuple with auxiliary heads."""
    if isinstance(output, dict):
        output = output["out"] if "out" in output else next(iter(output.values()))
    while isinstance(output, (tuple, list)):
        output = output[0]
    return output


def cross_entropy(output, target):
    """Mean over the batch (and the pixels); a distilled or half precision network's output as it is."""
    return F.cross_entropy(main_output(output), target)


def _torchvision(name):
    """The module, and (image channels, image size, whether the labels are per pixel)."""
    try:
        import torchvision
    except ImportError as error:
        raise ExportError(f"'{name}' needs torchvision, which cannot be imported: {error}") from error
    models = torchvision.models
    classification = set(models.list_models(module=models))
    segmentation = set(models.list_models(module=models.segmentation))
    if name in segmentation:
        auxiliary = {} if name.startswith("lraspp") else {"aux_loss": False}
        return models.get_model(name, weights=None, weights_backbone=None, **auxiliary), (3, DEFAULT_SIZE, True)
    if name in classification:
        extra = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
        return models.get_model(name, weights=None, **extra), (3, DEFAULT_SIZE, False)
    raise userfile.unknown(name, sorted(classification | segmentation), "torchvision")


def _timm(name):
    """As `_torchvision`."""
    try:
        import timm
    except ImportError as error:
        raise ExportError(f"'timm:{name}' needs timm, which cannot be imported: {error}") from error
    if not timm.is_model(name):
        raise userfile.unknown(name, timm.list_models(), "timm")
    module = timm.create_model(name, pretrained=False)
    channels, size, _ = module.pretrained_cfg.get("input_size", (3, DEFAULT_SIZE, DEFAULT_SIZE))
    return module, (channels, size, False)


def from_zoo(name, batch, size, dtype):
    """A torchvision or timm network with cross-entropy on random labels."""
    origin, colon, short = name.partition(":")
    if colon and origin != "timm":
        raise ExportError(f"unknown model '{name}' (expected NAME, timm:NAME or FILE.py:FUNCTION)")
    module, (channels, own_size, per_pixel) = _timm(short) if colon else _torchvision(name)
    size = size or own_size
    image = torch.zeros(batch, channels, size, size, dtype=dtype)
    target = torch.zeros((batch, size, size) if per_pixel else (batch,), dtype=torch.int64)
    return Problem(name, module.to(dtype), (image,), (target,), cross_entropy, ("image",))


def _required_positionals(function):
    function = function.forward if isinstance(function, nn.Module) else function
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]


def _converted(tensors, dtype):
    cast = lambda x: x.detach().to(dtype).requires_grad_(x.requires_grad)
    return tuple(cast(x) if x.is_floating_point() else x for x in tensors)


def from_file(name, dtype):
    """`FILE.py:FUNCTION`; the function returns (module, example inputs[, loss]).

    A loss takes the module's output and then labels: as many of the last example inputs as it has further arguments
    without a default.  Without a loss the module's own first output is the loss.
    """
    made = userfile.call(name)
    if not (isinstance(made, tuple) and len(made) in (2, 3) and isinstance(made[0], nn.Module)):
        raise ExportError(f"{name} must return (module, example_inputs) or (module, example_inputs, loss)")
    module, inputs = made[0], made[1]
    inputs = (inputs,) if isinstance(inputs, torch.Tensor) else tuple(inputs)
    if not inputs or not all(isinstance(x, torch.Tensor) for x in inputs):
        raise ExportError(f"{name}: the example inputs must be a non-empty tuple of tensors")
    loss = made[2] if len(made) == 3 else None
    labels = ()
    if loss is not None:
        if not callable(loss):
            raise ExportError(f"{name}: the loss is not callable")
        count = len(_required_positionals(loss)) - 1
        if not 0 <= count < len(inputs):
            raise ExportError(f"{name}: the loss takes {count} labels, but there are {len(inputs)} example inputs")
        inputs, labels = inputs[: len(inputs) - count], inputs[len(inputs) - count :]
    if dtype is not None:
        module = module.to(dtype)
        inputs, labels = _converted(inputs, dtype), _converted(labels, dtype)
    return Problem(name, module, inputs, labels, loss, tuple(_required_positionals(module)))


def freeze_batch_norms(module):
    """Every BatchNorm of `module` uses its running statistics; its parameters still train.  Returns their number."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.eval()
    return len(norms)
