"""Swapping a network's ReLU-like activations for another one, without touching the network.

The calls are replaced as they are made, so that modules (`nn.ReLU`) and plain functions (`F.relu`) are alike.
"""

import torch
from torch.nn import functional as F

from .options import SLOPED_ACTIVATIONS

# What is swapped: the activations that are a ReLU in all but the detail.
_RELU_LIKE = {
    F.relu,
    F.relu6,
    F.leaky_relu,
    torch.relu,
    torch.Tensor.relu,
}
_RELU_LIKE_IN_PLACE = {F.relu_, F.leaky_relu_, torch.relu_, torch.Tensor.relu_}

_PLAIN = {
    "relu": F.relu,
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "selu": F.selu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    "hardswish": F.hardswish,
    "identity": lambda x: x,
}
_SLOPED = {
    "leaky_relu": lambda slope: lambda x: F.leaky_relu(x, slope),
    "elu": lambda slope: lambda x: F.elu(x, slope),
    "celu": lambda slope: lambda x: F.celu(x, slope),
}


class ActivationSwap:
    """`replace(function, kwargs)` for OriginRecorder; `used` tells whether it replaced any.

    The new activation is out of place, also where the old one was in place."""

    def __init__(self, name, slope=None):
        if name in _SLOPED:
            self.function = _SLOPED[name](SLOPED_ACTIVATIONS[name] if slope is None else slope)
        else:
            self.function = _PLAIN[name]
        self.used = False

    def __call__(self, function, kwargs):
        # nn.ReLU6 calls the general clamp.
        relu6 = function is F.hardtanh and kwargs.get("min_val") == 0
        if function in _RELU_LIKE or relu6:
            self.used = True
            return lambda x, *rest, **kwargs: self.function(x)
        if function in _RELU_LIKE_IN_PLACE:
            self.used = True
            # Called for its effect; the copy keeps the value that the derivative needs.
            return lambda x, *rest, **kwargs: x.copy_(self.function(x.clone()))
        return None
