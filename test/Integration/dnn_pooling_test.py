"""Pools and their gradients against the reference."""
import sys

import numpy as np

import dnn_reference as ref
from dnn_harness import Suite


def params(spatial, kernel, **changes):
    p = {"kernel_size": kernel, "strides": changes.pop("strides", kernel), "padding_low": 0,
         "padding_high": 0, "dilations": 1}
    p.update(changes)
    return {name: [v] * spatial if isinstance(v, int) else list(v) for name, v in p.items()}


# label, input shape (channels first), kernel, changed attributes, ceil_mode
CASES = [
    ("halving", (2, 3, 6, 8), 2, {}, False),
    ("stem", (2, 3, 9, 8), 3, dict(strides=2, padding_low=1, padding_high=1), False),
    ("stem ceil", (2, 3, 10, 7), 3, dict(strides=2, padding_low=1, padding_high=1), True),
    ("ceil", (1, 2, 6, 5), (3, 2), dict(strides=(2, 3)), True),
    ("ceil, last window dropped", (1, 2, 7, 5), 2,
     dict(strides=3, padding_low=1, padding_high=1), True),
    ("overlapping", (2, 2, 7, 6), 3, dict(strides=1, padding_low=1, padding_high=1), False),
    ("wide, few windows", (1, 3, 7, 9), (6, 8), dict(strides=1), False),
    ("global", (2, 3, 5, 4), (5, 4), {}, False),
    ("gaps between windows", (1, 2, 9, 11), 2, dict(strides=(4, 3)), False),
    ("asymmetric padding", (2, 2, 5, 6), (3, 2),
     dict(strides=(2, 1), padding_low=(0, 1), padding_high=(2, 0)), False),
    ("kernel larger than input", (1, 2, 2, 3), 5,
     dict(strides=1, padding_low=2, padding_high=2), False),
    ("windows in the padding alone", (1, 2, 3, 3), 2,
     dict(strides=1, padding_low=3, padding_high=(2, 4)), False),
    ("size 1", (1, 1, 1, 1), 1, {}, False),
    ("kernel 1, strided", (2, 2, 5, 4), 1, dict(strides=(2, 3)), False),
    ("rank 3", (2, 3, 11), 4, dict(strides=3, padding_low=2, padding_high=1), True),
    ("rank 5", (1, 2, 5, 4, 6), (2, 3, 2),
     dict(strides=(2, 1, 2), padding_low=(0, 1, 1), padding_high=1), False),
]
DILATED = [
    ("dilated", (2, 2, 9, 8), (2, 3), dict(strides=(2, 1), dilations=(3, 2)), False),
    ("dilated padded ceil", (1, 2, 8, 7), 3,
     dict(strides=2, dilations=2, padding_low=1, padding_high=1), True),
    ("dilated, no tap inside", (1, 1, 1, 4), 2,
     dict(strides=1, dilations=2, padding_low=1, padding_high=1), False),
]
AVERAGES = [{}, {"count_include_pad": True}, {"divisor_override": 7}]


def max_values(suite, shape, element):
    """Values with ties; the last channel of the first image holds NaNs, -inf and infinities."""
    x = np.round(suite.values(shape, element) * 2) / 2
    special = x[0, -1].reshape(-1)
    special[::3] = -np.inf
    if special.size > 4:
        special[special.size // 2] = special[-1] = np.nan
        special[1] = np.inf
    return x


def add_max(suite, label, shape, p, ceil, element, layout, dynamic):
    x = max_values(suite, shape, element)
    outputs = (ref.ceil_counts if ceil else ref.window_counts)(shape[2:], p["kernel_size"], p)
    values, indices = ref.max_pool(x, outputs, p)
    dy = suite.values(values.shape, element)
    common = dict(element=element, layout=layout, dynamic=dynamic)
    suite.add(label, "max_pool", p, [("ins", x)], [element, "i64"], [values, indices],
              exact=True, **common)
    suite.add(label, "max_pool_grad", p, [("ins", dy), ("ins", indices)], [element],
              [ref.max_pool_grad(dy, indices, shape, p)], **common)


def add_average(suite, label, shape, p, ceil, extra, element, layout, dynamic):
    x = suite.values(shape, element)
    outputs = (ref.ceil_counts if ceil else ref.window_counts)(shape[2:], p["kernel_size"], p)
    attrs = {**{name: v for name, v in p.items() if name != "dilations"}, **extra}
    p = {**p, **extra}
    y = ref.avg_pool(x, outputs, p)
    dy = suite.values(y.shape, element)
    label = f"{label} {extra}"
    common = dict(element=element, layout=layout, dynamic=dynamic)
    suite.add(label, "avg_pool", attrs, [("ins", x)], [element], [y], **common)
    suite.add(label, "avg_pool_grad", attrs, [("ins", dy)], [element],
              [ref.avg_pool_grad(dy, shape, p)], **common)


def main(route):
    suite = Suite(seed=2, route=route)
    for number, (label, shape, kernel, changes, ceil) in enumerate(CASES + DILATED):
        spatial = len(shape) - 2
        p = params(spatial, kernel, **changes)
        layout = ["channels_first", "channels_last"][number % 2]
        other = ["channels_first", "channels_last"][(number + 1) % 2]
        element = ["f16", "bf16", "f64"][number % 3]
        for element, layout, dynamic in [("f32", layout, ()), (element, other, ()),
                                         ("f32", other, set(range(spatial + 2)))]:
            add_max(suite, label, shape, p, ceil, element, layout, dynamic)
            if (label, shape, kernel, changes, ceil) in DILATED:
                continue
            for extra in AVERAGES:
                add_average(suite, label, shape, p, ceil, extra, element, layout, dynamic)
    suite.check()


main(sys.argv[1])
