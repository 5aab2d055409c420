"""abn-export: PyTorch, JAX and Keras training steps as generic-form MLIR text."""

__version__ = "0.1.0"

# The versions that the test suite ran with, by command.  Others may work: the interfaces that are used have been
# stable, but an operator may be spelt in another way.  `abn-export` warns about them.
TESTED_VERSIONS = {
    "torch": {"torch": "2.15.0", "torchvision": "0.29.2", "timm": "1.0.31"},
    "jax": {"jax": "0.10.2", "flax": "0.12.8", "optax": "0.2.8"},
    "keras": {"keras": "3.15.0", "jax": "0.10.2", "tensorflow": "2.21.0"},
}


class ExportError(Exception):
    """A mistake in what was asked for; its text is one line for the user."""
