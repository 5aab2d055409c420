"""A flax network with strided convolutions; the step is a plain function of parameters, statistics and a batch, its
update is written by hand, and the old parameters are donated."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp


class ConvBlock(nn.Module):
    features: int
    stride: int = 1

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(self.features, (3, 3), (self.stride, self.stride), use_bias=False)(x)
        x = nn.BatchNorm(use_running_average=False, momentum=0.9, epsilon=1e-5)(x)
        return nn.elu(x)


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = ConvBlock(16)(x)
        x = ConvBlock(32, stride=2)(x)
        x = ConvBlock(64, stride=2)(x)
        x = jnp.mean(x, axis=(1, 2))
        return nn.Dense(10)(x)


model = Net()


@functools.partial(jax.jit, donate_argnums=(0, 1))
def train_step(params, batch_stats, x, y):
    def loss_fn(params):
        variables = {"params": params, "batch_stats": batch_stats}
        logits, new = model.apply(variables, x, mutable=["batch_stats"])
        one_hot = jax.nn.one_hot(y, 10)
        loss = -jnp.mean(jnp.sum(one_hot * jax.nn.log_softmax(logits), axis=-1))
        return loss, new["batch_stats"]

    (loss, batch_stats), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
    params = jax.tree.map(lambda p, g: p - 0.05 * g, params, grads)
    return loss, params, batch_stats


def step():
    x = jax.ShapeDtypeStruct((32, 32, 32, 3), jnp.float32)
    y = jax.ShapeDtypeStruct((32,), jnp.int32)
    variables = jax.eval_shape(model.init, jax.random.key(0), x)
    return train_step, (variables["params"], variables["batch_stats"], x, y)
