"""The exporter and abn-opt together, as the pages say and as mistakes come."""

import json
import os
import pathlib
import subprocess
import sys

import conftest
import pytest

BIN = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
STEPS = """
import jax
import jax.numpy as jnp

ARGS = ({"w": jnp.ones((4, 4))}, jnp.ones((2, 4)))


def loop():
    grow = lambda params, x: jax.lax.while_loop(lambda c: c.sum() < 10, lambda c: c @ params["w"] + 1, x).sum()
    return grow, ARGS


def no_loss():
    return lambda params, x: x @ params["w"], ARGS
"""
PRETTY = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.exponential %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def bash(command, folder):
    done = ["bash", "-eu", "-o", "pipefail", "-c", command]
    return subprocess.run(done, cwd=folder, env={**os.environ, "PATH": BIN}, capture_output=True, text=True)


def test_the_readme_s_commands(tmp_path):
    """Those that test/Doctest leaves to us."""
    lines = (conftest.ROOT / "test" / "Doctest" / "setup-commands.txt").read_text().splitlines()
    commands = lines[next(i for i, line in enumerate(lines) if "test_command_line.py" in line) + 1 :]
    assert commands and all(line in (conftest.ROOT / "README.md").read_text() for line in commands)
    (tmp_path / "build").symlink_to(conftest.BUILD)
    done = bash("\n".join(commands), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["batch_norms"] == 53 and (tmp_path / "step.mlir").stat().st_size > 0


@pytest.mark.parametrize(
    "export, read",
    [
        ("jax block1 --act elu --optimizer adam", "--abn-import-stablehlo"),
        ("torch resnet18 --size 64 --act leaky_relu", "--abn-import-aten"),
    ],
    ids=["jax", "torch"],
)
def test_a_pipe_to_a_report_on_stdout(export, read, tmp_path):
    optimize = f"abn-opt {read} --abn-optimize=plan=false --abn-report-memory=output=- -o step.mlir"
    done = bash(f"abn-export {export} | {optimize}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["chains"] and report["saved_bytes_after"] < report["saved_bytes_before"]


MISTAKES = [
    ("loop", "abn-export jax steps.py:loop | abn-opt --abn-import-stablehlo -o out.mlir",
     "steps.py:9:29: error: `stablehlo.while` is control flow: a training step is imported as one block"),
    ("no-loss", "abn-export jax steps.py:no_loss | abn-opt --abn-import-stablehlo --abn-optimize "
     "--abn-report-memory=output=out.json -o out.mlir",
     "steps.py:14:0: error: expected one function with a loss among its results, got 0"),
    ("pretty", "abn-opt pretty.mlir --abn-import-stablehlo -o out.mlir",
     "pretty.mlir:3:8: error: custom op 'stablehlo.exponential' is unknown"),
]  # fmt: skip


@pytest.mark.parametrize("command, message", [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_located_and_leaves_nothing(command, message, tmp_path):
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "pretty.mlir").write_text(PRETTY)
    done = bash(command, tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert message in done.stderr.splitlines()[0]
    assert done.stderr.count("error:") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"steps.py", "pretty.mlir", "__pycache__"}
