"""Convolutions in every layout, with their gradients raised to dnn's."""

from jax import lax
from jax_harness import case, integers, normal

ALL = ("f64", "f32", "f16", "bf16")
NHWC, NCHW = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")
BOTH = ("dnn.convolution", "dnn.convolution_input_grad", "dnn.convolution_weight_grad")
FORWARD = BOTH[:1]
X, W = normal(2, 7, 6, 4), normal(3, 3, 4, 5)


def conv(name, x=X, w=W, strides=(1, 1), padding="SAME", layout=NHWC, raised=BOTH, dtypes=("f64",), **options):
    def function(x, w):
        return lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=layout, **options)

    return case(f"conv {name}", function, x, w, dtypes=dtypes, raised=raised)


PLAIN = [
    conv("", dtypes=ALL),
    conv("valid", padding="VALID"),
    conv("explicit padding", padding=[(2, 1), (0, 3)]),
    conv("strided", strides=(2, 2), dtypes=ALL),
    conv("strided, odd size", x=normal(2, 8, 9, 4), strides=(2, 2)),
    conv("strided, left over", x=normal(2, 9, 10, 4), strides=(3, 4), padding="VALID"),
    conv("unequal strides", strides=(1, 2), padding=[(1, 0), (2, 1)]),
    conv("one by one", w=normal(1, 1, 4, 5)),
    conv("one by one, strided", w=normal(1, 1, 4, 5), strides=(2, 2), padding="VALID"),
    conv("seven by seven", x=normal(1, 12, 12, 3), w=normal(7, 7, 3, 4), strides=(2, 2)),
    conv("uneven filter", w=normal(2, 3, 4, 5)),
    conv("large padding", padding=[(4, 4), (3, 5)]),
    conv("dilated", rhs_dilation=(2, 2)),
    conv("dilated and strided", x=normal(2, 11, 10, 4), strides=(2, 1), rhs_dilation=(1, 3)),
    conv("whole window", w=normal(7, 6, 4, 5), padding="VALID"),
    conv("negative padding", padding=[(-1, 0), (0, -1)], raised=FORWARD),
]

LAYOUTS = [
    conv("NCHW", normal(2, 4, 7, 6), normal(5, 4, 3, 3), layout=NCHW, dtypes=ALL),
    conv("NCHW strided", normal(2, 4, 7, 6), normal(5, 4, 3, 3), (2, 2), layout=NCHW),
    conv("NCHW, HWIO", normal(2, 4, 7, 6), W, layout=("NCHW", "HWIO", "NCHW")),
    conv("NHWC, OHWI", w=normal(5, 3, 3, 4), layout=("NHWC", "OHWI", "NHWC")),
    conv("NHWC to NCHW", layout=("NHWC", "HWIO", "NCHW")),
    conv("HWNC", normal(7, 6, 2, 4), layout=("HWNC", "HWIO", "HWNC"), raised=FORWARD),
    conv("CHWN", normal(4, 7, 6, 2), layout=("CHWN", "IHWO", "CHWN"), w=normal(4, 3, 3, 5), raised=()),
    conv("NWHC", normal(2, 6, 7, 4), layout=("NWHC", "HWIO", "NHWC")),
    conv("1d", normal(2, 9, 4), normal(3, 4, 5), (2,), layout=("NWC", "WIO", "NWC")),
    conv("3d", normal(1, 4, 5, 4, 2), normal(2, 3, 2, 2, 3), (1, 2, 1), layout=("NDHWC", "DHWIO", "NDHWC")),
    conv("0d", normal(3, 4), normal(4, 5), (), [], ("NC", "IO", "NC"), raised=()),
    conv("4d", normal(1, 3, 3, 2, 3, 2), normal(2, 2, 1, 2, 2, 3), (1,) * 4, "VALID", ("NABDEC", "ABDEIO", "NABDEC"), raised=()),
]

GROUPS = [
    conv("groups", w=normal(3, 3, 2, 6), feature_group_count=2, dtypes=ALL),
    conv("groups strided", w=normal(3, 3, 2, 6), strides=(2, 2), feature_group_count=2),
    conv("groups NCHW", normal(2, 4, 7, 6), normal(6, 2, 3, 3), (2, 2), layout=NCHW, feature_group_count=2),
    conv("depthwise", w=normal(3, 3, 1, 4), feature_group_count=4),
    conv("depthwise strided", w=normal(3, 3, 1, 4), strides=(2, 2), feature_group_count=4),
    conv("depthwise, two per channel", w=normal(3, 3, 1, 8), feature_group_count=4),
    conv("groups dilated", w=normal(3, 3, 2, 6), feature_group_count=2, rhs_dilation=(2, 1)),
    conv("batch groups", normal(4, 5, 5, 3), normal(3, 3, 3, 4), batch_group_count=2, raised=()),
    conv("batch groups strided", normal(4, 5, 5, 3), normal(3, 3, 3, 4), (2, 2), batch_group_count=2, raised=()),
]

TRANSPOSED = [
    case("conv transpose", lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME"), X, W, raised=BOTH[1:2]),
    case("conv transpose valid", lambda x, w: lax.conv_transpose(x, w, (3, 2), "VALID"), X, W, raised=BOTH[1:2]),
    case(
        "conv transpose, kernel transposed",
        lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME", transpose_kernel=True),
        X,
        normal(3, 3, 5, 4),
        raised=BOTH[1:2],
    ),
    conv("input dilation", lhs_dilation=(2, 3), padding=[(1, 1), (2, 0)], raised=BOTH[1:2]),
    conv("input dilation and strides", strides=(2, 1), lhs_dilation=(3, 2), padding=[(1, 2), (0, 1)], raised=()),
    conv("more padding than a gradient has", lhs_dilation=(2, 2), padding=[(5, 5), (4, 4)], raised=()),
]


def typed(x, w):
    return lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=NHWC, preferred_element_type="float32"
    )


OTHERS = [
    case("conv to a wider type", typed, normal(2, 5, 5, 3, grad=False), normal(3, 3, 3, 2, grad=False), dtypes=("bf16",), bits=True),
    conv("of integers", integers(-9, 9, 1, 5, 5, 2), integers(-9, 9, 3, 3, 2, 3), raised=()),
    conv("input gradient only", w=normal(3, 3, 4, 5, grad=False), raised=BOTH[:2]),
    conv("weight gradient only", x=normal(2, 7, 6, 4, grad=False), raised=(BOTH[0], BOTH[2])),
    case(
        "conv with a reversed filter",
        lambda x, w: lax.conv_general_dilated(x, lax.rev(w, (0, 1)), (1, 1), "SAME", dimension_numbers=NHWC),
        X,
        W,
    ),
]

CASES = [*PLAIN, *LAYOUTS, *GROUPS, *TRANSPOSED, *OTHERS]
