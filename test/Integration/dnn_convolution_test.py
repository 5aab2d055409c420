"""Convolution and its gradients against the reference."""
import sys

import dnn_reference as ref
from dnn_harness import Suite


def params(spatial, **changes):
    """Attributes of a convolution: stride 1, no padding; numbers stand for equal entries."""
    p = {"strides": 1, "padding_low": 0, "padding_high": 0, "dilations": 1}
    groups = changes.pop("groups", 1)
    p.update(changes)
    p = {name: [v] * spatial if isinstance(v, int) else list(v) for name, v in p.items()}
    if groups > 1:
        p["groups"] = groups
    return p


# label, input shape, filter shape (channels first), changed attributes
CASES = [
    ("plain", (2, 3, 6, 7), (4, 3, 3, 3), {}),
    ("pointwise", (2, 5, 4, 4), (3, 5, 1, 1), {}),
    ("pointwise strided", (2, 5, 7, 8), (3, 5, 1, 1), dict(strides=2)),
    ("pointwise strided padded", (1, 2, 5, 5), (3, 2, 1, 1),
     dict(strides=(2, 3), padding_low=1, padding_high=(2, 1))),
    ("same", (2, 3, 5, 5), (4, 3, 3, 3), dict(padding_low=1, padding_high=1)),
    ("strided with remainder", (2, 3, 8, 9), (4, 3, 3, 3),
     dict(strides=2, padding_low=1, padding_high=1)),
    ("stem", (1, 3, 17, 16), (4, 3, 7, 7), dict(strides=2, padding_low=3, padding_high=3)),
    ("stride beyond the filter", (2, 2, 11, 10), (3, 2, 2, 2), dict(strides=(4, 3))),
    ("asymmetric padding", (2, 3, 5, 6), (2, 3, 3, 2),
     dict(padding_low=(0, 2), padding_high=(3, 1))),
    ("padding beyond the filter", (1, 2, 3, 4), (3, 2, 2, 3),
     dict(strides=(1, 2), padding_low=(3, 4), padding_high=(4, 5))),
    ("dilated", (2, 3, 9, 8), (2, 3, 3, 2), dict(dilations=(2, 3))),
    ("dilated strided padded", (2, 3, 9, 10), (2, 3, 3, 3),
     dict(dilations=(3, 2), strides=(2, 3), padding_low=(2, 3), padding_high=(3, 1))),
    ("filter larger than input", (1, 2, 2, 3), (2, 2, 5, 4), dict(padding_low=2, padding_high=2)),
    ("grouped", (2, 6, 5, 4), (4, 3, 3, 3), dict(groups=2, padding_low=1, padding_high=1)),
    ("depthwise", (2, 4, 6, 5), (4, 1, 3, 3),
     dict(groups=4, strides=2, padding_low=1, padding_high=1)),
    ("depthwise multiplied", (1, 3, 5, 5), (6, 1, 2, 2), dict(groups=3)),
    ("grouped pointwise strided", (2, 4, 5, 5), (6, 2, 1, 1), dict(groups=2, strides=2)),
    ("size 1", (1, 1, 1, 1), (1, 1, 1, 1), {}),
    ("one output", (3, 2, 3, 3), (2, 2, 3, 3), {}),
    ("rank 3", (2, 3, 11), (4, 3, 3), dict(strides=2, padding_low=1, padding_high=2)),
    ("rank 3 grouped", (2, 4, 7), (6, 2, 2), dict(groups=2, dilations=2)),
    ("rank 5", (2, 2, 4, 5, 3), (3, 2, 2, 3, 2),
     dict(strides=(2, 1, 1), padding_low=(1, 0, 1), padding_high=(0, 1, 1))),
    ("rank 5 depthwise", (1, 2, 3, 4, 5), (2, 1, 2, 2, 2), dict(groups=2, strides=2)),
    # Long enough for the two-level sum of the weight gradient.
    ("long sums", (4, 2, 40, 36), (3, 2, 3, 3), dict(padding_low=1, padding_high=1)),
    ("long sums grouped", (2, 2, 64, 64), (2, 1, 1, 1), dict(groups=2)),
]


def add(suite, label, x_shape, w_shape, p, element, layout, dynamic):
    x, w = suite.values(x_shape, element), suite.values(w_shape, element)
    y = ref.convolution(x, w, p)
    bias, dy = suite.values(w_shape[0], element), suite.values(y.shape, element)
    common = dict(element=element, layout=layout, dynamic=dynamic, results=[element])
    suite.add(label, "convolution", p, [("ins", x), ("ins", w)], expected=[y], **common)
    suite.add(label, "convolution", p, [("ins", x), ("ins", w), ("bias", bias)],
              expected=[ref.convolution(x, w, p, bias)], **common)
    suite.add(label, "convolution_input_grad", p, [("ins", dy), ("ins", w)],
              expected=[ref.convolution_input_grad(dy, w, x_shape, p)], **common)
    suite.add(label, "convolution_weight_grad", p, [("ins", dy), ("ins", x)],
              expected=[ref.convolution_weight_grad(dy, x, w_shape, p)], **common)


def main(part, route):
    suite = Suite(seed=1, route=route)
    layouts = ["channels_first", "channels_last"]
    for number, (label, x_shape, w_shape, changes) in enumerate(CASES):
        p = params(len(x_shape) - 2, **changes)
        if part == "layouts":
            for layout in layouts:
                add(suite, label, x_shape, w_shape, p, "f32", layout, dynamic=())
            continue
        # The other element types, and open dimensions (of filters too), in turn.
        if len(x_shape) == 4 and x_shape[2] > 30:
            continue
        for element in ("f64", "f16", "bf16"):
            add(suite, label, x_shape, w_shape, p, element, layouts[number % 2], dynamic=())
        add(suite, label + " dynamic batch", x_shape, w_shape, p, "f32", layouts[number % 2],
            dynamic={0})
        add(suite, label + " dynamic", x_shape, w_shape, p, "f32", layouts[(number + 1) % 2],
            dynamic=set(range(len(x_shape))))
    suite.check()


main(*sys.argv[1:])
