"""What a ResNet-50 step of JAX keeps for its backward at batch 8, 224 x 224: the numbers of README.md's table."""

import json
import pathlib

import batches
import jax
import pytest
from abn_export import cli

README = pathlib.Path(__file__).parents[2] / "README.md"


def saved_bytes(text, option, folder):
    """The report's totals before and after."""
    out = folder / "report.json"
    report = f"--abn-report-memory=output={out}"
    batches.opt(text, ["--abn-import-stablehlo", f"--abn-optimize=plan=false through-add={option}", report])
    found = json.loads(out.read_text())
    assert found["batch_norms"] == len(found["chains"]) == 53
    return found


@pytest.mark.parametrize("activation, shown", [("leaky_relu", "leaky"), ("relu", "relu")])
def test_resnet50_saves_what_the_readme_says(activation, shown, tmp_path):
    with jax.enable_x64(False):
        out = tmp_path / "step.mlir"
        assert cli.main(["jax", "resnet50", "--batch", "8", "--act", activation, "-o", str(out)]) == 0
    text = out.read_text()
    mib = lambda count: f"{count / 2**20:.1f}"
    in_place, through = (saved_bytes(text, option, tmp_path) for option in ("false", "true"))
    peaks = (mib(through[f"peak_live_bytes_{when}"]) for when in ("before", "after"))
    row = [mib(r) for r in (in_place["saved_bytes_before"], in_place["saved_bytes_after"])]
    row += [f"**{mib(through['saved_bytes_after'])}**", " → ".join(peaks)]
    assert f"| JAX resnet50, {shown} | {' | '.join(row)} |" in README.read_text()
