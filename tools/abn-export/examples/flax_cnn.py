"""A flax network with max pooling, trained with Adam through a TrainState on integer labels."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.training import train_state


class CNN(nn.Module):
    """Three blocks of convolution, batch norm, activation and max pooling, and a classifier."""

    num_classes: int = 10

    @nn.compact
    def __call__(self, x, train: bool):
        for features in (32, 64, 128):
            x = nn.Conv(features, kernel_size=(3, 3), use_bias=False)(x)
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
            x = nn.leaky_relu(x)
            x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.Dense(features=128)(x)
        x = nn.leaky_relu(x)
        return nn.Dense(features=self.num_classes)(x)


class TrainState(train_state.TrainState):
    batch_stats: Any


@jax.jit
def train_step(state, batch):
    def loss_fn(params):
        logits, updates = state.apply_fn(
            {"params": params, "batch_stats": state.batch_stats},
            batch["image"],
            train=True,
            mutable=["batch_stats"],
        )
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"]).mean()
        return loss, (logits, updates)

    (loss, (logits, updates)), grads = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
    state = state.apply_gradients(grads=grads, batch_stats=updates["batch_stats"])
    accuracy = jnp.mean(jnp.argmax(logits, -1) == batch["label"])
    return state, {"loss": loss, "accuracy": accuracy}


def create_state():
    model = CNN()
    variables = model.init(jax.random.key(0), jnp.ones((1, 32, 32, 3)), train=False)
    return TrainState.create(
        apply_fn=model.apply,
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        tx=optax.adam(1e-3),
    )


def step():
    batch = {
        "image": jax.ShapeDtypeStruct((16, 32, 32, 3), jnp.float32),
        "label": jax.ShapeDtypeStruct((16,), jnp.int32),
    }
    return train_step, (jax.eval_shape(create_state), batch)
