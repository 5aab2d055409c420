"""Whole training steps of small networks, as they are and rewritten, against eager PyTorch in f64."""

import copy

import harness
import mlir_exec
import numpy as np
import pytest
import torch
from abn_export import joint, models, optimizers, writer
from torch import nn
from torch.nn import functional as F

REWRITTEN = ["--abn-import-aten", "--abn-optimize=plan=false", *harness.PASSES[1:]]


class Residual(nn.Module):
    """A stem and two residual blocks, the second one with a down-sampling branch."""

    def __init__(self, activation):
        super().__init__()
        norm, act = nn.BatchNorm2d, activation
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), norm(4), act())
        self.one = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, bias=False), norm(4), act(), nn.Conv2d(4, 4, 1, bias=False), norm(4)
        )
        self.two = nn.Sequential(
            nn.Conv2d(4, 6, 3, 2, 1, bias=False), norm(6), act(), nn.Conv2d(6, 6, 1, bias=False), norm(6)
        )
        self.down = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), norm(6))
        self.act = act()
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        x = self.stem(x)
        x = self.act(self.one(x) + x)
        x = self.act(self.two(x) + self.down(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Mobile(nn.Module):
    """An inverted bottleneck with squeeze and excitation, and max pooling."""

    def __init__(self, activation):
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), nn.BatchNorm2d(8), activation())
        self.depthwise = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8), activation()
        )
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.project = nn.Sequential(nn.Conv2d(8, 3, 1, bias=False), nn.BatchNorm2d(3))
        self.head = nn.Linear(3, 5)

    def forward(self, x):
        y = self.depthwise(self.expand(x))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        x = F.max_pool2d(self.project(y * gate) + x, 2)
        return self.head(x.mean((2, 3)))


class Segmenter(nn.Module):
    """Two scales, joined and resized; a loss over the pixels."""

    def __init__(self, activation):
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), activation())
        self.coarse = nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), activation())
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, x):
        fine = self.fine(x)
        coarse = F.interpolate(self.coarse(fine), size=fine.shape[-2:], mode="bilinear")
        return self.head(torch.cat([fine, coarse], 1))


def problem(network, activation, dtype=torch.float64):
    torch.manual_seed(3)
    net = network(activation).to(dtype)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Scales of both signs, none near zero.
            module.weight.data = torch.linspace(0.5, 1.5, module.num_features, dtype=dtype)
            module.weight.data[::2] *= -1
            module.bias.data.normal_()
            module.running_mean.normal_()
    x = torch.randn(4, 3, 6, 6, dtype=dtype)
    y = torch.randint(0, 5, (4, 6, 6) if network is Segmenter else (4,))
    return models.Problem(network.__name__, net, (x,), (y,), models.cross_entropy, ("image",))


def eager_step(made, optimizer=None):
    """{(role, name): value} after one eager step, in place on the problem's module."""
    net = made.module
    net.zero_grad()
    loss = made.loss(net(*made.inputs), *made.labels)
    loss.backward()
    results = {("loss", "loss"): loss.detach()}
    results |= {("grad", name): p.grad.clone() for name, p in net.named_parameters()}
    results |= {("buffer", name): b.clone() for name, b in net.named_buffers()}
    if optimizer:
        optimizer.step()
        for name, p in net.named_parameters():
            results["updated_param", name] = p.detach().clone()
            results |= {("state", state_name(name, k)): v for k, v in optimizer.state[p].items() if v is not None}
    return results


def state_name(parameter, kind):
    return kind if kind == "step" else f"{parameter}.{kind}"


def run_step(step, made, passes, states=None):
    net = made.module
    known = {("param", n): p for n, p in net.named_parameters()} | {("buffer", n): b for n, b in net.named_buffers()}
    known |= states or {}
    given = iter((*made.inputs, *made.labels))
    # A copy, for the eager step that follows changes the originals.
    arguments = [known[r.kind, r.name] if (r.kind, r.name) in known else next(given) for _, r in step.arguments]
    arguments = [harness.to_numpy(value.detach().clone()) for value in arguments]
    return mlir_exec.run(writer.write(step), passes, arguments, optimize="-O0")


def compare(step, got, expected, tolerance):
    assert len(got) == len(step.results)
    sizes = [value.double().norm().item() / value.numel() ** 0.5 for value in expected.values()]
    typical = sorted(sizes)[len(sizes) // 2]
    for (_, role), value in zip(step.results, got):
        reference = expected[role.kind, role.name].double()
        difference = (torch.from_numpy(np.asarray(value)).double().reshape(reference.shape) - reference).norm().item()
        # Some gradients are zero but for rounding, a shift's before another batch norm: a floor, then.
        allowed = tolerance * (reference.norm().item() + typical * reference.numel() ** 0.5)
        assert difference <= allowed, f"{role}: error {difference:.2e}, allowed {allowed:.2e}"


ACTIVATIONS = {
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "celu": lambda: nn.CELU(0.7),
    "selu": nn.SELU,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
}


STEPS = [(Residual, name) for name in ACTIVATIONS]
STEPS += [(Mobile, name) for name in ("leaky_relu", "relu6", "silu", "hardswish")]
STEPS += [(Segmenter, name) for name in ("leaky_relu", "elu")]


@pytest.mark.parametrize("passes", [harness.PASSES, REWRITTEN], ids=["original", "rewritten"])
@pytest.mark.parametrize("network, activation", STEPS, ids=[f"{n.__name__}-{a}" for n, a in STEPS])
def test_a_step(network, activation, passes):
    made = problem(network, ACTIVATIONS[activation])
    step = joint.trace(made)
    got = run_step(step, made, passes)
    # Recovering what was not stored costs digits, in f64 still few.
    compare(step, got, eager_step(made), 1e-11 if passes is harness.PASSES else 1e-8)


@pytest.mark.parametrize("passes", [harness.PASSES, REWRITTEN], ids=["original", "rewritten"])
@pytest.mark.parametrize("activation", ["leaky_relu", "relu"])
def test_a_step_with_frozen_batch_norm(activation, passes):
    made = problem(Residual, ACTIVATIONS[activation])
    models.freeze_batch_norms(made.module)
    step = joint.trace(made)
    got = run_step(step, made, passes)
    compare(step, got, eager_step(made), 1e-11 if passes is harness.PASSES else 1e-8)


OPTIMIZERS = {
    "sgd": lambda p, h: torch.optim.SGD(p, lr=h.learning_rate, weight_decay=h.weight_decay),
    "sgd-momentum": lambda p, h: torch.optim.SGD(p, h.learning_rate, h.momentum, weight_decay=h.weight_decay),
    "adam": lambda p, h: torch.optim.Adam(p, h.learning_rate, h.betas, h.epsilon, h.weight_decay),
}


@pytest.mark.parametrize(
    "foreach, passes",
    [(False, harness.PASSES), (True, harness.PASSES), (False, REWRITTEN)],
    ids=["plain", "foreach", "plain-rewritten"],
)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update(name, foreach, passes):
    """The third step, so that the optimizer has a history."""
    made = problem(Residual, nn.LeakyReLU)
    hyperparameters = optimizers.Hyperparameters(0.05, 0.8, 0.01)
    optimizer = OPTIMIZERS[name](made.module.parameters(), hyperparameters)
    for _ in range(2):
        eager_step(made, optimizer)
    names = {p: n for n, p in made.module.named_parameters()}
    states = {
        ("state", state_name(names[p], kind)): value.clone()
        for p, state in optimizer.state.items()
        for kind, value in state.items()
        if value is not None
    }
    traced = copy.deepcopy(made)
    traced.module.zero_grad()
    step = joint.trace(traced)
    optimizers.append(step, name, hyperparameters, foreach)
    got = run_step(step, made, passes, states)
    # Adam's step count, and with it the rate, is f32.
    compare(step, got, eager_step(made, optimizer), 1e-5 if name == "adam" else 1e-8)
