"""Convolutions, pooling, resizing."""

from harness import case, normal
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
X = normal(2, 4, 7, 6)


def conv(name, x, w, *bias, function=F.conv2d, dtypes=("f64",), **options):
    return case(
        name,
        lambda x, w, *b: function(x, w, *b, **options),
        x,
        w,
        *bias,
        ops=("convolution.default", "convolution_backward.default"),
        dtypes=dtypes,
    )


CONVOLUTIONS = [
    conv("conv", X, normal(3, 4, 3, 3), dtypes=ALL),
    conv("conv bias", X, normal(3, 4, 3, 3), normal(3), padding=1, dtypes=ALL),
    conv("conv 1x1", X, normal(5, 4, 1, 1)),
    conv("conv stride", X, normal(3, 4, 3, 3), stride=2, padding=1),
    conv("conv stride leaves a rest", normal(1, 2, 8, 9), normal(3, 2, 3, 3), stride=3),
    conv("conv 1x1 stride", X, normal(5, 4, 1, 1), stride=2),
    conv("conv unequal", X, normal(3, 4, 3, 2), normal(3), stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
    conv("conv dilation", X, normal(3, 4, 3, 3), padding=2, dilation=2),
    conv("conv groups", X, normal(6, 2, 3, 3), normal(6), padding=1, groups=2),
    conv("conv depthwise", X, normal(4, 1, 3, 3), padding=1, groups=4, dtypes=ALL),
    conv("conv depthwise multiplier", X, normal(8, 1, 3, 3), stride=2, padding=1, groups=4),
    conv("conv large kernel", X, normal(2, 4, 7, 6)),
    conv("conv 1d", normal(2, 3, 8), normal(4, 3, 3), normal(4), function=F.conv1d, stride=2, padding=1),
    conv("conv 3d", normal(1, 2, 4, 5, 4), normal(3, 2, 2, 3, 2), function=F.conv3d, padding=1, stride=(1, 2, 1)),
    conv("conv transpose", X, normal(4, 3, 3, 3), normal(3), function=F.conv_transpose2d, stride=2, padding=1),
    conv(
        "conv transpose output padding",
        X,
        normal(4, 3, 3, 3),
        function=F.conv_transpose2d,
        stride=2,
        padding=1,
        output_padding=1,
    ),
    conv("conv transpose groups", X, normal(4, 2, 2, 2), function=F.conv_transpose2d, groups=2),
    case("conv input gradient only", lambda x, w: F.conv2d(x, w), X, normal(3, 4, 3, 3, grad=False)),
    case("conv weight gradient only", lambda x, w: F.conv2d(x, w), normal(2, 4, 7, 6, grad=False), normal(3, 4, 3, 3)),
    case("conv same padding", lambda x, w: F.conv2d(x, w, padding="same"), X, normal(3, 4, 3, 3)),
    case("conv of an unbatched image", lambda x, w: F.conv2d(x, w), normal(4, 7, 6), normal(3, 4, 3, 3)),
]

MAX = ("max_pool2d_with_indices.default", "max_pool2d_with_indices_backward.default")
MAX_POOLING = [
    case("max pool", lambda x: F.max_pool2d(x, 2), X, ops=MAX, dtypes=ALL),
    case("max pool overlapping", lambda x: F.max_pool2d(x, 3, 2, 1), X, ops=MAX, dtypes=ALL),
    case("max pool ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), normal(1, 2, 8, 7), ops=MAX),
    case("max pool ceil padding", lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True), normal(1, 2, 8, 7), ops=MAX),
    case("max pool dilation", lambda x: F.max_pool2d(x, 2, 1, dilation=2), X, ops=MAX),
    case("max pool unequal", lambda x: F.max_pool2d(x, (3, 2), (1, 2), (1, 0)), X, ops=MAX),
    case("max pool indices", lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), X, ops=MAX),
    case("max pool stride one", lambda x: F.max_pool2d(x, 3, 1, 1), X, ops=MAX),
    case("max pool 1d", lambda x: F.max_pool1d(x, 3, 2, 1), normal(2, 3, 8)),
    case("max pool 3d", lambda x: F.max_pool3d(x, 2), normal(1, 2, 4, 4, 6), ops="max_pool3d_with_indices.default"),
    case("adaptive max pool", lambda x: F.adaptive_max_pool2d(x, 1), X, ops="adaptive_max_pool2d.default"),
]

AVG = ("avg_pool2d.default", "avg_pool2d_backward.default")
AVERAGE_POOLING = [
    case("avg pool", lambda x: F.avg_pool2d(x, 2), X, ops=AVG, dtypes=ALL),
    case("avg pool padding", lambda x: F.avg_pool2d(x, 3, 2, 1), X, ops=AVG),
    case("avg pool without the padding", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), X, ops=AVG),
    case("avg pool ceil", lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), normal(1, 2, 8, 6), ops=AVG),
    case("avg pool ceil padding", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), normal(1, 2, 8, 6), ops=AVG),
    case(
        "avg pool ceil without the padding",
        lambda x: F.avg_pool2d(x, 2, 2, 1, ceil_mode=True, count_include_pad=False),
        X,
        ops=AVG,
    ),
    case("avg pool divisor", lambda x: F.avg_pool2d(x, 2, divisor_override=3), X, ops=AVG),
    case("avg pool unequal", lambda x: F.avg_pool2d(x, (2, 3), (1, 2), (0, 1)), X, ops=AVG),
    case("avg pool 1d", lambda x: F.avg_pool1d(x, 3, 2, 1), normal(2, 3, 8)),
    case("avg pool 3d", lambda x: F.avg_pool3d(x, 2), normal(1, 2, 4, 4, 6), ops="avg_pool3d.default"),
    case(
        "adaptive avg pool",
        lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
        normal(2, 3, 6, 6),
        ops="_adaptive_avg_pool2d.default",
    ),
    case("adaptive avg pool uneven", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), X, ops="_adaptive_avg_pool2d.default"),
    case("adaptive avg pool to more", lambda x: F.adaptive_avg_pool2d(x, (7, 7)), normal(1, 2, 3, 4)),
]


def resize(name, operator, x=X, **options):
    ops = (f"{operator}.default", f"{operator}_backward.default")
    return case(name, lambda x: F.interpolate(x, **options), x, ops=ops)


BILINEAR = "upsample_bilinear2d"
RESIZES = [
    resize("nearest", "upsample_nearest2d", scale_factor=2),
    resize("nearest to a size", "upsample_nearest2d", size=(10, 4)),
    resize("nearest by a fraction", "upsample_nearest2d", scale_factor=1.7),
    resize("nearest exact", "_upsample_nearest_exact2d", size=(10, 4), mode="nearest-exact"),
    resize("bilinear", BILINEAR, scale_factor=2, mode="bilinear"),
    resize("bilinear to a size", BILINEAR, size=(13, 4), mode="bilinear"),
    resize("bilinear corners", BILINEAR, size=(13, 4), mode="bilinear", align_corners=True),
    resize("bilinear by a fraction", BILINEAR, scale_factor=1.7, mode="bilinear"),
    resize("bilinear, the factor recomputed", BILINEAR, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
    resize("bilinear down", BILINEAR, size=(3, 2), mode="bilinear"),
    resize("bilinear from one", BILINEAR, normal(1, 2, 1, 1), size=(4, 3), mode="bilinear"),
    resize("bilinear to one, corners", BILINEAR, size=(1, 1), mode="bilinear", align_corners=True),
    resize("linear", "upsample_linear1d", normal(2, 3, 5), size=8, mode="linear"),
    resize("bicubic", "upsample_bicubic2d", size=(9, 11), mode="bicubic"),
]

UNFOLDING = [
    case("unfold", lambda x: F.unfold(x, 3, padding=1), X, ops="im2col.default"),
    case("fold", lambda x: F.fold(x, (4, 5), 2), normal(2, 12, 12), ops="col2im.default"),
]

CASES = [*CONVOLUTIONS, *MAX_POOLING, *AVERAGE_POOLING, *RESIZES, *UNFOLDING]
