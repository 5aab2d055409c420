"""How the CUDA runtime computes primitives, on fakes that offer algorithms of all kinds: which it takes, where its
workspace lies, and that its own kernels give the bits of the CPU library's loops."""

import ctypes
import itertools
import os

import numpy as np

import cuda_runtime
from cuda_runtime import in_process

F32, F16, BF16 = 1, 2, 3


def flat(*fields):
    return np.hstack(fields).astype(np.int64)


def convolution(low=(1, 1, 0), high=(1, 1, 0), strides=(1, 1, 1), input=(6, 5, 1), output=(6, 5, 1), element=F32):
    """3x3 windows over 2 images of 4 channels to 8 filters."""
    return flat(1, element, 0, 2, 2, 4, 8, 1, input, (3, 3, 1), output, strides, low, high, (1, 1, 1))


def operands(random):
    return (random.standard_normal((2, 4, 6, 5)).astype(np.float32),
            random.standard_normal((8, 4, 3, 3)).astype(np.float32), np.full((2, 8, 6, 5), np.nan, np.float32))


def aligned(count, alignment=256):
    """Bytes at a multiple of `alignment`, as a device's are."""
    raw = np.zeros(count + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start:start + count]


def paths(runtime):
    """How often each way of computing was gone."""
    counts = {}
    for each in runtime.report()["calls"]:
        counts[each["path"]] = counts.get(each["path"], 0) + each["count"]
    return counts


#===------------------------------------------------------------------------------------------------------===
# Algorithms and workspaces
#===------------------------------------------------------------------------------------------------------===


def convolve_with_workspaces(runtime):
    x, w, y = operands(np.random.default_rng(1))
    kept = []
    for lent in [aligned(200_000), aligned(6_000), aligned(100), None]:
        error = runtime.primitive("abnDnnConvolution", convolution(), x, w, None, y, workspace=lent)
        assert error is None, error
        kept.append(runtime.report()["memory"]["workspace_bytes"])
    return kept


def taken(run):
    """[(algorithm, bytes of workspace)] of the convolutions that the fake cuDNN was asked for."""
    words = [line.split(" ") for line in run.log if line.startswith("cudnnConvolution")]
    return [(int(word[2]), int(word[6])) for word in words]


def test_algorithms():
    """The fastest deterministic one in f32 that fits: not 6 (fails), 5 (not deterministic) or 7 (TF32)."""
    run = in_process(convolve_with_workspaces)
    assert taken(run) == [(1, 100000), (0, 5000), (2, 0), (1, 100000)], taken(run)
    # What is lent is used; without it memory is kept.
    assert run.value == [0, 0, 0, 100000], run.value
    run = in_process(convolve_with_workspaces, ABN_CUDA_WORKSPACE_MIB="0")
    assert taken(run)[-1] == (2, 0) and run.value[-1] == 0, run.log
    run = in_process(convolve_with_workspaces, ABN_CUDA_ALLOW_TF32="1")
    assert taken(run)[0] == (7, 64), run.log


def multiply(runtime):
    a = np.ones((2, 2), np.float32)
    c = np.zeros((2, 2), np.float32)
    error = runtime.primitive("abnDnnMatmul", flat(1, F32, F32, 0, 1, 2, 2, 2, 0, 0, 2, 2, 2, 0, 0, 0), a, a, c)
    return [error, c.tolist()]


def test_products():
    """Sums of f32, a workspace that is always the same."""
    for environment, wanted in [({}, "compute 68 math 16 workspace 33554432"),
                                (dict(ABN_CUDA_ALLOW_TF32="1"), "compute 77 math 16 workspace 33554432"),
                                (dict(ABN_CUDA_WORKSPACE_MIB="2"), "compute 68 math 16 workspace 2097152")]:
        run = in_process(multiply, **environment)
        assert run.value == [None, [[2, 2], [2, 2]]], run.value
        [line] = [line for line in run.log if line.startswith("cublas")]
        assert line == f"cublasGemmStridedBatchedEx m 2 n 2 k 2 batch 1 {wanted}", line


def convolve_on_streams(runtime):
    x, w, y = operands(np.random.default_rng(1))
    streams = [runtime.library.mgpuStreamCreate() for _ in range(2)]
    for stream in streams + streams:
        assert runtime.primitive("abnDnnConvolution", convolution(), x, w, None, y, stream=stream) is None
    kept = [runtime.report()["memory"]["workspace_bytes"]]
    for stream in streams:
        runtime.library.mgpuStreamDestroy(ctypes.c_void_p(stream))
    again = runtime.library.mgpuStreamCreate()
    assert runtime.primitive("abnDnnConvolution", convolution(), x, w, None, y, stream=again) is None
    return kept + [runtime.report()["memory"]["workspace_bytes"], runtime.error()]


def test_streams():
    """Streams that live at one time have workspaces of their own; later ones take over."""
    assert in_process(convolve_on_streams).value == [200000, 200000, None]


def convolve_unaligned(runtime):
    x, w, y = operands(np.random.default_rng(1))
    assert runtime.primitive("abnDnnConvolution", convolution(), x, w, None, y) is None
    shifted = np.zeros(x.size + 4, np.float32)
    start = next(i for i in range(4) if shifted[i:].ctypes.data % 16 == 4)
    copy, again = shifted[start:start + x.size], np.zeros_like(y)
    copy[:] = x.ravel()
    assert runtime.primitive("abnDnnConvolution", convolution(), copy, w, None, again) is None
    return [float(np.abs(y - again).max()), paths(runtime)]


def test_alignment():
    """Tensor cores read 16 bytes at a time."""
    difference, counted = in_process(convolve_unaligned).value
    assert difference < 1e-5, difference
    assert counted == {"cudnn algorithm 1": 1, "own kernel: an operand is not aligned to 16 bytes": 1}, counted


def convolve_padded(runtime):
    x, w, y = operands(np.random.default_rng(1))
    # Where the last windows end before either padding does, no copy is needed.
    for descriptor in [convolution(high=(0, 1, 0), strides=(2, 2, 1), output=(3, 3, 1)),
                       convolution(low=(0, 0, 0), high=(2, 2, 0))]:
        assert runtime.primitive("abnDnnConvolution", descriptor, x, w, None, y) is None
    return paths(runtime)


def test_asymmetric_padding():
    run = in_process(convolve_padded)
    assert run.value == {"cudnn algorithm 1": 1, "cudnn algorithm 1, padded": 1}, run.value


def convolve_all(runtime):
    x, w, y = operands(np.random.default_rng(1))
    assert runtime.primitive("abnDnnConvolution", convolution(), x, w, None, y) is None
    assert runtime.primitive("abnDnnConvolutionInputGrad", convolution(), y, w, x) is None
    assert runtime.primitive("abnDnnConvolutionWeightGrad", convolution(), y, x, w) is None
    return paths(runtime)


def test_unsupported():
    """What cuDNN has no algorithm for is computed all the same."""
    run = in_process(convolve_all, ABN_FAKE_CUDNN_UNSUPPORTED="1")
    assert run.value == {"own kernel: cudnn has no deterministic algorithm": 3}, run.value
    # An algorithm that is refused when it is called is not called again.
    run = in_process(convolve_with_workspaces, ABN_FAKE_FAIL="cudnnConvolutionForward=3000")
    assert not taken(run) and len([line for line in run.log if "convolution_f32" in line]) == 4, run.log


#===------------------------------------------------------------------------------------------------------===
# Kernels of our own, bit by bit
#===------------------------------------------------------------------------------------------------------===


def elements(random, shape, element):
    """Random numbers with ties, zeros of both signs and NaN, as bit patterns of the element type."""
    values = np.round(random.standard_normal(shape) * 2).astype(np.float32) * np.float32(0.25)
    values[random.random(shape) < 0.02] = np.nan
    values = values + random.standard_normal(shape).astype(np.float32) * (random.random(shape) < 0.5)
    if element == F32:
        return values.astype(np.float32)
    if element == F16:
        return values.astype(np.float16)
    return cuda_runtime.mlir_exec.to_bf16(values)


def pools(random):
    for element, layout in itertools.product([F32, F16, BF16], [0, 1]):
        for rank in [1, 2, 3]:
            size = [int(n) for n in random.integers(3, 9, rank)] + [1] * (3 - rank)
            kernel = [int(n) for n in random.integers(1, 4, rank)] + [1] * (3 - rank)
            stride = [int(n) for n in random.integers(1, 4, rank)] + [1] * (3 - rank)
            # Windows may lie in the padding altogether.
            low = [int(n) for n in random.integers(0, 4, rank)] + [0] * (3 - rank)
            high = [int(n) for n in random.integers(0, 3, rank)] + [0] * (3 - rank)
            for dilation in [1, 2]:
                reach = [dilation * (k - 1) + 1 for k in kernel]
                out = [max((n + l + h - r) // s + 1, 1)
                       for n, l, h, r, s in zip(size, low, high, reach, stride)]
                yield dict(element=element, layout=layout, rank=rank, size=size, kernel=kernel, out=out,
                           stride=stride, low=low, high=high,
                           dilation=[dilation] * rank + [1] * (3 - rank))


def pool(p, count_pad=0, divisor=0):
    return flat(1, p["element"], p["layout"], p["rank"], 2, 3, count_pad, divisor, p["size"], p["kernel"], p["out"],
                p["stride"], p["low"], p["high"], p["dilation"])


def compare_bits(runtime):
    """The names of what was compared, with how often."""
    loops = ctypes.CDLL(str(cuda_runtime.LIB / "libabn_runtime_dnnl.so"))
    loops.abnDnnLastError.restype = ctypes.c_char_p
    both = [runtime, cuda_runtime.Runtime.__new__(cuda_runtime.Runtime)]
    both[1].library = loops
    random, counts = np.random.default_rng(3), {}

    def run(name, descriptor, inputs, results):
        made = []
        for each in both:
            arrays = [np.full(shape, 0x55, np.uint8).view(kind) for shape, kind in results]
            error = each.primitive(name, descriptor, *inputs, *arrays)
            assert error is None, error
            made.append(arrays)
        for i, (got, want) in enumerate(zip(*made)):
            nan = np.isnan(want.view({4: np.float32, 2: np.float16, 8: np.float64}[want.itemsize]).astype(float)) \
                if descriptor[1] != BF16 else (want & 0x7fff) > 0x7f80 if want.itemsize == 2 else np.zeros(want.shape, bool)
            differ = (got.view(f"u{got.itemsize}") != want.view(f"u{got.itemsize}")) & ~nan
            assert not differ.any(), f"{name} {descriptor.tolist()}: result {i} differs in {differ.sum()} places"
        counts[name] = counts.get(name, 0) + 1
        return made[0]

    for p in pools(random):
        kind = {F32: np.float32, F16: np.float16, BF16: np.uint16}[p["element"]]
        full, out = 6 * int(np.prod(p["size"])), 6 * int(np.prod(p["out"]))
        x, dy = elements(random, full, p["element"]), elements(random, out, p["element"])
        width = x.itemsize
        _, indices = run("abnDnnMaxPool", pool(p), [x], [(out * width, kind), (out * 8, np.int64)])
        run("abnDnnMaxPoolGrad", pool(p), [dy, indices], [(full * width, kind)])
        if p["dilation"] == [1, 1, 1] and p["element"] == F32:
            # A divisor: oneDNN's own pools sum in another order.
            run("abnDnnAvgPool", pool(p, divisor=3), [x], [(out * width, kind)])
            run("abnDnnAvgPoolGrad", pool(p, divisor=3), [dy], [(full * width, kind)])
    for element, layout, mode, coordinates in itertools.product([F32, F16, BF16], [0, 1], [0, 1], [0, 1, 2]):
        for rank in [1, 2, 3]:
            sizes = [[int(n) for n in random.integers(1, 8, rank)] + [1] * (3 - rank) for _ in range(2)]
            scaled = int(random.random() < 0.3)
            scales = (random.random(3) * 2 + 0.1).view(np.int64) * scaled
            kind = {F32: np.float32, F16: np.float16, BF16: np.uint16}[element]
            descriptor = flat(1, element, layout, rank, 2, 3, mode, coordinates, scaled, sizes[0], sizes[1], scales)
            full, out = (6 * int(np.prod(size)) for size in sizes)
            x, dy = elements(random, full, element), elements(random, out, element)
            run("abnDnnResize", descriptor, [x], [(out * x.itemsize, kind)])
            run("abnDnnResizeGrad", descriptor, [dy], [(full * x.itemsize, kind)])
    return counts


def test_bits():
    counts = in_process(compare_bits).value
    print("  equal bits:", counts)
    assert min(counts.values()) >= 6 and len(counts) == 6, counts


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok:", name)
