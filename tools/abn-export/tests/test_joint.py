"""The joint graph: roles, values, places."""

import collections

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch_steps import SmallNet, argument_values, evaluate, small_problem

from abn_export import ExportError, activations, joint, models, options, writer


def kinds(pairs):
    return collections.Counter(role.kind for _, role in pairs)


def test_roles():
    step = joint.trace(small_problem())
    assert kinds(step.arguments) == {"param": 9, "buffer": 6, "input": 1, "label": 1}
    assert kinds(step.results) == {"buffer": 6, "loss": 1, "grad": 9}
    names = [role.name for _, role in step.arguments]
    assert names[:3] == ["conv.weight", "bn.weight", "bn.bias"] and names[-2:] == ["image", "target"]
    assert {r.name for _, r in step.results if r.kind == "grad"} == {
        r.name for _, r in step.arguments if r.kind == "param"
    }
    assert {r.name for _, r in step.results if r.kind == "buffer"} == {
        r.name for _, r in step.arguments if r.kind == "buffer"
    }


def test_values_are_those_of_eager_autograd():
    problem = small_problem()
    values = argument_values(problem)
    step = joint.trace(problem)
    results = {(r.kind, r.name): v for (_, r), v in zip(step.results, evaluate(step, values))}
    net = problem.module
    loss = problem.loss(net(*problem.inputs), *problem.labels)
    loss.backward()
    torch.testing.assert_close(results["loss", "loss"], loss.detach())
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(results["grad", name], parameter.grad)
    for name, buffer in net.named_buffers():
        torch.testing.assert_close(results["buffer", name], buffer)


def test_places_name_the_module_and_the_source_line():
    step = joint.trace(small_problem())
    places = collections.defaultdict(set)
    for node in step.graph.nodes:
        if node.op == "call_function":
            assert node in step.places, node
            place = step.places[node]
            places[str(node.target).split(".")[-2] if "." in str(node.target) else ""].add((place.name, place.file))
    norm = {("bn", "torch_steps.py"), ("block.1", "torch_steps.py")}
    assert places["_native_batch_norm_legit_functional"] == norm
    # A backward operation has the place of its forward operation.
    assert places["native_batch_norm_backward"] == norm
    assert (
        places["convolution_backward"]
        == places["convolution"]
        == {("conv", "torch_steps.py"), ("block.0", "torch_steps.py")}
    )
    # A function of the network itself is named after its class.
    assert places["mean"] == {("SmallNet", "torch_steps.py")}
    assert {name for name, _ in places["nll_loss_forward"]} == {"loss"}


def test_no_machine_path_in_the_text():
    text = writer.write(joint.trace_zoo(lambda: models.from_zoo("resnet18", 2, 64, torch.float32)))
    assert 'loc("layer1.0.bn1"("torchvision/models/resnet.py":' in text
    assert '"/' not in text and "site-packages" not in text


@pytest.mark.parametrize("name", options.ACTIVATIONS)
def test_every_activation_can_be_swapped_in(name):
    swap = activations.ActivationSwap(name)
    step = joint.trace(small_problem(), swap)
    assert swap.used
    targets = {str(node.target) for node in step.graph.nodes}
    assert name == "relu" or "aten.relu.default" not in targets


@pytest.mark.parametrize(
    "activation",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.ReLU6(),
        nn.LeakyReLU(0.3),
        torch.relu,
        F.relu,
        lambda x: x.relu(),
        lambda x: x.relu_(),
    ],
)
def test_modules_functions_and_methods_are_swapped(activation):
    class Call(nn.Module):
        def forward(self, x):
            return activation(x)

    swap = activations.ActivationSwap("leaky_relu", 0.2)
    step = joint.trace(small_problem(Call()), swap)
    calls = [node for node in step.graph.nodes if str(node.target) == "aten.leaky_relu.default"]
    assert swap.used and len(calls) == 2
    assert all(node.args[1] == 0.2 for node in calls)


def test_frozen_batch_norm_trains_its_parameters_only():
    problem = small_problem()
    assert models.freeze_batch_norms(problem.module) == 2
    step = joint.trace(problem)
    assert kinds(step.results) == {"loss": 1, "grad": 9}


def test_a_parameter_without_a_gradient_has_no_result():
    problem = small_problem()
    problem.module.conv.weight.requires_grad_(False)
    problem.module.unused = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    step = joint.trace(problem)
    assert {"conv.weight", "unused"}.isdisjoint(r.name for _, r in step.results if r.kind == "grad")
    assert {"conv.weight", "unused"} <= {r.name for _, r in step.arguments}


def test_an_input_that_wants_a_gradient_gets_one():
    problem = small_problem()
    problem.inputs = (problem.inputs[0].requires_grad_(),)
    step = joint.trace(problem)
    assert step.results[-1][1] == joint.Role("grad", "image")


def test_further_outputs_are_results():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = SmallNet()

        def forward(self, x):
            y = self.net(x)
            return y.square().mean(), y

    step = joint.trace(models.Problem("two", Two(), (torch.zeros(2, 3, 4, 4),)))
    assert kinds(step.results) == {"buffer": 6, "loss": 1, "output": 1, "grad": 9}


def test_resizes_are_not_taken_apart():
    def function(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear").mean() + F.interpolate(x, scale_factor=2).mean()

    class Resize(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return function(self.conv(x))

    step = joint.trace(models.Problem("r", Resize(), (torch.zeros(1, 3, 4, 4),)))
    targets = collections.Counter(str(node.target) for node in step.graph.nodes)
    for name in ("bilinear2d", "bilinear2d_backward", "nearest2d", "nearest2d_backward"):
        assert targets[f"aten.upsample_{name}.default"] == 1
    # PyTorch's own rules are back.
    assert torch._C.DispatchKey.Autograd in torch.ops.aten.upsample_bilinear2d.vec.py_kernels


@pytest.mark.parametrize(
    "loss, message",
    [
        (lambda out, y: out, r"floating point scalar, got a tensor of shape \(2, 5\)"),
        (lambda out, y: 3.0, "floating point scalar, got float"),
        (lambda out, y: y.float().mean(), "depends on no parameter"),
    ],
)
def test_a_loss_that_is_none(loss, message):
    problem = small_problem()
    problem.loss = loss
    with pytest.raises(ExportError, match=message):
        joint.trace(problem)
