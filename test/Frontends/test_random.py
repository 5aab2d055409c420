"""Random operations: no reference has their numbers, but their distribution, and that forward and backward agree."""

import batches
import harness
import mlir_exec
import pytest
import torch
from abn_export import joint, models, writer
from torch import nn
from torch.nn import functional as F

SIZE = 100_000
X, WEIGHT = torch.linspace(1, 2, SIZE, dtype=torch.float64), torch.linspace(-1, 1, SIZE, dtype=torch.float64)


class Weighted(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, weight):
        outputs = batches.as_tuple(self.function(x))
        return (harness.weighted_sum(outputs, [weight] * len(outputs)), *outputs)


def run(function):
    """The outputs of `function` on X, and the derivative of their sum weighted with WEIGHT."""
    step = joint.trace(models.Problem("random", Weighted(function), (X.clone().requires_grad_(), WEIGHT)))
    got = mlir_exec.run(writer.write(step), harness.PASSES, [X.numpy(), WEIGHT.numpy()], optimize="-O0")
    named = {(role.kind, role.name): torch.from_numpy(value) for (_, role), value in zip(step.results, got)}
    outputs = [named["output", f"output{i}"] for i in range(1, len(got) - 1)]
    return *outputs, named["grad", "input0"]


def drop_path(x):
    keep = x.new_empty(SIZE).bernoulli_(0.7)
    return x * keep / 0.7


@pytest.mark.parametrize("function", [lambda x: F.dropout(x, 0.3, True), drop_path], ids=["dropout", "bernoulli"])
def test_a_share_is_dropped_and_the_gradient_has_the_same_mask(function):
    output, gradient = run(function)
    kept = output != 0
    # Six standard deviations.
    assert abs(kept.double().mean() - 0.7) < 6 * (0.3 * 0.7 / SIZE) ** 0.5
    torch.testing.assert_close(output, X * kept / 0.7)
    torch.testing.assert_close(gradient, WEIGHT * kept / 0.7)
    # Neighbours are independent: the pairs that are both kept are the square of the share.
    assert abs((kept[1:] & kept[:-1]).double().mean() - 0.49) < 0.01


def test_two_calls_draw_different_masks():
    one, two, _ = run(lambda x: (F.dropout(x, 0.5, True), F.dropout(x, 0.5, True)))
    assert abs(((one != 0) == (two != 0)).double().mean() - 0.5) < 0.01


def test_a_run_can_be_repeated():
    first, second = run(lambda x: F.dropout(x, 0.5, True)), run(lambda x: F.dropout(x, 0.5, True))
    assert all(torch.equal(a, b) for a, b in zip(first, second))
