"""For PyTorch's tests: an evaluator of traced steps, and a small network."""

import operator

import torch
from torch import nn

from abn_export import models


def evaluate(step, values):
    """Runs a step's graph operation by operation on real tensors, and returns its results in order."""
    env = dict(zip((node for node, _ in step.arguments), values))
    value_of = lambda x: torch.fx.node.map_arg(x, lambda n: env[n])
    for node in step.graph.nodes:
        if node.op == "get_attr":
            env[node] = node.meta["val"]
        elif node.op == "call_function":
            if node.target is operator.getitem:
                env[node] = env[node.args[0]][node.args[1]]
            else:
                env[node] = node.target(*value_of(node.args), **value_of(node.kwargs))
    return [env[node] for node, _ in step.results]


class SmallNet(nn.Module):
    """Convolution, batch norm, activation, and a residual add: one of each."""

    def __init__(self, activation=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.act = activation or nn.ReLU()
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        x = self.act(self.bn(self.conv(x)))
        x = self.act(self.block(x) + x)
        return self.fc(x.mean((2, 3)))


def small_problem(activation=None, dtype=torch.float64):
    torch.manual_seed(1)
    net = SmallNet(activation).to(dtype)
    x, y = torch.randn(2, 3, 6, 6, dtype=dtype), torch.tensor([1, 3])
    return models.Problem("small", net, (x,), (y,), models.cross_entropy, ("image",))


def argument_values(problem):
    """The values of a traced problem's arguments, without the optimizer's state."""
    tensors = [p for _, p in problem.module.named_parameters()] + [b for _, b in problem.module.named_buffers()]
    return [t.detach().clone() for t in (*tensors, *problem.inputs, *problem.labels)]
