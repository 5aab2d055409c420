"""abn-export: PyTorch training steps as generic-form MLIR text (`aten.*` ops on builtin tensor types)."""

__version__ = "0.1.0"

# The versions that the test suite ran with.  Others may work: AOTAutograd's interface has been stable, but an operator
# may be spelt in another way.  `abn-export` warns about them.
TESTED_VERSIONS = {"torch": "2.15.0", "torchvision": "0.29.2", "timm": "1.0.31"}


class ExportError(Exception):
    """A mistake in what was asked for; its text is one line for the user."""
