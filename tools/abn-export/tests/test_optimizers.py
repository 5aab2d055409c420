"""The appended updates against torch.optim, in f64."""

import collections

import pytest
import torch
from torch_steps import argument_values, evaluate, small_problem

from abn_export import joint, optimizers, writer

STEPS = 3
REFERENCES = {
    "sgd": lambda p, h: torch.optim.SGD(p, lr=h.learning_rate, weight_decay=h.weight_decay),
    "sgd-momentum": lambda p, h: torch.optim.SGD(
        p, lr=h.learning_rate, momentum=h.momentum, weight_decay=h.weight_decay
    ),
    "adam": lambda p, h: torch.optim.Adam(
        p, lr=h.learning_rate, betas=h.betas, eps=h.epsilon, weight_decay=h.weight_decay
    ),
}


def run_steps(step, values):
    """Feeds each step's new parameters, buffers and state to the next one; returns arguments by (kind, name)."""
    for _ in range(STEPS):
        values = values + [torch.zeros_like(n.meta["val"], device="cpu") for n, _ in step.arguments[len(values) :]]
        new = {}
        for (_, role), value in zip(step.results, evaluate(step, values)):
            new["param" if role.kind == "updated_param" else role.kind, role.name] = value
        values = [new.get((role.kind, role.name), value) for (_, role), value in zip(step.arguments, values)]
    return {(role.kind, role.name): value for (_, role), value in zip(step.arguments, values)}


@pytest.mark.parametrize("foreach", [False, True], ids=["plain", "foreach"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("name", REFERENCES)
def test_three_steps_agree_with_torch_optim(name, weight_decay, foreach, parse):
    problem = small_problem()
    values = argument_values(problem)
    hyperparameters = optimizers.Hyperparameters(0.05, 0.8, weight_decay)
    step = joint.trace(problem)
    optimizers.append(step, name, hyperparameters, foreach)
    parse(writer.write(step))
    got = run_steps(step, values)

    net = problem.module
    optimizer = REFERENCES[name](net.parameters(), hyperparameters)
    for _ in range(STEPS):
        optimizer.zero_grad()
        problem.loss(net(*problem.inputs), *problem.labels).backward()
        optimizer.step()
    for key, parameter in net.named_parameters():
        # Adam's step count is f32, as torch.optim's own is.
        torch.testing.assert_close(got["param", key], parameter.detach(), rtol=1e-5, atol=1e-6)
        for kind, value in optimizer.state[parameter].items():
            if kind != "step" and value is not None:
                torch.testing.assert_close(got["state", f"{key}.{kind}"], value, rtol=1e-3, atol=1e-7)
    if name == "adam":
        assert got["state", "step"] == STEPS


@pytest.mark.parametrize("name, states", [("sgd", 0), ("sgd-momentum", 9), ("adam", 19)])
def test_roles(name, states):
    step = joint.trace(small_problem())
    optimizers.append(step, name, optimizers.Hyperparameters(0.1))
    arguments = collections.Counter(role.kind for _, role in step.arguments)
    results = collections.Counter(role.kind for _, role in step.results)
    assert arguments["state"] == results["state"] == states
    assert results["updated_param"] == 9 and results["grad"] == 0 and results["loss"] == 1


def test_low_precision_parameters_stay_so(parse):
    step = joint.trace(small_problem(dtype=torch.bfloat16))
    optimizers.append(step, "adam", optimizers.Hyperparameters(0.1))
    parse(writer.write(step))
    assert all(n.meta["val"].dtype is torch.bfloat16 for n, r in step.results if r.kind == "updated_param")
