"""abn/Runtime/Dnn.h called as a compiled step calls it, for what no step asks of it: errors, leading
dimensions, workspaces, threads, and every half-precision number."""

import ctypes
import pathlib
import sys
import threading

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Integration"))
from mlir_exec import DnnLibrary, from_bf16, to_bf16

F32, F16, BF16 = 1, 2, 3
runtime = DnnLibrary()
IS_GPU = hasattr(runtime.library, "abnGpuLastError")


def convolution(**changes):
    """3x3 windows with padding 1 over 2 images of 4 channels, 6 x 5, to 8 filters."""
    d = dict(version=1, element=F32, layout=0, rank=2, batch=2, channels=4, filters=8, groups=1,
             input=[6, 5, 1], filter=[3, 3, 1], output=[6, 5, 1], strides=[1, 1, 1], low=[1, 1, 0],
             high=[1, 1, 0], dilations=[1, 1, 1])
    return flat(d, changes)


def pool(**changes):
    d = dict(version=1, element=F32, layout=0, rank=1, batch=1, channels=1, count_pad=0, divisor=0,
             input=[4, 1, 1], kernel=[2, 1, 1], output=[2, 1, 1], strides=[2, 1, 1], low=[0, 0, 0],
             high=[0, 0, 0], dilations=[1, 1, 1])
    return flat(d, changes)


def resize(**changes):
    d = dict(version=1, element=F32, layout=0, rank=1, batch=1, channels=1, mode=0, coordinates=0,
             has_scales=0, input=[4, 1, 1], output=[8, 1, 1], scales=[0, 0, 0])
    return flat(d, changes)


def matmul(m, n, k, **changes):
    d = dict(version=1, element=F32, result=F32, accumulate=0, batch=1, m=m, n=n, k=k, lhs_t=0, rhs_t=0,
             lhs_ld=k, rhs_ld=n, ld=n, lhs_stride=0, rhs_stride=0, stride=0)
    return flat(d, changes)


def flat(fields, changes):
    assert not changes.keys() - fields.keys(), changes
    return np.hstack(list({**fields, **changes}.values())).astype(np.int64)


def call(function, descriptor, *arrays, workspace=None):
    """Calls, and returns the error or None."""
    address = lambda a: ctypes.c_void_p(None if a is None else a.ctypes.data)
    getattr(runtime.library, function)(
        address(descriptor), *map(address, arrays), address(workspace),
        ctypes.c_int64(0 if workspace is None else workspace.nbytes), ctypes.c_void_p(None))
    return runtime.take_error()


def operands(random):
    return (random.standard_normal((2, 4, 6, 5)).astype(np.float32),
            random.standard_normal((8, 4, 3, 3)).astype(np.float32),
            np.zeros((2, 8, 6, 5), np.float32))


def expect_error(error, *parts):
    assert error and all(part in error for part in parts), f"expected {parts}, got {error}"


def test_errors(random):
    x, w, y = operands(random)
    assert call("abnDnnConvolution", convolution(), x, w, None, y) is None
    # The function, the sizes and the reason.
    expect_error(call("abnDnnConvolution", convolution(output=[6, 6, 1]), x, w, None, y),
                 "abnDnnConvolution(f32, channels first, batch 2, channels 4, input 6x5, output 6x6, "
                 "window 3x3", "expected the output size that the input gives along axis 1")
    for changes, reason in [(dict(version=2), "expected a descriptor of version 1, got 2"),
                            (dict(element=4), "expected an element type from 1 to 3, got 4"),
                            (dict(layout=2), "expected a layout"), (dict(rank=4), "spatial rank"),
                            (dict(batch=0), "expected a batch from 1"),
                            (dict(groups=3), "expected groups to divide"),
                            (dict(strides=[0, 1, 1]), "expected strides from 1"),
                            (dict(low=[-1, 1, 0]), "expected low paddings from 0"),
                            (dict(rank=1), "expected size 1 behind the spatial rank")]:
        expect_error(call("abnDnnConvolution", convolution(**changes), x, w, None, y), reason)
    expect_error(call("abnDnnConvolution", None, x, w, None, y), "expected a descriptor, got null")
    expect_error(call("abnDnnConvolution", convolution(), None, w, None, y), "expected an input, got null")
    expect_error(call("abnDnnConvolution", convolution(), x, w, None, None), "expected a result, got null")
    expect_error(call("abnDnnMaxPool", pool(), x, y, None), "expected indices, got null")
    if not IS_GPU:  # A GPU's library does not see what indices are when it is called: it passes over bad ones.
        expect_error(call("abnDnnMaxPoolGrad", pool(), y, np.array([1, 4]), x), "expected indices below 4, got 4")
    expect_error(call("abnDnnResize", resize(mode=2), x, y), "abnDnnResize", "expected a mode")
    expect_error(call("abnDnnResize", resize(has_scales=1), x, y), "expected finite, positive scales")
    expect_error(call("abnDnnMatmul", matmul(2, 3, 4, lhs_ld=3), x, w, y), "a leading dimension of lhs")
    expect_error(call("abnDnnMatmul", matmul(2, 3, 4, batch=2), x, w, y), "results that do not overlap")
    expect_error(call("abnDnnMatmul", matmul(2, 3, 4, result=F16), x, w, y), "element type or f32")


def test_error_is_kept(random):
    """The first error stays until the reset; other threads have their own."""
    x, w, y = operands(random)
    raw = lambda d: runtime.library.abnDnnConvolution(
        *[ctypes.c_void_p(a.ctypes.data) for a in (d, x, w)], None, ctypes.c_void_p(y.ctypes.data), None,
        ctypes.c_int64(0), None)
    raw(convolution(groups=3))
    raw(convolution(batch=0))
    raw(convolution())
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(runtime.take_error()))
    thread.start()
    thread.join()
    assert elsewhere == [None]
    expect_error(runtime.take_error(), "expected groups to divide")
    assert runtime.take_error() is None


def test_matmul_in_larger_arrays(random):
    """Leading dimensions and strides: nothing between the rows is touched; the result is overwritten."""
    for element, dtype in [(F32, np.float32), (F16, np.float16)]:
        a = random.standard_normal((3, 4, 9)).astype(dtype)
        b = random.standard_normal((5, 8)).astype(dtype)
        c = np.full((3, 4, 7), 55, dtype)
        c[:, :, :5] = np.nan
        assert call("abnDnnMatmul",
                    matmul(4, 5, 6, element=element, result=element, batch=3, lhs_ld=9, rhs_t=1, rhs_ld=8,
                           ld=7, lhs_stride=36, stride=28), a, b, c) is None
        wanted = a[:, :, :6].astype(np.float64) @ b[:, :6].astype(np.float64).T
        assert np.abs(c[:, :, :5] - wanted).max() < (1e-5 if element == F32 else 1e-2)
        assert (c[:, :, 5:] == 55).all()


def test_workspace(random):
    """The same bits with none, too little, just enough and more; nothing behind it is written."""
    x, w, _ = operands(random)
    results = []
    for size in [None, *range(0, 1 << 17, 1000)]:
        buffer = None if size is None else np.full(size + 4096, 0x55, np.uint8)
        y = np.full((2, 8, 6, 5), np.nan, np.float32)
        lent = None if size is None else buffer[:size]
        assert call("abnDnnConvolution", convolution(), x, w, None, y, workspace=lent) is None
        assert np.isfinite(y).all()
        results.append(y)
        if size is not None:
            assert (buffer[size:] == 0x55).all(), size
    assert all(np.array_equal(results[0], y) for y in results)
    # The last one was large enough to be used.
    assert (buffer[:size] != 0x55).any()


def test_threads(random):
    """Equal calls from several threads at once give equal bits."""
    x, w, y = operands(random)
    assert call("abnDnnConvolution", convolution(), x, w, None, y) is None
    problems = []

    def work():
        for _ in range(50):
            mine = np.full_like(y, np.nan)
            error = call("abnDnnConvolution", convolution(), x, w, None, mine)
            if error or not np.array_equal(mine, y):
                problems.append(error or "other bits")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[:3]


def test_half_precision(random):
    """Every f16 and bf16 survives the way to f32 and back, and midpoints round to even: the mean of two
    numbers is exact in f32 and often a tie."""
    bits = np.arange(1 << 16, dtype=np.uint16)
    for element in (F16, BF16):
        wide = (lambda b: b.view(np.float16).astype(np.float32)) if element == F16 else from_bf16
        narrow = (lambda v: v.astype(np.float16).view(np.uint16)) if element == F16 else to_bf16
        copied = np.zeros_like(bits)
        size = [len(bits), 1, 1]
        assert call("abnDnnResize", resize(element=element, input=size, output=size), bits, copied) is None
        nan = np.isnan(wide(bits))
        assert np.array_equal(copied[~nan], bits[~nan]) and np.isnan(wide(copied[nan])).all()
        finite = bits[np.isfinite(wide(bits))]
        pairs = np.stack([finite, np.roll(finite, random.integers(1, 9))], axis=1).copy()
        with np.errstate(over="ignore"):
            mean = (wide(pairs[:, 0]) + wide(pairs[:, 1])) / np.float32(2)
            wanted = narrow(mean)
        means = np.zeros(len(pairs), np.uint16)
        assert call("abnDnnAvgPool", pool(element=element, input=[2 * len(pairs), 1, 1],
                                          output=[len(pairs), 1, 1], divisor=2), pairs, means) is None
        number = ~np.isnan(mean)
        assert np.array_equal(means[number], wanted[number])


def main():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    for name, test in tests.items():
        test(np.random.default_rng(5))
        print("ok:", name)


main()
