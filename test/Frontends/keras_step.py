"""A small residual Keras model with max pooling, compiled with SGD with momentum, on specifications of a batch.

`step` is as a user writes it; `wide_step` is the same in f64. Imported by `abn-export keras` only: Keras wants to know
its back end first.
"""

import numpy as np


class Spec:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, np.dtype(dtype)


def network():
    import keras

    layers = keras.layers
    image = layers.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", name="conv1")(image)
    x = layers.BatchNormalization(name="bn1")(x)
    x = shortcut = layers.MaxPooling2D(2)(layers.LeakyReLU(0.1)(x))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv2")(x)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization(name="bn2")(x))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv3")(x)
    x = layers.Add()([layers.BatchNormalization(name="bn3")(x), shortcut])
    x = layers.GlobalAveragePooling2D()(layers.LeakyReLU(0.1)(x))
    return keras.Model(image, layers.Dense(10, name="fc")(x), name="net")


def step(dtype="float32"):
    import keras

    keras.config.set_floatx(dtype)
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    return model, (Spec((4, 12, 12, 3), dtype), Spec((4,), "int32"))


def wide_step():
    return step("float64")
