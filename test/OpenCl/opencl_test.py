"""The kernels of abn-to-gpu{target=spirv} on an OpenCL device (`./dev test --opencl` installs Intel's runtime for
the CPU), against the f64 reference: every activation x element type, groups of one and of several channels."""

import ctypes
import os
import pathlib
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Integration"))
import mlir_exec
from abn_cases import arguments, compare
from abn_programs import Chain
from abn_reference import ACTIVATIONS, INVERTIBLE, statistics_type

# The folder of libOpenCL.so and the device's driver.
LIBRARIES = os.environ["ABN_OPENCL_LIBRARIES"]


class OpenClProgram:
    """Chains (abn_programs.py), called as GpuProgram's are."""

    def __init__(self, chains):
        self.chains = {chain.name: chain for chain in chains}
        text = "".join(chain.buffers_text() for chain in chains)
        host = mlir_exec.abn_opt(text, ["--llvm-request-c-wrappers", "--abn-to-gpu=target=spirv"])
        with tempfile.TemporaryDirectory() as folder:
            source = mlir_exec.write(folder, "host.ll", mlir_exec.tool(
                [mlir_exec.find_tool("mlir-translate"), "--mlir-to-llvmir"], host))
            library = os.path.join(folder, "host.so")
            mlir_exec.tool([mlir_exec.find_tool("clang"), "-O1", "-shared", "-fPIC", "-Wall",
                            "-Wno-override-module", source, str(HERE / "host_abi.c"),
                            f"-L{LIBRARIES}", f"-Wl,-rpath,{LIBRARIES}", "-l:libOpenCL.so.1", "-o", library])
            self.library = ctypes.CDLL(library)
        self.library.openClDevice.restype = self.library.openClError.restype = ctypes.c_char_p
        self.library.mgpuMemAlloc.restype = ctypes.c_void_p
        self.device = self.library.openClDevice()

    def call(self, name, args):
        """z, mean, variance, dx, dgamma, dbeta."""
        chain = self.chains[name]
        data, statistics = chain.dtype, statistics_type(chain.dtype)
        full, vector = np.zeros(args[0].shape), np.zeros(args[0].shape[chain.channel])
        values = [*args, full, full, *[vector] * 4, full, full]
        types = ([data] * 3 + [statistics, data] + [statistics] * 2 + [data] * 2 + [statistics] * 4
                 + [data] * 2)
        arrays = [self.upload(value, kind) for value, kind in zip(values, types)]
        function = getattr(self.library, "_mlir_ciface_" + name)
        function.restype = None
        function(*(ctypes.c_void_p(descriptor.ctypes.data) for _, descriptor in arrays))
        if error := self.library.openClError():
            raise RuntimeError(f"{name}: {error.decode()}")
        x, dz, _, _, _, _, _, z, dx, mean, variance, dgamma, dbeta, _, _ = (
            self.take(*array, kind) for array, kind in zip(arrays, types))
        return [x if chain.is_in_place else z, mean, variance, dz if chain.is_in_place else dx, dgamma, dbeta]

    def upload(self, value, kind):
        """An array in device memory, and the memref descriptor that names it."""
        array = (mlir_exec.to_bf16(value) if kind == "bf16"
                 else np.ascontiguousarray(value, mlir_exec.NUMPY_TYPES[kind]))
        address = self.library.mgpuMemAlloc(ctypes.c_uint64(array.nbytes), None, ctypes.c_bool(False))
        ctypes.memmove(address, array.ctypes.data, array.nbytes)
        strides = [stride // array.itemsize for stride in array.strides]
        return array, np.array([address, address, 0, *array.shape, *strides], np.int64)

    def take(self, array, descriptor, kind):
        result = np.empty_like(array)
        ctypes.memmove(result.ctypes.data, int(descriptor[1]), array.nbytes)
        self.library.mgpuMemFree(ctypes.c_void_p(int(descriptor[0])), None)
        return mlir_exec.from_bf16(result) if kind == "bf16" else result


SHAPES = [((4, 6, 5, 7), 1), ((4, 5, 7, 16), 3), ((16, 64, 7, 7), 1), ((4, 20, 24, 24), 1), ((100, 33), 1)]


def main():
    for dtype in ("f32", "f16", "bf16"):
        policy = "trust" if dtype != "f32" else ""
        chains = [Chain(f"inplace_{name}_{dtype}", name, dtype, (4, 6, 5, 7), policy=policy) for name in INVERTIBLE]
        chains += [Chain(f"plain_{name}_{dtype}", name, dtype, (4, 5, 7, 16), 3, "out_of_place")
                   for name in ACTIVATIONS]
        chains += [Chain(f"shape_{i}_{tiling[-5:]}_{dtype}", "leaky_relu", dtype, shape, channel, policy=policy,
                         tiling=tiling)
                   for i, (shape, channel) in enumerate(SHAPES) for tiling in ("", "splits = 3 : i64, fused = false")]
        program = OpenClProgram(chains)
        assert program.device, "no OpenCL device"
        shares = [compare(chain, program, arguments(chain, number)) for number, chain in enumerate(chains)]
        print(f"{program.device.decode()}, {dtype}: {len(chains)} functions; largest share of a bound "
              f"{max(shares):.2f}, median {np.median(shares):.2f}")


main()
