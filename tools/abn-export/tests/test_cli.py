"""The command as a user calls it: what it writes, what it says, and that mistakes leave nothing behind."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from abn_export import TESTED_VERSIONS, __version__, activations, cli, models, optimizers, options

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, image):
        return self.bn(self.conv(image)).relu().mean((2, 3))


def with_loss():
    return Net(), (torch.zeros(4, 1, 5, 5), torch.zeros(4, dtype=torch.int64)), nn.functional.cross_entropy


def with_loss_module():
    weights = torch.tensor([1.0, 2.0])
    return Net(), (torch.zeros(4, 1, 5, 5), torch.zeros(4, dtype=torch.int64)), nn.CrossEntropyLoss(weight=weights)


def without_labels():
    return Net(), torch.zeros(4, 1, 5, 5), lambda out: out.sum()


class Own(Net):
    def forward(self, image):
        return super().forward(image).square().mean()


def own_loss():
    return Own(), (torch.zeros(4, 1, 5, 5),)


def no_loss():
    return Net(), (torch.zeros(4, 1, 5, 5),)


def not_a_tuple():
    return Net()


def no_tensors():
    return Net(), (3,)


def raises():
    raise ValueError("first line\\nsecond line")


def wrong_shape():
    return Net(), (torch.zeros(4, 2, 5, 5),), lambda out: out.sum()


def data_dependent():
    class Reads(Net):
        def forward(self, image):
            out = super().forward(image).mean()
            return out if out.item() > 0 else -out

    return Reads(), (torch.zeros(4, 1, 5, 5),)


def too_many_labels():
    return Net(), (torch.zeros(4, 1, 5, 5),), lambda out, a, b: out.sum()


number = 3
"""


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NET)
    return path


def run_process(*arguments, **keywords):
    command = [sys.executable, "-m", "abn_export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **keywords)


@pytest.fixture
def run(capsys):
    """Calls the command in this process, which has PyTorch loaded."""

    def call(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, captured.out, captured.err)

    return call


def roles(text, kind):
    return re.findall(rf'{{abn.role = "{kind}", abn.name = "([^"]*)"}}', text)


def test_help_and_version(run):
    top, torch_help = run("--help"), run("torch", "--help")
    assert top.returncode == torch_help.returncode == 0
    for option in (
        "--batch",
        "--size",
        "--dtype",
        "--act",
        "--slope",
        "--frozen-bn",
        "--optimizer",
        "--foreach",
        "--out",
    ):
        assert option in torch_help.stdout
    version = run("--version")
    assert version.returncode == 0 and version.stdout.startswith(f"abn-export {__version__} (torch ")


def test_the_tested_versions_are_the_pinned_ones():
    here = pathlib.Path(__file__).parents[1]
    lines = (here / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    readme = (here / "README.md").read_text()
    for package, version in options.tested_versions().items():
        # Too large for the common environment.
        assert package == "tensorflow" or pinned[package] == version
        assert f"{package} {version}" in readme


def test_the_readme_s_example_is_text_that_mlir_reads(parse):
    readme = pathlib.Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```mlir\n(.*?)```", readme.read_text(), re.S)
    parse(example)


def test_without_pytorch_it_says_so_and_still_helps():
    code = "import sys; sys.modules['torch'] = None; from abn_export.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "torch", "resnet18"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("abn-export: error: ") and done.stderr.count("\n") == 1
    assert "PyTorch cannot be imported" in done.stderr
    helped = subprocess.run([sys.executable, "-c", code, "torch", "--help"], capture_output=True, text=True)
    assert helped.returncode == 0 and "--act" in helped.stdout


def test_an_untested_version_is_warned_about(capsys):
    tested = TESTED_VERSIONS["torch"]
    # What another command uses is no concern of this one.
    cli._warn_about_versions({"torch": "99.0+cpu", "timm": tested["timm"] + "+local", "jax": "0.0.1"}, "torch")
    expected = f"abn-export: warning: torch 99.0+cpu is untested (tested: {tested['torch']})\n"
    assert capsys.readouterr().err == expected


def test_the_names_that_the_help_lists_are_the_ones_that_exist():
    assert set(options.ACTIVATIONS) == set(activations._PLAIN) | set(activations._SLOPED)
    assert set(options.OPTIMIZERS) == set(optimizers.OPTIMIZERS)
    assert set(options.DTYPES) == set(models.DTYPES)


@pytest.mark.parametrize(
    "function, labels, parameters",
    [("with_loss", ["target"], 4), ("with_loss_module", ["target"], 4), ("without_labels", [], 4), ("own_loss", [], 4)],
)
def test_a_function_in_a_file(run, net, function, labels, parameters, parse):
    done = run("torch", f"{net}:{function}")
    assert (done.returncode, done.stderr) == (0, "")
    parse(done.stdout)
    assert roles(done.stdout, "loss") == ["loss"] and roles(done.stdout, "label") == labels
    assert roles(done.stdout, "input") == ["image"] and len(roles(done.stdout, "grad")) == parameters
    assert 'loc("bn"("net.py":' in done.stdout and str(net.parent) not in done.stdout.replace(f'"{net}', "")


def test_a_weighted_loss_brings_a_buffer(run, net):
    assert "loss.weight" in roles(run("torch", f"{net}:with_loss_module").stdout, "buffer")


def test_options_reach_the_graph(run, net):
    done = run(
        "torch",
        f"{net}:with_loss",
        "--act",
        "elu",
        "--slope",
        "0.7",
        "--dtype",
        "bf16",
        "--optimizer",
        "adam",
        "--foreach",
    )
    assert done.returncode == 0
    assert (
        '"aten.elu.default"' in done.stdout
        and "0.7 : f64" in done.stdout
        and "relu" not in done.stdout.split("net.py")[0]
    )
    assert "tensor<4x1x5x5xbf16>" in done.stdout and '"aten._foreach_lerp.Scalar"' in done.stdout
    assert len(roles(done.stdout, "updated_param")) == 4


def test_the_same_input_gives_the_same_bytes(net):
    texts = {
        run_process(
            "torch", f"{net}:with_loss", "--optimizer", "sgd-momentum", env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1 and len(texts.pop()) > 1000


def test_several_models_go_to_a_directory(run, net, tmp_path):
    out = tmp_path / "made" / "here"
    done = run("torch", f"{net}:with_loss", f"{net}:own_loss", "--optimizer", "sgd", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(out)) == ["net_own_loss_sgd.mlir", "net_with_loss_sgd.mlir"]


def test_one_model_that_fails_does_not_stop_the_others(run, net, tmp_path):
    done = run("torch", f"{net}:raises", f"{net}:own_loss", "-o", tmp_path / "out")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path / "out") == ["net_own_loss.mlir"]


def test_an_existing_file_is_replaced_only_by_a_whole_one(run, net, tmp_path):
    out = tmp_path / "step.mlir"
    out.write_text("before")
    assert run("torch", f"{net}:raises", "-o", out).returncode == 1
    assert out.read_text() == "before"
    assert run("torch", f"{net}:own_loss", "-o", out).returncode == 0
    assert out.read_text().startswith('"builtin.module"')
    assert sorted(os.listdir(tmp_path)) == ["net.py", "step.mlir"] or "__pycache__" in os.listdir(tmp_path)


def test_the_swap_of_nothing_is_remarked(run, tmp_path):
    path = tmp_path / "plain.py"
    path.write_text("import torch\ndef f():\n    return torch.nn.Linear(2, 1), (torch.zeros(1, 2),)\n")
    done = run("torch", f"{path}:f", "--act", "elu")
    assert done.returncode == 0 and "no ReLU-like activation to swap" in done.stderr


MISTAKES = [
    (["resnet19"], r"unknown torchvision model 'resnet19' \(did you mean resnet18"),
    (["timm:resnet555"], "unknown timm model 'resnet555'"),
    (["tf:resnet50"], "unknown model 'tf:resnet50'"),
    (["missing.py:f"], "no file 'missing.py'"),
    (["{net}:missing"], "has no function 'missing'"),
    (["{net}:number"], "has no function 'number'"),
    (["{net}:raises"], "ValueError: first line second line"),
    (["{net}:not_a_tuple"], "must return"),
    (["{net}:no_tensors"], "tuple of tensors"),
    (["{net}:no_loss"], r"floating point scalar, got a tensor of shape \(4, 2\)"),
    (["{net}:wrong_shape"], "cannot be traced: .*channels"),
    (["{net}:data_dependent"], "cannot be traced"),
    (["{net}:too_many_labels"], "takes 2 labels, but there are 1 example inputs"),
    (["{net}:own_loss", "--batch", "3"], "brings its own inputs"),
    (["resnet18", "--act", "swoosh"], "invalid choice: 'swoosh'"),
    (["resnet18", "--optimizer", "lion"], "invalid choice: 'lion'"),
    (["resnet18", "--dtype", "f8"], "invalid choice: 'f8'"),
    (["resnet18", "--batch", "0"], "invalid positive integer"),
    (["resnet18", "--size", "big"], "invalid positive integer"),
    (["resnet18", "--lr", "nan"], "invalid finite number"),
    (["resnet18", "--slope", "0.1"], "--slope goes with"),
    (["resnet18", "--act", "relu6", "--slope", "0.1"], "--slope goes with"),
    (["resnet18", "--foreach"], "--foreach goes with --optimizer"),
    (["resnet18", "--bogus"], "unrecognized arguments: --bogus"),
    (["resnet18", "vgg11"], "several models need a directory"),
    ([], "required: MODEL"),
    (["{net}:own_loss", "-o", "{dir}/no/such/step.mlir"], "there is no directory"),
    (["{net}:own_loss", "{net}:with_loss", "-o", "{net}"], "cannot make the directory"),
]


@pytest.mark.parametrize("arguments, message", MISTAKES, ids=[" ".join(a) or "none" for a, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_1(run, net, tmp_path, arguments, message):
    before = sorted(os.listdir(tmp_path))
    done = run("torch", *(a.format(net=net, dir=tmp_path) for a in arguments))
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.strip().split("\n")
    assert all(line.startswith("abn-export: error: ") for line in lines) and len(lines) <= 2
    assert re.search(message, lines[0])
    assert [name for name in sorted(os.listdir(tmp_path)) if name != "__pycache__"] == before


def test_no_command_and_an_unknown_framework(run):
    for arguments in ([], ["caffe", "m"]):
        done = run(*arguments)
        assert done.returncode == 1 and done.stderr.startswith("abn-export: error: ") and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission(run, net, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    done = run("torch", f"{net}:own_loss", "-o", locked / "step.mlir")
    assert done.returncode == 1 and "permission denied" in done.stderr


def test_a_full_disk_leaves_nothing(run, net, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    done = run("torch", f"{net}:own_loss", "-o", "/dev/full")
    assert done.returncode == 1 and "cannot write '/dev/full': No space left on device" in done.stderr


def test_a_reader_that_stops_early(net):
    command = f"{sys.executable} -m abn_export torch {net}:own_loss | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert done.stdout == '"builtin.m' and done.stderr == ""
