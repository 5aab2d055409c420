"""Chains (abn_programs.py) as gpu kernels on the emulator, called as mlir_exec's programs are.

    program = GpuProgram(chains)
    z, mean, variance, dx, dgamma, dbeta = program.call(name, args)
    program.report        # the emulator's counters of that call
"""

import ctypes
import os
import sys

import numpy as np

import mlir_exec
from abn_reference import statistics_type

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Runtime", "Emulator"))
import emulator
from emulator import EMULATOR, SCHEDULES


class EmulatorError(RuntimeError):
    """What the emulator found."""


def offload(chip, instrument=True):
    """Options of abn-to-gpu: kernels for `chip`, for the emulator; `sm_80+polynomials` is without libdevice's
    functions."""
    chip, _, polynomials = chip.partition("+")
    target = {"s": "cuda", "g": "rocm", "o": "spirv"}[chip[0]]
    toolkit = f" toolkit={os.environ['ABN_ROCM_TOOLKIT']}" if target == "rocm" else ""
    return (f"target={target} chips={chip} format=offload{toolkit}{' expand-math=true' if polynomials else ''} "
            f"instrument={'true' if instrument else 'false'}")


class DeviceArray:
    """A copy of an array in device memory, `shift` bytes behind an aligned address."""

    def __init__(self, array, shift=0):
        self.shape, self.dtype, self.bytes = array.shape, array.dtype, array.nbytes
        self.block = EMULATOR.mgpuMemAlloc(ctypes.c_uint64(self.bytes + shift), None, ctypes.c_bool(False))
        self.address = self.block + shift
        copy(self.address, array.ctypes.data, self.bytes)

    def descriptor(self):
        strides = [int(np.prod(self.shape[i + 1:])) for i in range(len(self.shape))]
        return np.array([self.address, self.address, 0, *self.shape, *strides], np.int64)

    def take(self):
        """The array; the device memory is freed."""
        array = np.empty(self.shape, self.dtype)
        copy(array.ctypes.data, self.address, self.bytes)
        EMULATOR.mgpuMemFree(ctypes.c_void_p(self.block), None)
        return array


class GpuStep:
    """A planned training step (MLIR text on memrefs, its arena in device memory) with its kernels on the
    emulator and its primitives in the runtime's library. `image` says how the kernels are compiled
    if not for the emulator."""

    def __init__(self, planned, chip="sm_80", instrument=True, image=None):
        self.types = mlir_exec.signatures(
            mlir_exec.tool([mlir_exec.find_tool("abn-opt"), "--mlir-print-op-generic",
                            "--mlir-print-local-scope"], planned))
        emulator.reset()
        self.dnn = mlir_exec.DnnLibrary()
        options = f"chips={chip} {image} instrument={'true' if instrument else 'false'}"
        self.library = emulator.build(planned, options if image else offload(chip, instrument))
        if emulator.first_error():
            raise EmulatorError(emulator.first_error())

    def call(self, name, args):
        """The results, copied from the device; `self.taken_bytes` is what the step allocated beside its
        arguments. Raises EmulatorError."""
        argument_types, result_types = self.types[name]
        emulator.reset()
        arrays = [DeviceArray(to_array(value, kind)) for value, (_, kind) in zip(args, argument_types)]
        before = EMULATOR.abnEmulatorHighWaterBytes()
        descriptors = [array.descriptor() for array in arrays]
        results = np.zeros(sum(3 + 2 * rank for rank, _ in result_types), np.int64)
        function = getattr(self.library, "_mlir_ciface_" + name)
        function.restype = None
        function(ctypes.c_void_p(results.ctypes.data),
                 *(ctypes.c_void_p(each.ctypes.data) for each in descriptors))
        if error := emulator.first_error() or self.dnn.take_error():
            emulator.reset()
            raise EmulatorError(error)
        self.report = emulator.report()
        self.taken_bytes = EMULATOR.abnEmulatorHighWaterBytes() - before
        out, position = [], 0
        for rank, kind in result_types:
            out.append(take(results[position:position + 3 + 2 * rank], rank, kind))
            position += 3 + 2 * rank
        for array in arrays:
            array.take()
        return out


def take(fields, rank, kind):
    """The contiguous device array that a memref descriptor names."""
    array = np.empty([int(size) for size in fields[3:3 + rank]], mlir_exec.NUMPY_TYPES[kind])
    strides = [int(stride) * array.itemsize for stride in fields[3 + rank:]]
    assert array.size <= 1 or strides == list(array.strides), "expected a contiguous result"
    copy(array.ctypes.data, int(fields[1]) + int(fields[2]) * array.itemsize, array.nbytes)
    return from_array(array, kind)


def copy(to, source, count):
    EMULATOR.mgpuMemcpy(ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(count), None)


class GpuProgram:
    def __init__(self, chains, chip="sm_80", instrument=True):
        self.chains = {chain.name: chain for chain in chains}
        emulator.reset()
        self.library = emulator.build(
            "".join(chain.buffers_text() for chain in chains),
            offload(chip, instrument))
        if emulator.first_error():
            raise EmulatorError(emulator.first_error())
        self.shift, self.report = 0, None

    def call(self, name, args):
        """z, mean, variance, dx, dgamma, dbeta; raises EmulatorError. `self.shift` bytes are added to
        the addresses of full-size memrefs."""
        chain = self.chains[name]
        data, statistics = chain.dtype, statistics_type(chain.dtype)
        full, vector = np.zeros(args[0].shape), np.zeros(args[0].shape[chain.channel])
        values = [*args, full, full, *[vector] * 4, full, full]
        types = [data] * 3 + [statistics, data] + [statistics] * 2 + [data] * 2 + [statistics] * 4 + [data] * 2
        emulator.reset()
        arrays = [DeviceArray(to_array(value, kind), self.shift if np.ndim(value) > 1 else 0)
                  for value, kind in zip(values, types)]
        descriptors = [array.descriptor() for array in arrays]
        function = getattr(self.library, "_mlir_ciface_" + name)
        function.restype = None
        function(*(ctypes.c_void_p(each.ctypes.data) for each in descriptors))
        error, self.report = emulator.first_error(), emulator.report()
        emulator.reset()
        x, dz, _, _, _, _, _, z, dx, mean, variance, dgamma, dbeta, _, _ = (
            from_array(array.take(), kind) for array, kind in zip(arrays, types))
        if error:
            raise EmulatorError(f"{name} {args[0].shape}: {error}")
        if chain.is_in_place:
            z, dx = x, dz
        if "frozen" in chain.kind:
            mean, variance = args[5], args[6]
        return [z, mean, variance, dx, dgamma, dbeta]


def to_array(value, kind):
    if kind == "bf16":
        return mlir_exec.to_bf16(value)
    return np.ascontiguousarray(value, mlir_exec.NUMPY_TYPES[kind])


def from_array(array, kind):
    return mlir_exec.from_bf16(array) if kind == "bf16" else array


def schedules(count=3):
    """Sets each of the emulator's schedules and yields its name."""
    for name, schedule, seed in SCHEDULES[:count]:
        emulator.set_schedule(schedule, seed)
        yield name
