"""Whole graphs as text, from small functions that contain one speciality each."""

import re

import torch
from torch import nn

from abn_export import joint, models, writer


class Fn(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def forward_text(function, *inputs):
    return writer.write(joint.trace(models.Problem("f", Fn(function), inputs), train=False))


def operations(text):
    return re.findall(r'^ +(%\d+(?::\d+)?) = "([\w.]+)"\((.*?)\) <\{(.*)\}> : (.*) loc\((.*)\)$', text, re.M)


def test_every_positional_argument_is_written_defaults_included(parse):
    text = forward_text(lambda x: torch.nn.functional.max_pool2d(x, 2), torch.zeros(1, 1, 4, 4))
    parse(text)
    ((name, op, operands, properties, types, _),) = operations(text)
    assert (name, op, operands) == ("%0:2", "aten.max_pool2d_with_indices.default", "%arg0")
    expected = '"%0", [2 : i64, 2 : i64], [], [0 : i64, 0 : i64], [1 : i64, 1 : i64], false'
    assert properties == f"args = [{expected}]"
    assert types == "(tensor<1x1x4x4xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>)"


def test_keyword_only_arguments_are_further_properties(parse):
    text = forward_text(lambda x, y: torch.add(x, y, alpha=3), torch.zeros(2), torch.zeros(2))
    parse(text)
    assert operations(text)[0][3] == 'args = ["%0", "%1"], alpha = 3 : i64'


def test_lists_of_operands_and_absent_ones(parse):
    def function(x, i):
        return torch.cat([x, x[:, i]], 1)

    text = forward_text(function, torch.zeros(2, 3), torch.tensor([0, 2]))
    parse(text)
    index, cat = operations(text)
    assert index[3] == 'args = ["%0", [unit, "%1"]]'
    assert cat[2] == "%arg0, %0" and cat[3] == 'args = [["%0", "%1"], 1 : i64]'


def test_a_tensor_made_by_the_model_is_a_constant(parse):
    text = forward_text(lambda x: x + torch.tensor([1.0, float("inf"), -2.5]), torch.zeros(3))
    parse(text)
    assert '"arith.constant"() <{value = dense<[1.0, 0x7F800000, -2.5]> : tensor<3xf32>}>' in text


def test_special_floats_as_arguments(parse):
    text = forward_text(lambda x: x.clamp(-float("inf"), 1e-7).masked_fill(x > 0, float("nan")), torch.zeros(3))
    parse(text)
    assert "0xFFF0000000000000 : f64, 1.0e-07 : f64" in text and "0x7FF8000000000000 : f64" in text


def test_types_flow_through(parse):
    def function(x):
        return x.half(), x.to(torch.bfloat16), x > 0, x.long(), x.to(torch.uint8)

    text = forward_text(function, torch.zeros(2))
    parse(text)
    assert "-> (tensor<2xf16>, tensor<2xbf16>, tensor<2xi1>, tensor<2xi64>, tensor<2xui8>)" in text
    assert 'dtype = "torch.bfloat16"' in text


def test_a_result_that_is_not_computed_has_type_none(parse):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(0))
    problem = models.Problem("c", net, (torch.zeros(1, 1, 2, 2),), (), lambda out: out.sum(), ("x",))
    text = writer.write(joint.trace(problem))
    parse(text)
    assert "[false, true, false]]}>" in text and re.search(r"-> \(none, tensor<1x1x1x1xf32>, none\)", text)


def test_a_result_without_an_operation(parse):
    text = forward_text(lambda x, y: (y, x + 1), torch.zeros(1), torch.zeros(2))
    parse(text)
    assert re.search(r'"func.return"\(%arg1, %0\)', text)


def test_zero_dimensional_and_empty_tensors(parse):
    text = forward_text(lambda x, y: (x * 2, y.sum()), torch.tensor(1.0), torch.zeros(0, 3))
    parse(text)
    assert "tensor<f32>, %arg1: tensor<0x3xf32>" in re.sub(r" loc\([^)]*\)", "", text)
