"""A small residual network in flax nnx, trained with optax's SGD with momentum."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx


class Block(nnx.Module):
    def __init__(self, din: int, dout: int, stride: int, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(din, dout, (3, 3), strides=stride, use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(dout, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(dout, dout, (3, 3), use_bias=False, rngs=rngs)
        self.bn2 = nnx.BatchNorm(dout, momentum=0.9, rngs=rngs)
        self.project = din != dout or stride != 1
        if self.project:
            self.conv3 = nnx.Conv(din, dout, (1, 1), strides=stride, use_bias=False, rngs=rngs)
            self.bn3 = nnx.BatchNorm(dout, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        y = nnx.leaky_relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = self.bn3(self.conv3(x)) if self.project else x
        return nnx.leaky_relu(y + shortcut)


class ResNet(nnx.Module):
    def __init__(self, num_classes: int, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(3, 16, (3, 3), use_bias=False, rngs=rngs)
        self.bn = nnx.BatchNorm(16, momentum=0.9, rngs=rngs)
        self.block1 = Block(16, 16, 1, rngs=rngs)
        self.block2 = Block(16, 32, 2, rngs=rngs)
        self.block3 = Block(32, 64, 2, rngs=rngs)
        self.fc = nnx.Linear(64, num_classes, rngs=rngs)

    def __call__(self, x):
        x = nnx.leaky_relu(self.bn(self.conv(x)))
        x = self.block3(self.block2(self.block1(x)))
        return self.fc(x.mean(axis=(1, 2)))


def loss_fn(model, images, labels):
    logits = model(images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@nnx.jit
def train_step(model, optimizer, images, labels):
    loss, grads = nnx.value_and_grad(loss_fn)(model, images, labels)
    optimizer.update(model, grads)
    return loss


def step():
    model = nnx.eval_shape(lambda: ResNet(10, rngs=nnx.Rngs(0)))
    tx = optax.sgd(0.1, momentum=0.9)
    optimizer = nnx.eval_shape(lambda: nnx.Optimizer(model, tx, wrt=nnx.Param))
    images = jax.ShapeDtypeStruct((16, 32, 32, 3), jnp.float32)
    labels = jax.ShapeDtypeStruct((16,), jnp.int32)
    return train_step, (model, optimizer, images, labels)
