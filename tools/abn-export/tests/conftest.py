"""Shared helpers: the independent reader, mlir-opt."""

import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def mlir_opt():
    tool = os.environ.get("MLIR_OPT") or shutil.which(
        "mlir-opt", path="/usr/lib/llvm-22/bin" + os.pathsep + os.environ["PATH"]
    )
    if not tool:
        pytest.skip("mlir-opt is not installed")
    return tool


@pytest.fixture
def parse(mlir_opt):
    """Reads the text with mlir-opt and returns what it prints, in generic form with locations."""

    def check(text):
        flags = [
            "--allow-unregistered-dialect",
            "--mlir-print-op-generic",
            "--mlir-print-local-scope",
            "--mlir-print-debuginfo",
        ]
        run = subprocess.run([mlir_opt, *flags, "-"], input=text, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[:2000]
        return run.stdout

    return check
