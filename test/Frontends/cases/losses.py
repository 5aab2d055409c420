"""Losses and the gathers and scatters that they, embeddings and resizes use."""

from harness import booleans, case, integers, normal, uniform
from torch.nn import functional as F

ALL = ("f64", "f32", "f16", "bf16")
LOGITS, LABELS = normal(6, 5), integers(0, 5, 6)
MAPS, MAP_LABELS = normal(2, 5, 3, 4), integers(0, 5, 2, 3, 4)
NLL = ("nll_loss_forward.default", "nll_loss_backward.default")
NLL2D = ("nll_loss2d_forward.default", "nll_loss2d_backward.default")


def ignoring(x, y, **options):
    return F.cross_entropy(x, y, ignore_index=2, **options)


LOSSES = [
    case("cross entropy", F.cross_entropy, LOGITS, LABELS, ops=NLL, dtypes=ALL),
    case("cross entropy sum", lambda x, y: F.cross_entropy(x, y, reduction="sum"), LOGITS, LABELS, ops=NLL),
    case("cross entropy of each", lambda x, y: F.cross_entropy(x, y, reduction="none"), LOGITS, LABELS, ops=NLL),
    case("cross entropy ignoring", ignoring, LOGITS, LABELS, ops=NLL),
    case("cross entropy ignoring, sum", lambda x, y: ignoring(x, y, reduction="sum"), LOGITS, LABELS, ops=NLL),
    case("cross entropy ignoring, of each", lambda x, y: ignoring(x, y, reduction="none"), LOGITS, LABELS, ops=NLL),
    case(
        "cross entropy, a far ignored label",
        lambda x, y: F.cross_entropy(x, y * 300 - 300, ignore_index=-300),
        normal(4, 901),
        integers(0, 4, 4),
    ),
    case(
        "cross entropy weights",
        lambda x, y, w: F.cross_entropy(x, y, w),
        LOGITS,
        LABELS,
        uniform(0.5, 2, 5, grad=False),
        ops=NLL,
    ),
    case(
        "cross entropy weights, sum",
        lambda x, y, w: F.cross_entropy(x, y, w, reduction="sum"),
        LOGITS,
        LABELS,
        uniform(0.5, 2, 5, grad=False),
        ops=NLL,
    ),
    case(
        "cross entropy weights, ignoring",
        lambda x, y, w: ignoring(x, y, weight=w),
        LOGITS,
        LABELS,
        uniform(0.5, 2, 5, grad=False),
        ops=NLL,
    ),
    case("cross entropy of one row", F.cross_entropy, normal(5), integers(0, 5)),
    case("cross entropy of maps", F.cross_entropy, MAPS, MAP_LABELS, ops=NLL2D, dtypes=ALL),
    case("cross entropy of maps, ignoring", ignoring, MAPS, MAP_LABELS, ops=NLL2D),
    case(
        "cross entropy of maps, weights, of each",
        lambda x, y, w: F.cross_entropy(x, y, w, reduction="none"),
        MAPS,
        MAP_LABELS,
        uniform(0.5, 2, 5, grad=False),
        ops=NLL2D,
    ),
    case("cross entropy smoothed", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), LOGITS, LABELS),
    case(
        "cross entropy of probabilities",
        lambda x, y: F.cross_entropy(x, y.softmax(1)),
        LOGITS,
        normal(6, 5, grad=False),
    ),
    case("bce with logits", F.binary_cross_entropy_with_logits, LOGITS, uniform(0, 1, 6, 5, grad=False)),
    case("bce", F.binary_cross_entropy, uniform(0.1, 0.9, 6, 5), uniform(0, 1, 6, 5, grad=False)),
    case("mse", F.mse_loss, LOGITS, normal(6, 5)),
    case("l1", F.l1_loss, LOGITS, normal(6, 5)),
    case("smooth l1", F.smooth_l1_loss, LOGITS, normal(6, 5)),
    case("huber", F.huber_loss, LOGITS, normal(6, 5)),
    case(
        "kl divergence",
        lambda x, y: F.kl_div(x.log_softmax(1), y.softmax(1), reduction="batchmean"),
        LOGITS,
        normal(6, 5),
    ),
]

INDEXING = [
    case("index rows", lambda x, i: x[i], normal(4, 3), integers(0, 4, 6), ops="index.Tensor"),
    case("index negative", lambda x, i: x[i], normal(4, 3), integers(-4, 4, 6), ops="index.Tensor"),
    case("index columns", lambda x, i: x[:, i], normal(4, 3, 2), integers(0, 3, 5), ops="index.Tensor"),
    case(
        "index pairs",
        lambda x, i, j: x[i, j],
        normal(4, 3, 2),
        integers(0, 4, 5),
        integers(0, 3, 5),
        ops="index.Tensor",
    ),
    case(
        "index a grid",
        lambda x, i, j: x[:, :, i[:, None], j],
        normal(2, 3, 4, 5),
        integers(0, 4, 6),
        integers(0, 5, 3),
        ops="index.Tensor",
    ),
    case("index by an array", lambda x, i: x[i], normal(4, 3), integers(0, 4, 2, 3), ops="index.Tensor"),
    case(
        "index_select", lambda x, i: x.index_select(1, i), normal(4, 3), integers(0, 3, 5), ops="index_select.default"
    ),
    case("gather", lambda x, i: x.gather(1, i), normal(4, 3), integers(0, 3, 4, 5), ops="gather.default"),
    case(
        "gather along the first", lambda x, i: x.gather(0, i), normal(4, 3), integers(0, 4, 2, 3), ops="gather.default"
    ),
    case(
        "scatter a number", lambda x, i: x.scatter(1, i, 2.5), normal(3, 4), integers(0, 4, 3, 1), ops="scatter.value"
    ),
    case(
        "scatter",
        lambda x, i, y: x.scatter(1, i, y),
        normal(3, 4),
        integers(0, 4, 3, 1),
        normal(3, 1),
        ops="scatter.src",
    ),
    case(
        "scatter_add",
        lambda x, i, y: x.scatter_add(1, i, y),
        normal(3, 4),
        integers(0, 4, 3, 6),
        normal(3, 6),
        ops="scatter_add.default",
    ),
    case(
        "index_put accumulate",
        lambda x, i, y: x.index_put((i,), y, accumulate=True),
        normal(4, 3),
        integers(0, 4, 6),
        normal(6, 3),
        ops="index_put.default",
    ),
    case(
        "index_add",
        lambda x, i, y: x.index_add(0, i, y),
        normal(4, 3),
        integers(0, 4, 6),
        normal(6, 3),
        ops="index_add.default",
    ),
    case("embedding", F.embedding, integers(0, 7, 2, 3), normal(7, 4), ops="embedding.default"),
    case("one hot", lambda i: F.one_hot(i, 5), integers(0, 5, 6)),
    case("masked mean", lambda x, m: (x * m).sum() / m.sum().clamp(min=1), normal(3, 4), booleans(3, 4)),
]

CASES = [*LOSSES, *INDEXING]
