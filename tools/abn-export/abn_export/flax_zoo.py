"""The networks that `abn-export jax` knows by name, in flax: torchvision's ResNets in NHWC, and two small ones."""

import functools
from collections.abc import Callable
from typing import Any

from . import ExportError, options, userfile

try:
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax
except ImportError as error:
    raise ExportError(f"the zoo needs flax and optax: {error}") from error

DTYPES = {"f16": jnp.float16, "bf16": jnp.bfloat16, "f32": jnp.float32, "f64": jnp.float64}
_SLOPED = {
    "leaky_relu": lambda x, slope: nn.leaky_relu(x, negative_slope=slope),
    "elu": lambda x, slope: nn.elu(x, alpha=slope),
    "celu": lambda x, slope: nn.celu(x, alpha=slope),
}
_PLAIN = {
    "gelu": functools.partial(nn.gelu, approximate=False),
    "gelu_tanh": functools.partial(nn.gelu, approximate=True),
    "hardswish": nn.hard_swish,
    "hardtanh": nn.hard_tanh,
    "identity": lambda x: x,
    "mish": jax.nn.mish,
    "relu": nn.relu,
    "relu6": nn.relu6,
    "selu": nn.selu,
    "sigmoid": nn.sigmoid,
    "silu": nn.silu,
    "softplus": nn.softplus,
    "tanh": nn.tanh,
}


class Network(nn.Module):
    """What all networks share.  `train` is False where batch norms use their running statistics."""

    act: Callable
    dtype: Any
    train: bool
    classes: int = 10

    def conv(self, features, size, stride, name):
        pad = [(size // 2, size // 2)] * 2
        kinds = {"dtype": self.dtype, "param_dtype": self.dtype}
        return nn.Conv(features, (size, size), (stride, stride), pad, use_bias=False, name=name, **kinds)

    def norm(self, name):
        kinds = {"dtype": self.dtype, "param_dtype": self.dtype}
        return nn.BatchNorm(not self.train, momentum=0.9, epsilon=1e-5, name=name, **kinds)

    def head(self, x):
        return nn.Dense(self.classes, dtype=self.dtype, param_dtype=self.dtype, name="fc")(jnp.mean(x, (1, 2)))


class Block1(Network):
    """One convolution, one batch norm, one activation."""

    @nn.compact
    def __call__(self, x):
        x = self.conv(16, 3, 1, "conv1")(x)
        x = self.act(self.norm("bn1")(x))
        return self.head(x)


class CNN3(Network):
    """Three such blocks with max pooling between them."""

    @nn.compact
    def __call__(self, x):
        for index, features in enumerate((16, 32, 64), 1):
            x = self.conv(features, 3, 1, f"conv{index}")(x)
            x = self.act(self.norm(f"bn{index}")(x))
            if index < 3:
                x = nn.max_pool(x, (2, 2), (2, 2))
        return self.head(x)


class Basic(Network):
    """Two 3x3 convolutions and the shortcut."""

    features: int = 64
    stride: int = 1
    expansion = 1

    @nn.compact
    def __call__(self, x):
        y = self.act(self.norm("bn1")(self.conv(self.features, 3, self.stride, "conv1")(x)))
        y = self.norm("bn2")(self.conv(self.features, 3, 1, "conv2")(y))
        return self.act(y + self.shortcut(x, y))

    def shortcut(self, x, y):
        if x.shape == y.shape:
            return x
        return self.norm("downsample_bn")(self.conv(y.shape[-1], 1, self.stride, "downsample_conv")(x))


class Bottleneck(Basic):
    """A 3x3 convolution between two 1x1 ones, the stride on the 3x3, and the shortcut."""

    expansion = 4

    @nn.compact
    def __call__(self, x):
        y = self.act(self.norm("bn1")(self.conv(self.features, 1, 1, "conv1")(x)))
        y = self.act(self.norm("bn2")(self.conv(self.features, 3, self.stride, "conv2")(y)))
        y = self.norm("bn3")(self.conv(self.features * self.expansion, 1, 1, "conv3")(y))
        return self.act(y + self.shortcut(x, y))


class ResNet(Network):
    block: Any = Basic
    depths: tuple = (2, 2, 2, 2)

    @nn.compact
    def __call__(self, x):
        x = self.act(self.norm("bn1")(self.conv(64, 7, 2, "conv1")(x)))
        x = nn.max_pool(x, (3, 3), (2, 2), [(1, 1), (1, 1)])
        for stage, depth in enumerate(self.depths):
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                block = self.block(
                    self.act,
                    self.dtype,
                    self.train,
                    features=64 * 2**stage,
                    stride=stride,
                    name=f"layer{stage + 1}_{index}",
                )
                x = block(x)
        return self.head(x)


# The network, and its own image size and number of classes.
NETWORKS = {
    "block1": (Block1, 32, 10),
    "cnn3": (CNN3, 32, 10),
    "resnet18": (functools.partial(ResNet, block=Basic, depths=(2, 2, 2, 2)), 224, 1000),
    "resnet50": (functools.partial(ResNet, block=Bottleneck, depths=(3, 4, 6, 3)), 224, 1000),
}


def _activation(given):
    name = given.act or "relu"
    if name in _PLAIN:
        return _PLAIN[name]
    slope = options.SLOPED_ACTIVATIONS[name] if given.slope is None else given.slope
    return functools.partial(_SLOPED[name], slope=slope)


def _optimizer(given):
    """torch.optim's update rules, which the `torch` command writes too: decay is added to the gradients."""
    rate = options.OPTIMIZERS[given.optimizer] if given.lr is None else given.lr
    rule = {
        "sgd": lambda: optax.sgd(rate),
        "sgd-momentum": lambda: optax.sgd(rate, momentum=given.momentum),
        "adam": lambda: optax.adam(rate),
    }[given.optimizer]()
    return optax.chain(optax.add_decayed_weights(given.weight_decay), rule) if given.weight_decay else rule


def _make_steps(network, rule):
    def loss_of(params, batch_stats, image, label):
        variables = {"params": params, "batch_stats": batch_stats}
        logits, new = network.apply(variables, image, mutable=["batch_stats"])
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()
        return loss, new["batch_stats"]

    def gradients(params, batch_stats, image, label):
        (loss, batch_stats), grads = jax.value_and_grad(loss_of, has_aux=True)(params, batch_stats, image, label)
        return loss, batch_stats, grads

    def update(params, batch_stats, opt_state, image, label):
        loss, batch_stats, grads = gradients(params, batch_stats, image, label)
        updates, opt_state = rule.update(grads, opt_state, params)
        return loss, batch_stats, optax.apply_updates(params, updates), opt_state

    return gradients, update


def step(name, given):
    """(jitted step, example arguments, {}) for a zoo network; nothing is allocated."""
    if name not in NETWORKS:
        raise userfile.unknown(name, NETWORKS, "flax")
    make, size, classes = NETWORKS[name]
    dtype = DTYPES[given.dtype or "f32"]
    network = make(act=_activation(given), dtype=dtype, train=not given.frozen_bn, classes=classes)
    batch, size = given.batch or options.DEFAULT_BATCH, given.size or size
    with jax.enable_x64(given.dtype == "f64"):
        image = jax.ShapeDtypeStruct((batch, size, size, 3), dtype)
        label = jax.ShapeDtypeStruct((batch,), jnp.int32)
        variables = jax.eval_shape(network.init, jax.random.key(0), image)
        params, batch_stats = variables["params"], variables["batch_stats"]
        # flax makes the statistics f32 and their new values of the wider type.
        batch_stats = jax.tree.map(
            lambda v: jax.ShapeDtypeStruct(v.shape, jnp.promote_types(v.dtype, dtype)), batch_stats
        )
        rule = None if given.optimizer == "none" else _optimizer(given)
        gradients, update = _make_steps(network, rule)
        if rule is None:
            return jax.jit(gradients), (params, batch_stats, image, label), {}
        opt_state = jax.eval_shape(rule.init, params)
        return jax.jit(update, donate_argnums=(0, 1, 2)), (params, batch_stats, opt_state, image, label), {}
