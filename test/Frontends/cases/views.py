"""Operations that move data: reshapes, permutations, slices, joins, padding."""

import torch
from harness import case, integers, normal
from torch.nn import functional as F

X = normal(2, 3, 4, 5)

RESHAPES = [
    case("view", lambda x: x.view(2, 12, 5), X, ops="view.default"),
    case("view minus one", lambda x: x.view(-1, 5), X, ops="view.default"),
    case("view adds ones", lambda x: x.view(2, 1, 3, 20, 1), X, ops="view.default"),
    case("view splits and merges", lambda x: x.view(6, 2, 10), X, ops="view.default"),
    case("view to a scalar", lambda x: x.view(()), normal(1, 1)),
    case("view of a scalar", lambda x: x.view(1, 1), normal()),
    case("reshape of a permuted", lambda x: x.permute(0, 2, 3, 1).reshape(2, 20, 3), X),
    case("flatten", lambda x: x.flatten(1), X),
    case("unflatten", lambda x: x.unflatten(2, (2, 2)), X),
    case("unsqueeze", lambda x: x.unsqueeze(1).unsqueeze(-1), X, ops="unsqueeze.default"),
    case("squeeze", lambda x: x.squeeze(1), normal(2, 1, 3), ops="squeeze.dim"),
    case("squeeze of a larger dimension", lambda x: x.squeeze(0), X),
    case("squeeze all", lambda x: x.squeeze(), normal(1, 3, 1, 2)),
    case("squeeze dims", lambda x: x.squeeze((0, 2)), normal(1, 3, 1, 2), ops="squeeze.dims"),
    case("expand", lambda x: x.expand(2, 3, 4), normal(3, 1), ops="expand.default"),
    case("expand keeps minus one", lambda x: x.expand(-1, 5), normal(3, 1), ops="expand.default"),
    case("expand_as", lambda x, y: x.expand_as(y) * y, normal(3, 1, 1), normal(2, 3, 4, 5)),
    case("as_strided contiguous", lambda x: x.as_strided((4, 3), (3, 1)), normal(2, 6), ops="as_strided.default"),
    case("unsafe view after matmul", lambda x, y: x.permute(0, 2, 1) @ y, normal(2, 3, 4), normal(3, 5)),
]

PERMUTATIONS = [
    case("permute", lambda x: x.permute(0, 2, 3, 1), X, ops="permute.default"),
    case("permute negative", lambda x: x.permute(-1, 0, -2, 1), X, ops="permute.default"),
    case("transpose", lambda x: x.transpose(1, -1), X, ops="transpose.int"),
    case("t", lambda x: x.t(), normal(3, 4), ops="t.default"),
    case("t of a vector", lambda x: x.t(), normal(3)),
    case("contiguous channels last", lambda x: x.contiguous(memory_format=torch.channels_last) * 2, X),
    case("flip", lambda x: x.flip(1, 3), X, ops="flip.default"),
    case("roll", lambda x: x.roll((1, -2), (1, 3)), X, ops="roll.default"),
    case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), normal(2, 8, 3, 3), ops="pixel_shuffle.default"),
    case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), normal(2, 2, 4, 6), ops="pixel_unshuffle.default"),
    case("channel shuffle", lambda x: x.view(2, 2, 3, 4, 5).transpose(1, 2).reshape(2, 6, 4, 5), normal(2, 6, 4, 5)),
]

SLICES = [
    case("slice", lambda x: x[:, 1:], X, ops="slice.Tensor"),
    case("slice steps", lambda x: x[..., ::2], X, ops="slice.Tensor"),
    case("slice from the end", lambda x: x[:, :, -3:-1], X, ops="slice.Tensor"),
    case("slice beyond the end", lambda x: x[:, :, 2:100], X),
    case("slice both", lambda x: x[:, :, 1:3, 1::3], X),
    case("select", lambda x: x[:, 1], X, ops="select.int"),
    case("select negative", lambda x: x.select(2, -1), X, ops="select.int"),
    case("narrow", lambda x: x.narrow(3, 1, 2), X),
    case("split", lambda x: x.split(2, 2), X, ops="split.Tensor"),
    case("split uneven", lambda x: x.split(2, 3), X, ops="split.Tensor"),
    case("split by sizes", lambda x: x.split([1, 3], 2), X, ops="split_with_sizes.default"),
    case("split, one part unused", lambda x: x.split([1, 2], 1)[1], X, ops="split_with_sizes.default"),
    case("chunk", lambda x: x.chunk(2, 2), X),
    case("unbind", lambda x: x.unbind(1), X, ops="unbind.int"),
    case("sliding windows", lambda x: x.unfold(2, 3, 1), X, ops=("unfold.default", "unfold_backward.default")),
    case("sliding windows with gaps", lambda x: x.unfold(3, 2, 3), X, ops="unfold.default"),
    case("write to a slice", lambda x, y: _write(x, y), normal(3, 5), normal(3, 2), ops="slice_scatter.default"),
    case("write to a row", lambda x, y: _write_row(x, y), normal(3, 5), normal(5), ops="select_scatter.default"),
]


def _write(x, y):
    x = x * 2
    x[:, 1:3] = y
    return x


def _write_row(x, y):
    x = x * 2
    x[1] = y
    return x


JOINS = [
    case("cat", lambda x, y: torch.cat([x, y], 1), X, normal(2, 2, 4, 5), ops="cat.default"),
    case("cat negative", lambda x, y: torch.cat([x, y], -1), X, normal(2, 3, 4, 1), ops="cat.default"),
    case("cat of one", lambda x: torch.cat([x], 1), X),
    case("cat with itself", lambda x: torch.cat([x, x], 0), X),
    case("stack", lambda x, y: torch.stack([x, y], 1), X, X, ops="stack.default"),
    case("stack at the end", lambda x, y: torch.stack([x, y], -1), X, X, ops="stack.default"),
    case("repeat", lambda x: x.repeat(2, 1, 3), normal(3, 2), ops="repeat.default"),
    case("repeat_interleave", lambda x: x.repeat_interleave(2, 1), normal(2, 3, 4)),
]

PADDING = [
    case("pad", lambda x: F.pad(x, (1, 2, 0, 3)), X, ops="constant_pad_nd.default"),
    case("pad with a number", lambda x: F.pad(x, (1, 1, 1, 1), value=-0.5), X, ops="constant_pad_nd.default"),
    case("pad with minus infinity", lambda x: F.pad(x, (1, 0), value=float("-inf")).amax(-1), normal(2, 3)),
    case("pad crops", lambda x: F.pad(x, (-1, -2)), X, ops="constant_pad_nd.default"),
    case("pad crops and pads", lambda x: F.pad(x, (-1, 2, 1, -1)), X, ops="constant_pad_nd.default"),
    case("pad channels", lambda x: F.pad(x, (0, 0, 0, 0, 1, 2)), X, ops="constant_pad_nd.default"),
    case("pad of integers", lambda x: F.pad(x, (1, 1), value=7), integers(-9, 9, 2, 3), ops="constant_pad_nd.default"),
    case("reflection pad", lambda x: F.pad(x, (1, 2, 3, 1), mode="reflect"), X, ops="reflection_pad2d.default"),
    case(
        "reflection pad 1d", lambda x: F.pad(x, (2, 1), mode="reflect"), normal(2, 3, 4), ops="reflection_pad1d.default"
    ),
    case("replication pad", lambda x: F.pad(x, (1, 2, 3, 1), mode="replicate"), X, ops="replication_pad2d.default"),
]

CASES = [*RESHAPES, *PERMUTATIONS, *SLICES, *JOINS, *PADDING]
