"""Real networks: they parse, their roles are complete, and resnet18 is the graph that the project measures."""

import collections
import hashlib
import re

import pytest
import torch

from abn_export import activations, joint, models, optimizers, text, writer

# Of resnet18 with leaky_relu, batch 8, 224x224, as aot_export_module traces it: see op_sequence.
REFERENCE_LENGTH = 172
REFERENCE_HASH = "2226952e4a384c952f596326b30886f6dd3a8c5b4de45f5761f632b033cd5384"
IDENTITIES = ("aten.alias.default", "aten.detach.default")


def zoo(name, batch=2, size=64, act=None, dtype=torch.float32):
    def problem():
        made = models.from_zoo(name, batch, size, dtype)
        made.module.train()
        return made

    return joint.trace_zoo(problem, activations.ActivationSwap(act) if act else None)


def targets(step):
    return collections.Counter(str(n.target) for n in step.graph.nodes if n.op == "call_function")


NETWORKS = [
    ("resnet18", 64),
    ("mobilenet_v2", 64),
    ("shufflenet_v2_x1_0", 64),
    ("googlenet", 64),
    ("fcn_resnet50", 32),
    ("deeplabv3_mobilenet_v3_large", 64),
    ("lraspp_mobilenet_v3_large", 64),
    ("timm:darknet53", 64),
    ("timm:efficientnet_b0", 64),
    ("timm:convnextv2_atto", 64),
    ("timm:repvgg_a2", 64),
    ("timm:hrnet_w18_small", 64),
]


@pytest.mark.parametrize("name, size", NETWORKS, ids=[n for n, _ in NETWORKS])
def test_a_network_is_a_complete_step(name, size, parse):
    step = zoo(name, size=size)
    parse(writer.write(step))
    arguments = collections.Counter(role.kind for _, role in step.arguments)
    results = collections.Counter(role.kind for _, role in step.results)
    assert results["loss"] == 1 and arguments["input"] == arguments["label"] == 1
    assert results["grad"] == arguments["param"] > 0
    roles = [role for _, role in step.results if role.kind == "loss"]
    assert roles[0].name == "loss"
    counts = targets(step)
    assert counts["aten.convolution_backward.default"] == counts["aten.convolution.default"] > 0
    assert all(node in step.places for node in step.graph.nodes if node.op == "call_function")
    # Nothing of the resizes is taken apart into gathers.
    assert not counts["aten._unsafe_index.Tensor"]


def op_sequence(mlir):
    """Name and type of each aten operation, without the identities that differ between PyTorch's two tracers."""
    lines = re.findall(r'"(aten\.[\w.]+)"\(.*\}> : (\(.*?)(?: loc\(.*)?$', mlir, re.M)
    return [" ".join(line) for line in lines if line[0] not in IDENTITIES]


def test_resnet18_is_the_reference_graph():
    """The same operations on the same types in the same order as in the graph that the project measures."""
    sequence = op_sequence(writer.write(zoo("resnet18", 8, 224, "leaky_relu")))
    counts = collections.Counter(line.split()[0] for line in sequence)
    assert counts["aten._native_batch_norm_legit_functional.default"] == 20
    assert counts["aten.leaky_relu_backward.default"] == 17
    assert len(sequence) == REFERENCE_LENGTH
    assert hashlib.sha256("\n".join(sequence).encode()).hexdigest() == REFERENCE_HASH


@pytest.mark.parametrize("dtype", models.DTYPES.values(), ids=models.DTYPES)
def test_dtypes(dtype, parse):
    step = zoo("resnet18", dtype=dtype)
    parse(writer.write(step))
    floats = {n.meta["val"].dtype for n, _ in step.arguments if n.meta["val"].is_floating_point()}
    assert floats == {dtype}


def test_adam_on_a_whole_network(parse):
    step = zoo("resnet18")
    optimizers.append(step, "adam", optimizers.Hyperparameters(0.001), foreach=True)
    written = writer.write(step)
    parse(written)
    counts = collections.Counter(role.kind for _, role in step.results)
    assert counts["updated_param"] == 62 and counts["state"] == 2 * 62 + 1 and not counts["grad"]


def test_a_model_that_cannot_be_built_without_values(parse):
    # Its constructor reads numbers from tensors, which fake tensors do not have.
    step = zoo("regnet_y_400mf")
    parse(writer.write(step))
    assert targets(step)["aten.convolution.default"] > 50


def test_every_type_of_a_network_is_known():
    step = zoo("timm:resnest14d")
    for node, _ in step.arguments:
        assert text.value_type(node.meta["val"]).startswith("tensor<")
