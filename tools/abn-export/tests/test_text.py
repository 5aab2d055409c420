"""The writer's smallest parts: Python values as MLIR text."""

import math

import pytest
import torch

from abn_export import text
from abn_export.step import Place


@pytest.mark.parametrize(
    "value, expected",
    [
        (1.0, "1.0"),
        (0.01, "0.01"),
        (-0.0, "-0.0"),
        (1e-05, "1.0e-05"),
        (1e22, "1.0e+22"),
        (2.5e-300, "2.5e-300"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5.0e-324"),
        (math.inf, "0x7FF0000000000000"),
        (-math.inf, "0xFFF0000000000000"),
        (math.nan, "0x7FF8000000000000"),
    ],
)
def test_float_literal(value, expected):
    assert text.float_literal(value) == expected


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, "unit"),
        (True, "true"),
        (False, "false"),
        (3, "3 : i64"),
        (-1, "-1 : i64"),
        (0.5, "0.5 : f64"),
        ([], "[]"),
        ((1, 2), "[1 : i64, 2 : i64]"),
        ([True, None, [0.5]], "[true, unit, [0.5 : f64]]"),
        ("constant", '"constant"'),
        ('a"b\\c\n', '"a\\22b\\5Cc\\0A"'),
        ("é", '"\\C3\\A9"'),
        (torch.float16, '"torch.float16"'),
        (torch.device("cpu"), '"cpu"'),
        (torch.strided, '"torch.strided"'),
        (torch.contiguous_format, '"torch.contiguous_format"'),
        (torch.Size([2]), "[2 : i64]"),
    ],
)
def test_attribute(value, expected):
    assert text.attribute(value) == expected


def test_attribute_refuses_what_has_no_spelling():
    with pytest.raises(TypeError, match="complex"):
        text.attribute(1j)


@pytest.mark.parametrize("dtype, name", text.DTYPE_NAMES.items())
def test_tensor_type(dtype, name):
    assert text.tensor_type(torch.zeros(2, 1, 3, dtype=dtype)) == f"tensor<2x1x3x{name}>"
    assert text.tensor_type(torch.zeros((), dtype=dtype)) == f"tensor<{name}>"


def test_tensor_type_refuses_complex():
    with pytest.raises(TypeError, match="complex64"):
        text.tensor_type(torch.zeros(1, dtype=torch.complex64))


def test_value_type_of_an_absent_result():
    assert text.value_type(None) == "none"


CONSTANTS = [
    (torch.tensor(1.5), "dense<1.5> : tensor<f32>"),
    (torch.tensor([1, -2]), "dense<[1, -2]> : tensor<2xi64>"),
    (torch.tensor([[True, False]]), "dense<[[true, false]]> : tensor<1x2xi1>"),
    (torch.full((3, 2), 7, dtype=torch.int32), "dense<7> : tensor<3x2xi32>"),
    (torch.zeros(0, 4), "dense<> : tensor<0x4xf32>"),
    (torch.tensor([math.inf, -math.inf, 1.0]), "dense<[0x7F800000, 0xFF800000, 1.0]> : tensor<3xf32>"),
    (torch.tensor([math.inf, 1.0], dtype=torch.float16), "dense<[0x7C00, 1.0]> : tensor<2xf16>"),
    (torch.tensor([math.nan, 1.0], dtype=torch.bfloat16), "dense<[0x7FC0, 1.0]> : tensor<2xbf16>"),
    (torch.tensor([-math.inf, 1e-5], dtype=torch.float64), "dense<[0xFFF0000000000000, 1.0e-05]> : tensor<2xf64>"),
    (torch.tensor([200, 3], dtype=torch.uint8), "dense<[200, 3]> : tensor<2xui8>"),
]


@pytest.mark.parametrize("tensor, expected", CONSTANTS, ids=[e for _, e in CONSTANTS])
def test_dense(tensor, expected, parse):
    assert text.dense(tensor) == expected
    parse(f'%0 = "arith.constant"() <{{value = {expected}}}> : () -> {text.tensor_type(tensor)}\n')


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int8]
)
def test_a_large_constant_is_hexadecimal_and_reads_back(dtype, parse):
    values = torch.arange(-50, 50).to(dtype)
    written = text.dense(values)
    assert written.startswith('dense<"0x')
    # mlir-opt prints the elements; an offset of one byte would change all of them.
    out = parse(f'%0 = "arith.constant"() <{{value = {written}}}> : () -> {text.tensor_type(values)}\n')
    elements = out.split("dense<[")[1].split("]>")[0].split(", ") if "dense<[" in out else None
    if elements is None:  # printed as bytes again
        assert written.split('"')[1] in out
    else:
        assert [float(e) for e in elements] == values.tolist()


def test_a_transposed_constant_is_written_in_its_logical_order():
    values = torch.arange(100).reshape(10, 10)
    assert text.dense(values.t()) == text.dense(values.t().contiguous()) != text.dense(values)


def test_location():
    assert text.location(None) == "loc(unknown)"
    assert text.location(Place("bn1")) == 'loc("bn1")'
    assert text.location(Place("bn1", "m/n.py", 7)) == 'loc("bn1"("m/n.py":7:0))'
