"""Whole networks of the zoos: imported, rewritten and lowered until upstream's tools read the result."""

import json

import batches
import mlir_exec
import pytest
import torch
from abn_export import activations, joint, models, writer
from torch import nn

LOWERED = ["--abn-import-aten", "--abn-optimize=plan=false", "--convert-abn-to-linalg", "--convert-dnn-to-linalg"]

NETWORKS = [
    ("mobilenet_v3_small", 64),
    ("shufflenet_v2_x0_5", 64),
    ("lraspp_mobilenet_v3_large", 64),
    ("timm:convnextv2_atto", 64),
    ("timm:ghostnet_100", 64),
    ("timm:resnest14d", 64),
    ("timm:tresnet_m", 64),
    ("timm:skresnet18", 64),
]


def trace(name, size, act=None):
    def problem():
        made = models.from_zoo(name, 2, size, torch.float32)
        made.module.train()
        return made

    return joint.trace_zoo(problem, activations.ActivationSwap(act) if act else None)


@pytest.mark.parametrize("name, size", NETWORKS, ids=[name for name, _ in NETWORKS])
def test_a_network_becomes_upstream_dialects(name, size):
    lowered = batches.opt(writer.write(trace(name, size)), LOWERED)
    # Upstream's tool knows neither aten nor our dialects.
    mlir_exec.tool([mlir_exec.find_tool("mlir-opt"), "-o", "/dev/null"], lowered)


def test_every_batch_norm_is_found_and_named_after_its_module(tmp_path):
    step = trace("resnet18", 64, "leaky_relu")
    out = tmp_path / "report.json"
    batches.opt(writer.write(step), [*LOWERED[:2], f"--abn-report-memory=output={out}"])
    report = json.loads(out.read_text())
    made = models.from_zoo("resnet18", 2, 64, torch.float32).module
    names = {name for name, module in made.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert report["batch_norms"] == len(names)
    found = json.dumps(report["chains"])
    assert all(f'"{name}"' in found for name in names)
    assert report["saved_bytes_after"] < 0.5 * report["saved_bytes_before"]
    assert report["peak_live_bytes_after"] < report["peak_live_bytes_before"]
