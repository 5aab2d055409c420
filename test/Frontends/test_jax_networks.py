"""Whole training steps of flax, as flax writes them: imported, rewritten, lowered, run, and compared with JAX in f64."""

import batches
import flax.linen as nn
import jax
import jax.numpy as jnp
import jax_harness
import mlir_exec
import numpy as np
import pytest

PASSES = ["--abn-import-stablehlo", "--abn-optimize=plan=false", "--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
CLASSES = 5


class ConvNormAct(nn.Module):
    features: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    act: object = nn.leaky_relu

    @nn.compact
    def __call__(self, x):
        size, strides = (self.kernel, self.kernel), (self.stride, self.stride)
        x = nn.Conv(self.features, size, strides, use_bias=False, feature_group_count=self.groups)(x)
        x = nn.BatchNorm(use_running_average=False, momentum=0.9)(x)
        return self.act(x)


class MaxPooled(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = ConvNormAct(8)(x)
        x = nn.max_pool(x, (3, 3), (2, 2), padding="SAME")
        x = ConvNormAct(8)(x)
        x = nn.max_pool(x, (2, 2), (2, 2))
        return nn.Dense(CLASSES)(x.reshape(x.shape[0], -1))


class AveragePooled(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = ConvNormAct(8, stride=2)(x)
        x = nn.avg_pool(x, (3, 3), (2, 2), padding="SAME", count_include_pad=False)
        x = ConvNormAct(8, act=nn.elu)(x)
        x = nn.avg_pool(x, (2, 2), (2, 2))
        return nn.Dense(CLASSES)(x.mean((1, 2)))


class Separable(nn.Module):
    """Depthwise and grouped convolutions, a residual sum, squeeze and excitation."""

    @nn.compact
    def __call__(self, x):
        x = ConvNormAct(8, act=nn.relu6)(x)
        y = ConvNormAct(8, groups=8, act=nn.relu6)(x)
        y = ConvNormAct(8, kernel=1, groups=2, act=lambda v: v)(y)
        gate = nn.sigmoid(nn.Dense(8)(y.mean((1, 2))))
        x = x + y * gate[:, None, None, :]
        x = nn.ConvTranspose(4, (3, 3), (2, 2))(x)
        return nn.Dense(CLASSES)(nn.LayerNorm()(x.mean((1, 2))))


class Embedded(nn.Module):
    """Tokens, a convolution over them, and attention."""

    @nn.compact
    def __call__(self, tokens):
        x = nn.Embed(11, 8)(tokens)
        x = nn.leaky_relu(nn.BatchNorm(use_running_average=False)(nn.Conv(8, (3,))(x)))
        x = nn.MultiHeadDotProductAttention(num_heads=2, deterministic=True)(x)
        return nn.Dense(CLASSES)(nn.gelu(x).max(1))


def images(generator):
    return generator.standard_normal((4, 8, 8, 3))


def tokens(generator):
    return generator.integers(0, 11, (4, 6)).astype(np.int32)


def step(module, structure):
    """A function of flat leaves that gives the loss, the new statistics and the gradients."""

    def loss(params, stats, inputs, labels):
        logits, updated = module.apply({"params": params, "batch_stats": stats}, inputs, mutable=["batch_stats"])
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
        return -chosen.mean(), updated["batch_stats"]

    def run(*leaves):
        params, stats, inputs, labels = jax.tree.unflatten(structure, leaves)
        (value, updated), grads = jax.value_and_grad(loss, has_aux=True)(params, stats, inputs, labels)
        return jax.tree.leaves((value, updated, grads))

    return run


def arguments(module, make, dtype):
    generator = np.random.default_rng(0)
    inputs = make(generator)
    variables = module.init(jax.random.key(0), jnp.asarray(inputs))
    tree = (variables["params"], variables["batch_stats"], inputs, generator.integers(0, CLASSES, 4).astype(np.int32))
    leaves, structure = jax.tree.flatten(tree)
    leaves = [np.asarray(x) for x in leaves]
    return [x.astype(dtype) if jax_harness.is_float(x) else x for x in leaves], structure


NETWORKS = [(MaxPooled, images), (AveragePooled, images), (Separable, images), (Embedded, tokens)]


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("network, make", NETWORKS, ids=[network.__name__ for network, _ in NETWORKS])
def test_a_flax_step_agrees_with_jax(network, make, dtype):
    module = network()
    leaves, structure = arguments(module, make, jax_harness.DTYPES[dtype])
    function = jax.jit(step(module, structure), keep_unused=True)
    text = function.lower(*leaves).compiler_ir("stablehlo").operation.get_asm(print_generic_op_form=True)
    upstream = batches.opt(text, PASSES)
    got = mlir_exec.run(upstream, [], leaves)
    wide = [jax_harness.widen(x) for x in leaves]
    native, reference = function(*leaves), function(*wide)
    assert len(got) == len(reference)
    typical = np.median([np.sqrt(np.mean(np.square(x))) for x in reference])
    for i, (value, own, expected) in enumerate(zip(got, native, reference)):
        # What is zero in exact arithmetic (a bias in front of a norm) is compared with the typical size.
        scale = max(np.linalg.norm(expected), 1e-6 * typical * np.sqrt(expected.size))
        allowed = batches.TOLERANCE[dtype] * 10 * max(scale, typical * np.sqrt(expected.size))
        allowed += batches.MARGIN * np.linalg.norm(np.asarray(own, np.float64) - expected)
        error = np.linalg.norm(np.asarray(value, np.float64) - expected)
        assert error <= allowed, f"result {i}: error {error:.2e}, allowed {allowed:.2e}"


def test_pools_and_gradients_are_raised():
    leaves, structure = arguments(MaxPooled(), images, np.float32)
    function = jax.jit(step(MaxPooled(), structure), keep_unused=True)
    text = function.lower(*leaves).compiler_ir("stablehlo").operation.get_asm(print_generic_op_form=True)
    imported = batches.opt(text, PASSES[:1])
    counts = {name: imported.count(f'"dnn.{name}"') for name in ("max_pool", "max_pool_grad", "convolution",
                                                                  "convolution_input_grad", "convolution_weight_grad")}  # fmt: skip
    assert counts == {"max_pool": 2, "max_pool_grad": 2, "convolution": 2, "convolution_input_grad": 1,
                      "convolution_weight_grad": 2}  # fmt: skip
