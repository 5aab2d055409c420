"""Python values as MLIR attribute, type and location text.

Everything here is a pure function of its argument, so that the same graph always gives the same bytes.
"""

import math

import torch

DTYPE_NAMES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
    torch.uint8: "ui8",
    torch.bool: "i1",
}

# Bit patterns of (+inf, -inf, nan); MLIR has no decimal spelling for them.
_NON_FINITE = {
    torch.float64: ("0x7FF0000000000000", "0xFFF0000000000000", "0x7FF8000000000000"),
    torch.float32: ("0x7F800000", "0xFF800000", "0x7FC00000"),
    torch.float16: ("0x7C00", "0xFC00", "0x7E00"),
    torch.bfloat16: ("0x7F80", "0xFF80", "0x7FC0"),
}

# Larger constants are written as one string of hexadecimal bytes.
_MAX_LISTED_ELEMENTS = 64


def string(value):
    """A quoted MLIR string: printable ASCII as it is, all else as \\XX of its UTF-8 bytes."""
    out = []
    for byte in value.encode("utf-8"):
        char = chr(byte)
        out.append(char if 32 <= byte < 127 and char not in '"\\' else f"\\{byte:02X}")
    return '"' + "".join(out) + '"'


def float_literal(value, dtype=torch.float64):
    """The shortest decimal that reads back as `value`, in a form MLIR accepts (it wants a point before an exponent)."""
    if math.isinf(value):
        return _NON_FINITE[dtype][0 if value > 0 else 1]
    if math.isnan(value):
        return _NON_FINITE[dtype][2]
    text = repr(float(value))
    mantissa, exponent, power = text.partition("e")
    return (mantissa if "." in mantissa else mantissa + ".0") + exponent + power


def tensor_type(tensor):
    if tensor.dtype not in DTYPE_NAMES:
        raise TypeError(f"tensors of {tensor.dtype} have no MLIR spelling")
    shape = "".join(f"{int(size)}x" for size in tensor.shape)
    return f"tensor<{shape}{DTYPE_NAMES[tensor.dtype]}>"


def value_type(value):
    """The type of one operator result; what the operator does not compute is None in PyTorch, `none` in MLIR."""
    if value is None:
        return "none"
    if isinstance(value, torch.Tensor):
        return tensor_type(value)
    raise TypeError(f"results of {type(value).__name__} have no MLIR spelling")


def attribute(value, operand=None):
    """`value` as an attribute.  `operand(node)` gives the "%k" text of a graph node inside an argument list."""
    if operand is not None and isinstance(value, torch.fx.Node):
        return string(operand(value))
    if value is None:
        return "unit"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value} : i64"
    if isinstance(value, float):
        return f"{float_literal(value)} : f64"
    if isinstance(value, (list, tuple, torch.Size)):
        return "[" + ", ".join(attribute(item, operand) for item in value) + "]"
    if isinstance(value, (str, torch.dtype, torch.device, torch.layout, torch.memory_format)):
        return string(str(value))
    raise TypeError(f"arguments of {type(value).__name__} have no MLIR spelling")


def _element(value, dtype):
    if dtype is torch.bool:
        return "true" if value else "false"
    return float_literal(value, dtype) if dtype.is_floating_point else str(value)


def _nested(values, dtype):
    if isinstance(values, list):
        return "[" + ", ".join(_nested(item, dtype) for item in values) + "]"
    return _element(values, dtype)


def dense(tensor):
    """A constant tensor as `dense<...> : type`."""
    kind = tensor_type(tensor)
    tensor = tensor.detach().cpu().contiguous()
    if tensor.numel() == 0:
        return f"dense<> : {kind}"
    if tensor.numel() > 1 and bool((tensor.view(-1) == tensor.view(-1)[0]).all()):
        body = _element(tensor.view(-1)[0].item(), tensor.dtype)
    elif tensor.numel() <= _MAX_LISTED_ELEMENTS or tensor.dtype is torch.bool:
        body = _nested(tensor.tolist(), tensor.dtype)
    else:
        body = '"0x' + bytes(tensor.view(-1).view(torch.uint8).tolist()).hex().upper() + '"'
    return f"dense<{body}> : {kind}"


def location(place):
    """`loc("layer1.0.bn1"("torchvision/models/resnet.py":91:0))`; the file part only where it is known."""
    if place is None:
        return "loc(unknown)"
    if place.line is None:
        return f"loc({string(place.name)})"
    return f"loc({string(place.name)}({string(place.file)}:{place.line}:0))"
