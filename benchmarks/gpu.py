"""The kernels of a batch norm and its activation on the GPU of this machine, forward and backward, in place: against
cuDNN's batch norm and ReLU, and against PyTorch if it is installed.

    gpu.py [--cases=PATTERN] [--seconds=0.5] [--json=FILE]

Prints, per tensor: the time of one forward and backward pass, the bytes that the kernels read and write in it over
that time, and that rate as a share of the memory's bandwidth. The kernels are compiled for the GPU's chip, and run
through libabn_runtime_cuda.so as a compiled step runs them. Without a driver or a GPU it says why, what it would do,
and what the bandwidth of known GPUs allows.
"""

import argparse
import contextlib
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

from kernel_figures import BANDWIDTH, CASES, TOOLKIT

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("ABN_BIN", os.path.join(ROOT, "build", "bin"))
LIBRARY = os.path.join(os.path.dirname(BIN), "lib", "libabn_runtime_cuda.so")
sys.path.insert(0, os.path.join(ROOT, "test", "Integration"))
import mlir_exec

WIDTH = {"f32": 4, "f16": 2, "bf16": 2}


def chain(shape, channel, element):
    """@chain: a forward and a backward pass over the same buffers, `n` times."""
    full = f"memref<{'x'.join(map(str, shape))}x{element}>"
    vector = f"memref<{shape[channel]}xf32>"
    attributes = (f"{{epsilon = 1.0e-5 : f64, channel_dim = {channel} : i64, "
                  "gamma_policy = #abn.gamma_policy<trust>}")
    return f"""
func.func @chain(%x: {full}, %dz: {full}, %g: {vector}, %b: {vector}, %m: {vector}, %v: {vector}, %dg: {vector},
                 %db: {vector}, %n: index) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {{
    abn.inplace_forward #abn.leaky_relu<0.01> {attributes} gamma(%g : {vector}) beta(%b : {vector})
        outs(%x, %m, %v : {full}, {vector}, {vector})
    abn.inplace_backward #abn.leaky_relu<0.01> {attributes} ins(%x : {full}) stats(%v : {vector})
        gamma(%g : {vector}) beta(%b : {vector}) outs(%dz, %dg, %db : {full}, {vector}, {vector})
  }}
  return
}}
"""


def lower(text, chip, form):
    """The host module. Scratch of the kernels is allocated once, in front of the loop."""
    toolkit = f" toolkit={TOOLKIT}" if os.path.exists(os.path.join(TOOLKIT, "bin", "ptxas")) else ""
    return mlir_exec.tool([os.path.join(BIN, "abn-opt"), "--llvm-request-c-wrappers", f"--abn-add-scratch=chip={chip}",
                           "--buffer-loop-hoisting", f"--abn-to-gpu=chips={chip} format={form}{toolkit}"], text)


def passes(shape, channel, element):
    """Full-size tensors that the kernels read or write, forward and backward, as test/Integration/abn-gpu-traffic.test
    counts them: fused kernels read what the others read twice once."""
    names = re.findall(r"\.entry (\w+)", lower(chain(shape, channel, element), "sm_80", "isa"))
    names = [name for name in names if "_unaligned_" not in name]
    fused = [any(direction in name and name.endswith("_fused") for name in names)
             for direction in ("inplace_forward", "inplace_backward")]
    return (2 if fused[0] else 3) + (3 if fused[1] else 5)


def moved_bytes(case):
    shape, channel, element = CASES[case]
    return passes(shape, channel, element) * WIDTH[element] * int(np.prod(shape))


class Unavailable(RuntimeError):
    """Why something cannot be measured here."""


class Runtime:
    """The runtime library, and the GPU that it finds. Raises Unavailable."""

    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
        self.library.abnGpuLastError.restype = ctypes.c_char_p
        self.library.mgpuMemAlloc.restype = ctypes.c_void_p
        self.free(self.allocate(256))
        self.driver = ctypes.CDLL(os.environ.get("ABN_CUDA_LIBRARY") or "libcuda.so.1")
        name = ctypes.create_string_buffer(128)
        self.driver.cuDeviceGetName(name, 128, 0)
        self.name = name.value.decode()
        # CUdevice_attribute: compute capability; memory clock in kHz and bus width in bits, at two transfers a clock.
        self.chip = f"sm_{self.attribute(75)}{self.attribute(76)}"
        self.bandwidth = 2e3 * self.attribute(36) * self.attribute(37) / 8 or next(
            (rate for gpu, rate in BANDWIDTH.items() if gpu in self.name), None)

    def attribute(self, number):
        value = ctypes.c_int()
        self.driver.cuDeviceGetAttribute(ctypes.byref(value), ctypes.c_int(number), ctypes.c_int(0))
        return value.value

    def check(self):
        if error := self.library.abnGpuLastError():
            raise Unavailable(error.decode())

    def allocate(self, size):
        pointer = self.library.mgpuMemAlloc(ctypes.c_uint64(size), None, ctypes.c_bool(False))
        self.check()
        return pointer

    def free(self, pointer):
        self.library.mgpuMemFree(ctypes.c_void_p(pointer), None)

    def upload(self, array):
        pointer = self.allocate(array.nbytes)
        self.library.mgpuMemcpy(ctypes.c_void_p(pointer), ctypes.c_void_p(array.ctypes.data),
                                ctypes.c_size_t(array.nbytes), None)
        self.wait()
        return pointer

    def wait(self):
        self.library.mgpuStreamSynchronize(None)
        self.check()


def values(random, shape, element):
    array = random.standard_normal(shape, np.float32)
    return mlir_exec.to_bf16(array) if element == "bf16" else array.astype(mlir_exec.NUMPY_TYPES[element])


class Chain:
    """One case on the GPU: `run(n)` passes forward and backward n times, and waits."""

    def __init__(self, runtime, case):
        shape, channel, element = CASES[case]
        self.runtime = runtime
        form = "fatbin" if os.path.exists(os.path.join(TOOLKIT, "bin", "ptxas")) else "isa"
        host = lower(chain(shape, channel, element), runtime.chip, form)
        with tempfile.TemporaryDirectory() as folder:
            text = mlir_exec.write(folder, "host.ll", mlir_exec.tool(
                [mlir_exec.find_tool("mlir-translate"), "--mlir-to-llvmir"], host))
            shared = os.path.join(folder, "host.so")
            mlir_exec.tool([mlir_exec.find_tool("clang"), "-shared", "-fPIC", "-Wno-override-module", text, "-o", shared])
            self.library = ctypes.CDLL(shared)
        runtime.check()
        random = np.random.default_rng(1)
        vectors = [np.ones(shape[channel], np.float32), np.zeros(shape[channel], np.float32)]
        arrays = [values(random, shape, element), values(random, shape, element), *vectors, *vectors, *vectors]
        self.pointers = [runtime.upload(array) for array in arrays]
        self.memrefs = [descriptor(pointer, array.shape) for pointer, array in zip(self.pointers, arrays)]

    def run(self, n):
        self.library._mlir_ciface_chain(*(ctypes.c_void_p(each.ctypes.data) for each in self.memrefs), ctypes.c_int64(n))
        self.runtime.check()

    def close(self):
        for pointer in self.pointers:
            self.runtime.free(pointer)


def descriptor(pointer, shape):
    strides = [int(np.prod(shape[i + 1:])) for i in range(len(shape))]
    return np.array([pointer, pointer, 0, *shape, *strides], np.int64)


def dense_strides(shape, channel):
    """[N, C, ...] sizes and strides of a dense tensor whose channel dimension is the second or the last."""
    order = [0, channel, *[dim for dim in range(1, len(shape)) if dim != channel]]
    strides = [int(np.prod(shape[dim + 1:])) for dim in range(len(shape))]
    return [shape[dim] for dim in order], [strides[dim] for dim in order]


class Cudnn:
    """cudnnBatchNormalizationForwardTraining and cudnnActivationForward, then both backwards: four full-size buffers
    more than in place."""

    NAME = "cudnn"
    TYPES = {"f32": 0, "f16": 2, "bf16": 9}  # cudnnDataType_t
    SPATIAL_PERSISTENT, RELU = 2, 1  # cudnnBatchNormMode_t, cudnnActivationMode_t

    def __init__(self, runtime):
        self.runtime = runtime
        names = [os.environ.get("ABN_CUDNN_LIBRARY")] if os.environ.get("ABN_CUDNN_LIBRARY") else \
            ["libcudnn.so.9", "libcudnn.so.8"]
        problems = []
        for name in names:
            try:
                self.library = ctypes.CDLL(name)
                break
            except OSError as error:
                problems.append(str(error))
        else:
            raise Unavailable("; ".join(problems))
        self.library.cudnnGetErrorString.restype = ctypes.c_char_p
        # The runtime library's own context is current only inside of its calls.
        self.context = ctypes.c_void_p()
        self.runtime.driver.cuDevicePrimaryCtxRetain(ctypes.byref(self.context), 0)
        self.runtime.driver.cuCtxPushCurrent_v2(self.context)
        self.handle = self.make("cudnnCreate")

    def call(self, name, *arguments):
        try:
            function = getattr(self.library, name)
        except AttributeError as error:
            raise Unavailable(str(error)) from error
        if status := function(*arguments):
            raise Unavailable(f"{name}: status {status} ({self.library.cudnnGetErrorString(status).decode()})")

    def make(self, name):
        made = ctypes.c_void_p()
        self.call(name, ctypes.byref(made))
        return made

    def tensor(self, element, sizes, strides):
        descriptor = self.make("cudnnCreateTensorDescriptor")
        ints = lambda numbers: (ctypes.c_int * len(numbers))(*numbers)
        self.call("cudnnSetTensorNdDescriptor", descriptor, self.TYPES[element], len(sizes), ints(sizes), ints(strides))
        return descriptor

    @contextlib.contextmanager
    def case(self, shape, channel, element):
        sizes, strides = dense_strides(shape, channel)
        full, channels = self.tensor(element, sizes, strides), shape[channel]
        vector = self.tensor("f32", [1, channels] + [1] * (len(shape) - 2), [channels] + [1] * (len(shape) - 1))
        relu = self.make("cudnnCreateActivationDescriptor")
        self.call("cudnnSetActivationDescriptor", relu, self.RELU, 0, ctypes.c_double(0))
        width = 4 if element == "f32" else 2
        pointers = [self.runtime.upload(np.zeros(int(np.prod(shape)) * width, np.uint8)) for _ in range(6)]
        pointers += [self.runtime.upload(np.ones(channels, np.float32)) for _ in range(8)]
        x, y, z, dz, dy, dx, gamma, beta, mean, variance, saved_mean, saved_scale, dgamma, dbeta = map(
            ctypes.c_void_p, pointers)
        one, zero = (ctypes.byref(ctypes.c_float(value)) for value in (1, 0))
        epsilon, factor = ctypes.c_double(1e-5), ctypes.c_double(0.1)

        def step():
            self.call("cudnnBatchNormalizationForwardTraining", self.handle, self.SPATIAL_PERSISTENT, one, zero, full, x,
                      full, y, vector, gamma, beta, factor, mean, variance, epsilon, saved_mean, saved_scale)
            self.call("cudnnActivationForward", self.handle, relu, one, full, y, zero, full, z)
            self.call("cudnnActivationBackward", self.handle, relu, one, full, z, full, dz, full, y, zero, full, dy)
            self.call("cudnnBatchNormalizationBackward", self.handle, self.SPATIAL_PERSISTENT, one, zero, one, zero, full,
                      x, full, dy, full, dx, vector, gamma, dgamma, dbeta, epsilon, saved_mean, saved_scale)

        def run(n):
            for _ in range(n):
                step()
            self.runtime.wait()

        try:
            yield run
        finally:
            for pointer in pointers:
                self.runtime.free(pointer)


class Torch:
    """torch.nn.functional.batch_norm and leaky_relu_, and their gradients by autograd."""

    NAME = "torch"

    def __init__(self, runtime):
        try:
            import torch
        except ImportError as error:
            raise Unavailable(str(error)) from error
        if not torch.cuda.is_available():
            raise Unavailable("torch.cuda.is_available() is false")
        self.torch = torch

    @contextlib.contextmanager
    def case(self, shape, channel, element):
        torch, functional = self.torch, self.torch.nn.functional
        dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[element]
        sizes, _ = dense_strides(shape, channel)
        layout = torch.channels_last if channel != 1 else torch.contiguous_format
        x = torch.randn(sizes, device="cuda").to(dtype).to(memory_format=layout).requires_grad_()
        dz = torch.randn(sizes, device="cuda").to(dtype).to(memory_format=layout)
        gamma = torch.ones(shape[channel], device="cuda", requires_grad=True)
        beta = torch.zeros(shape[channel], device="cuda", requires_grad=True)

        def run(n):
            for _ in range(n):
                y = functional.batch_norm(x, None, None, gamma, beta, training=True)
                z = functional.leaky_relu(y, 0.01, inplace=True)
                torch.autograd.grad(z, (x, gamma, beta), dz)
            torch.cuda.synchronize()

        yield run
        del x, dz
        torch.cuda.empty_cache()


def measure(run, seconds):
    """Seconds of one pass: `run(n)` is timed for few and for many, so that what each call costs falls out; the median
    of five."""
    run(3)
    start = time.perf_counter()
    run(3)
    many = max(4, int(seconds / 5 / max((time.perf_counter() - start) / 3, 1e-6)))
    few, rates = many // 4, []
    for _ in range(5):
        marks = [time.perf_counter()]
        for n in (few, many):
            run(n)
            marks.append(time.perf_counter())
        rates.append(((marks[2] - marks[1]) - (marks[1] - marks[0])) / (many - few))
    return sorted(rates)[2]


def measure_case(runtime, rivals, case, seconds):
    """{who: seconds}. One that fails is left out, with its reason; not so ours."""
    times = {}
    ours = Chain(runtime, case)
    times["abn"] = measure(ours.run, seconds)
    ours.close()
    for name, rival in rivals.items():
        try:
            with rival.case(*CASES[case]) as run:
                times[name] = measure(run, seconds)
        except Unavailable as reason:
            print(f"{case}: without {name}: {reason}")
    return times


def report(runtime, case, times):
    moved = moved_bytes(case)
    rate = moved / times["abn"]
    others = "".join(f", {name} {seconds * 1e6:.0f} us ({seconds / times['abn']:.2f}x)"
                     for name, seconds in times.items() if name != "abn")
    share = rate / runtime.bandwidth if runtime.bandwidth else None
    of = "" if share is None else f" ({share:.0%} of the bandwidth)"
    print(f"{case}: {times['abn'] * 1e6:.0f} us, {rate / 1e9:.0f} GB/s{of}{others}", flush=True)
    return {"case": case, "bytes": moved, "share": share, "seconds": times}


def describe(cases, reason):
    print(f"nothing is measured: {reason}\n")
    print("On a machine with a GPU this compiles, for its chip, the kernels of a batch norm with leaky_relu, in place, forward\n"
          "and backward, for each of these tensors; runs them through libabn_runtime_cuda.so; and times beside them cuDNN's\n"
          "batch norm and ReLU (cudnnBatchNormalization{ForwardTraining,Backward}, cudnnActivation{Forward,Backward}) and\n"
          "PyTorch's batch_norm and leaky_relu. What the bandwidth of the data sheets allows, in microseconds:\n")
    print("| tensor | passes | MiB | " + " | ".join(BANDWIDTH) + " |\n|---|---|---|" + "---|" * len(BANDWIDTH))
    for case in cases:
        moved = moved_bytes(case)
        print(f"| {case} | {passes(*CASES[case])} | {moved / 2**20:.0f} | "
              + " | ".join(f"{moved / rate * 1e6:.0f}" for rate in BANDWIDTH.values()) + " |")


def find_rivals(runtime):
    rivals = {}
    # PyTorch first: it brings a cuDNN of its own, which is then the process's.
    for make in (Torch, Cudnn):
        try:
            rivals[make.NAME] = make(runtime)
        except Unavailable as reason:
            print(f"without {make.NAME}: {reason}")
    return rivals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="", help="a regular expression for the tensors")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement")
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    cases = [case for case in CASES if re.search(options.cases, case)]
    if not cases:
        parser.error(f"no tensor matches {options.cases}; there are: {', '.join(CASES)}")
    try:
        runtime = Runtime()
    except Unavailable as reason:
        describe(cases, reason)
        return 0
    known = f"{runtime.bandwidth / 1e9:.0f} GB/s" if runtime.bandwidth else "of a bandwidth that the driver does not tell"
    print(f"{runtime.name}, {runtime.chip}, {known}")
    try:
        rivals = find_rivals(runtime)
        rows = [report(runtime, case, measure_case(runtime, rivals, case, options.seconds)) for case in cases]
    except (Unavailable, mlir_exec.ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"gpu": runtime.name, "chip": runtime.chip, "bandwidth": runtime.bandwidth, "rows": rows}, file,
                      indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
