"""Resizing and its gradient against the reference."""
import sys

import numpy as np

import dnn_reference as ref
from dnn_harness import Suite

# label, input shape (channels first), output sizes, scales
CASES = [
    ("doubled", (2, 3, 4, 5), (8, 10), None),
    ("doubled by scales", (2, 3, 4, 5), (8, 10), [0.5, 0.5]),
    ("odd ratios", (1, 2, 5, 7), (8, 3), None),
    ("halved", (2, 2, 8, 6), (4, 3), None),
    ("scale other than the ratio", (1, 2, 5, 4), (12, 9), [1 / 2.5, 1 / 2.3]),
    ("scale beyond the input", (1, 2, 4, 4), (5, 3), [2.0, 3.0]),
    ("one axis kept", (2, 2, 5, 6), (5, 13), None),
    ("to size 1", (1, 2, 4, 5), (1, 1), None),
    ("from size 1", (1, 2, 1, 1), (3, 4), None),
    ("same sizes", (1, 2, 3, 4), (3, 4), None),
    ("many indices", (1, 1, 37, 10), (111, 14), None),
    ("rank 3", (2, 3, 7), (12,), None),
    ("rank 5", (1, 2, 3, 4, 2), (5, 3, 4), None),
]
MODES = [("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
         ("linear", "align_corners"), ("linear", "asymmetric")]


def add(suite, label, shape, outputs, p, element, layout, dynamic):
    x = suite.values(shape, element)
    y = ref.resize(x, outputs, p, element=element)
    dy = suite.values(y.shape, element)
    # An infinite gradient reaches the elements that its position read, and no other.
    if label == "odd ratios":
        dy[0, 0].flat[-1] = np.inf
    attrs = {"mode": f"#dnn.resize_mode<{p['mode']}>",
             "coordinates": f"#dnn.coordinates<{p['coordinates']}>", "scales": p["scales"]}
    label = f"{label} {p['mode']} {p['coordinates']}"
    common = dict(element=element, layout=layout, dynamic=dynamic)
    suite.add(label, "resize", attrs, [("ins", x)], [element], [y],
              exact=p["mode"] == "nearest", **common)
    suite.add(label, "resize_grad", attrs, [("ins", dy)], [element],
              [ref.resize(dy, shape[2:], p, adjoint=True, element=element)], **common)


def main(route):
    suite = Suite(seed=3, route=route)
    for number, (label, shape, outputs, scales) in enumerate(CASES):
        layouts = ["channels_first", "channels_last"]
        for mode, coordinates in MODES:
            if scales and coordinates == "align_corners":
                continue
            p = {"mode": mode, "coordinates": coordinates, "scales": scales}
            number += 1
            element = ["f16", "bf16", "f64"][number % 3]
            everywhere = set(range(len(shape)))
            for element, layout, dynamic in [("f32", layouts[number % 2], ()),
                                             (element, layouts[(number + 1) % 2], ()),
                                             ("f32", layouts[0], everywhere)]:
                add(suite, label, shape, outputs, p, element, layout, dynamic)
    suite.check()


main(sys.argv[1])
