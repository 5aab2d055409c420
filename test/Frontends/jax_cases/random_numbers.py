"""JAX's own generator, bit for bit, and flax's dropout: lowered for a platform where they are no loop."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax_harness import case, integers, normal

KEY = integers(0, 2**32, 2, dtype=np.uint32)


def drawn(name, draw, *inputs, **options):
    def function(key, *arguments):
        return draw(jax.random.wrap_key_data(key, impl="threefry2x32"), *arguments)

    return case(name, function, KEY, *inputs, platform="tpu", **options)


def dropout(key, x):
    return nn.Dropout(0.4, deterministic=False).apply({}, x, rngs={"dropout": key})


CASES = [
    drawn("bits", lambda key: jax.random.bits(key, (5, 3))),
    drawn("bernoulli", lambda key: jax.random.bernoulli(key, 0.3, (4, 5))),
    drawn("uniform", lambda key: jax.random.uniform(key, (4, 5), jnp.float32), bits=True, dtypes=("f32",)),
    drawn("normal", lambda key: jax.random.normal(key, (4, 5), jnp.float32), bits=True, dtypes=("f32",)),
    drawn("split keys", lambda key: jax.random.bits(jax.random.split(key)[1], (3,))),
    drawn("dropout", dropout, normal(4, 5)),
]
