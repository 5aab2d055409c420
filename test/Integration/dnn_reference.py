"""The dnn ops in numpy, f64, one window at a time: an independent reference for their lowerings.

Operands are channels-first, [N, C, spatial...]; the tests transpose. Gradients are written as the
adjoint of the forward's loop, so that forward and gradient cannot share a mistake in an index map
without the forward being wrong too.
"""

from itertools import product

import numpy as np


def positions(shape):
    return product(*map(range, shape))


def window_counts(sizes, kernel, p):
    """Positions of a window along each axis, rounded down."""
    return [(n + lo + hi - d * (k - 1) - 1) // s + 1
            for n, k, s, lo, hi, d in zip(sizes, kernel, p["strides"], p["padding_low"],
                                          p["padding_high"], p["dilations"])]


def ceil_counts(sizes, kernel, p):
    """PyTorch's ceil_mode: rounded up, but the last window starts inside the input or low padding."""
    counts = []
    for n, k, s, lo, hi, d in zip(sizes, kernel, p["strides"], p["padding_low"],
                                  p["padding_high"], p["dilations"]):
        count = -(-(n + lo + hi - d * (k - 1) - 1) // s) + 1
        counts.append(count - 1 if (count - 1) * s >= n + lo else count)
    return counts


def convolution_terms(x_shape, w_shape, p):
    """All (output position, filter tap, position in the padded input) and the groups' slices."""
    outputs = window_counts(x_shape[2:], w_shape[2:], p)
    groups = p.get("groups", 1)
    channels, filters = x_shape[1] // groups, w_shape[0] // groups
    slices = [(slice(g * filters, (g + 1) * filters), slice(g * channels, (g + 1) * channels))
              for g in range(groups)]
    for o in positions(outputs):
        for k in positions(w_shape[2:]):
            at = tuple(i * s + j * d
                       for i, s, j, d in zip(o, p["strides"], k, p["dilations"]))
            yield o, k, at, slices


def pad(x, p):
    return np.pad(x, [(0, 0), (0, 0)] + list(zip(p["padding_low"], p["padding_high"])))


def convolution(x, w, p, bias=None):
    out = np.zeros([x.shape[0], w.shape[0], *window_counts(x.shape[2:], w.shape[2:], p)])
    padded = pad(x, p)
    for o, k, at, slices in convolution_terms(x.shape, w.shape, p):
        for f, c in slices:
            out[(slice(None), f, *o)] += padded[(slice(None), c, *at)] @ w[(f, slice(None), *k)].T
    if bias is not None:
        out += bias.reshape([1, -1] + [1] * (x.ndim - 2))
    return out


def convolution_input_grad(dy, w, x_shape, p):
    padded = pad(np.zeros(x_shape), p)
    for o, k, at, slices in convolution_terms(x_shape, w.shape, p):
        for f, c in slices:
            padded[(slice(None), c, *at)] += dy[(slice(None), f, *o)] @ w[(f, slice(None), *k)]
    inside = [slice(lo, lo + n) for lo, n in zip(p["padding_low"], x_shape[2:])]
    return padded[(slice(None), slice(None), *inside)]


def convolution_weight_grad(dy, x, w_shape, p):
    dw = np.zeros(w_shape)
    padded = pad(x, p)
    for o, k, at, slices in convolution_terms(x.shape, w_shape, p):
        for f, c in slices:
            dw[(f, slice(None), *k)] += dy[(slice(None), f, *o)].T @ padded[(slice(None), c, *at)]
    return dw


def window_positions(o, sizes, p):
    """The positions of window `o` that lie in the input, in order."""
    axes = []
    for i, n, k, s, lo, d in zip(o, sizes, p["kernel_size"], p["strides"], p["padding_low"],
                                 p["dilations"]):
        start = i * s - lo
        axes.append([j for j in range(start, start + d * (k - 1) + 1, d) if 0 <= j < n])
    return list(product(*axes))


def max_pool(x, outputs, p):
    """Values and flattened indices; scalar loops that follow PyTorch's kernel."""
    values = np.full([*x.shape[:2], *outputs], -np.inf)
    indices = np.full(values.shape, -1, np.int64)
    for n, c in positions(x.shape[:2]):
        for o in positions(outputs):
            for at in window_positions(o, x.shape[2:], p):
                v = x[(n, c, *at)]
                if indices[(n, c, *o)] < 0 or v > values[(n, c, *o)] or np.isnan(v):
                    values[(n, c, *o)] = v
                    indices[(n, c, *o)] = np.ravel_multi_index(at, x.shape[2:])
    return values, indices


def max_pool_grad(dy, indices, x_shape, p):
    dx = np.zeros([*x_shape[:2], int(np.prod(x_shape[2:]))])
    for at in positions(dy.shape):
        if indices[at] >= 0:
            dx[(*at[:2], indices[at])] += dy[at]
    return dx.reshape(x_shape)


def divisor(o, sizes, p):
    if p.get("divisor_override") is not None:
        return p["divisor_override"]
    count = 1
    for i, n, k, s, lo, hi in zip(o, sizes, p["kernel_size"], p["strides"], p["padding_low"],
                                  p["padding_high"]):
        start, end = i * s - lo, min(i * s - lo + k, n + hi)
        if not p.get("count_include_pad"):
            start, end = max(start, 0), min(end, n)
        count *= end - start
    return max(count, 1)


def avg_pool(x, outputs, p):
    out = np.zeros([*x.shape[:2], *outputs])
    for o in positions(outputs):
        for at in window_positions(o, x.shape[2:], p):
            out[(..., *o)] += x[(..., *at)] / divisor(o, x.shape[2:], p)
    return out


def avg_pool_grad(dy, x_shape, p):
    dx = np.zeros(x_shape)
    for o in positions(dy.shape[2:]):
        for at in window_positions(o, x_shape[2:], p):
            dx[(..., *at)] += dy[(..., *o)] / divisor(o, x_shape[2:], p)
    return dx


def resize_matrix(n, m, mode, coordinates, scale=None, real=np.float32):
    """[m, n]: the weight of each source element in each destination element of one axis. Positions
    are computed in `real`, as PyTorch does."""
    weights = np.zeros([m, n])
    half, one = real(0.5), real(1)
    ratio = real(n) / real(m) if scale is None else real(scale)
    if coordinates == "align_corners":
        ratio = real(n - 1) / real(m - 1) if m > 1 else real(0)
    for dst in map(real, range(m)):
        if mode == "nearest":
            shift = half if coordinates == "half_pixel" else real(0)
            weights[int(dst), min(int(np.floor((dst + shift) * ratio)), n - 1)] = 1
            continue
        src = dst * ratio
        if coordinates == "half_pixel":
            src = max((dst + half) * ratio - half, real(0))
        low = min(int(src), n - 1)
        high = min(low + 1, n - 1)
        fraction = min(src - real(low), one)
        weights[int(dst), low] += one - fraction
        weights[int(dst), high] += fraction
    return weights


def resize(x, outputs, p, adjoint=False, element="f32"):
    """`x` resized; with `adjoint`, the gradient for an input of spatial sizes `outputs`."""
    real = np.float64 if element == "f64" and p["mode"] == "linear" else np.float32
    for i, m in enumerate(outputs):
        scale = p["scales"][i] if p.get("scales") else None
        n = x.shape[2 + i]
        matrix = resize_matrix(*((m, n) if adjoint else (n, m)), p["mode"], p["coordinates"],
                               scale, real)
        x = apply_matrix(x, matrix.T if adjoint else matrix, 2 + i)
    return x


def apply_matrix(x, matrix, axis):
    """matrix @ x along `axis`; a weight of 0 adds nothing, whatever it meets."""
    x = np.moveaxis(x, axis, -1)
    out = np.zeros([*x.shape[:-1], matrix.shape[0]])
    for row, column in np.argwhere(matrix):
        out[..., row] += matrix[row, column] * x[..., column]
    return np.moveaxis(out, -1, axis)
