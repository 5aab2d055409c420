"""Runs kernels on the emulator: a module of kernels through abn-to-gpu, its host code as a shared library,
both called with numpy arrays.

    module = Module(KERNELS)                      # the text of `gpu.func`s
    run = module.run("scale", grid=4, block=256, arrays=[x])      # arrays are copied in and out
                                                                  # (4 is short for (4, 1, 1))
    run.arrays, run.error, run.report

Each kernel takes memrefs of one dynamic dimension. The host function that launches it copies the arrays to
device memory, launches, and copies them back.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Integration"))
import mlir_exec

FORWARD, REVERSE, RANDOM = range(3)
# (name, schedule, seed): what a test runs under, unless it says otherwise.
SCHEDULES = [("forward", FORWARD, 0), ("reverse", REVERSE, 0), ("random 1", RANDOM, 1),
             ("random 2", RANDOM, 2)]
OFFLOAD = "chips=sm_80 format=offload"
# The folder of a CUDA toolkit, if there is one. The compiler is not to find it by itself.
TOOLKIT = os.environ.get("ABN_CUDA_TOOLKIT")
for variable in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"):
    os.environ.pop(variable, None)


def load_emulator():
    # Host modules find the host ABI in what was loaded first: another library, whose GPU is this emulator.
    if other := os.environ.get("ABN_GPU_LIBRARY"):
        ctypes.CDLL(other, mode=ctypes.RTLD_GLOBAL)
    build = os.path.dirname(os.path.dirname(os.path.realpath(mlir_exec.find_tool("abn-opt"))))
    library = ctypes.CDLL(os.path.join(build, "lib", "libabn_runtime_emulator.so"),
                          mode=ctypes.RTLD_GLOBAL)
    library.abnEmulatorFirstError.restype = ctypes.c_char_p
    library.abnEmulatorReport.restype = ctypes.c_char_p
    library.abnEmulatorErrorCount.restype = ctypes.c_uint64
    library.abnEmulatorHighWaterBytes.restype = ctypes.c_uint64
    library.mgpuMemAlloc.restype = ctypes.c_void_p
    library.mgpuModuleLoad.restype = ctypes.c_void_p
    library.mgpuModuleLoadJIT.restype = ctypes.c_void_p
    library.mgpuModuleGetFunction.restype = ctypes.c_void_p
    return library


EMULATOR = load_emulator()


def set_schedule(schedule, seed=0):
    EMULATOR.abnEmulatorSetSchedule(ctypes.c_int(schedule), ctypes.c_uint64(seed))


def reset():
    EMULATOR.abnEmulatorReset()


def report():
    return json.loads(EMULATOR.abnEmulatorReport())


def first_error():
    return EMULATOR.abnEmulatorFirstError().decode()


@dataclasses.dataclass
class Run:
    arrays: list
    error: str
    report: dict

    @property
    def kernel(self):
        """The counters of the one kernel that ran."""
        [kernel] = self.report["kernels"]
        return kernel


def signatures(kernels):
    """{kernel: [element types of its memrefs]}."""
    found = {}
    for name, arguments in re.findall(r"gpu\.func @(\w+)\(([^)]*)\)", kernels):
        found[name] = re.findall(r"memref<\?x(\w+)>", arguments)
    return found


def host_function(name, elements):
    """@run_NAME(memrefs, 3 numbers of blocks, 3 of threads, bytes of dynamic workgroup memory)."""
    types = [f"memref<?x{element}>" for element in elements]
    arguments = "".join(f"%h{i}: {kind}, " for i, kind in enumerate(types))
    body, token = ["%c0 = arith.constant 0 : index", "%t0 = gpu.wait async"], 0

    def step(text):
        nonlocal token
        body.append(text.format(new=f"%t{token + 1}", old=f"%t{token}"))
        token += 1

    for i, kind in enumerate(types):
        body.append(f"%n{i} = memref.dim %h{i}, %c0 : {kind}")
        step(f"%d{i}, {{new}} = gpu.alloc async [{{old}}] (%n{i}) : {kind}")
        step(f"{{new}} = gpu.memcpy async [{{old}}] %d{i}, %h{i} : {kind}, {kind}")
    operands = ", ".join(f"%d{i} : {kind}" for i, kind in enumerate(types))
    step(f"{{new}} = gpu.launch_func async [{{old}}] @kernels::@{name} blocks in (%gx, %gy, %gz) "
         f"threads in (%bx, %by, %bz) dynamic_shared_memory_size %s args({operands})")
    for i, kind in enumerate(types):
        step(f"{{new}} = gpu.memcpy async [{{old}}] %h{i}, %d{i} : {kind}, {kind}")
        step(f"{{new}} = gpu.dealloc async [{{old}}] %d{i} : {kind}")
    body.append(f"gpu.wait [%t{token}]")
    lines = "\n    ".join(body)
    shape = ", ".join(f"%{name}{axis}: index" for name in "gb" for axis in "xyz")
    return f"""
  func.func @run_{name}({arguments}{shape}, %s: i32) {{
    {lines}
    return
  }}"""


def build(text, options, keep=None):
    """MLIR text with launches as a loaded shared library."""
    with tempfile.TemporaryDirectory() as folder:
        source = mlir_exec.write(folder, "kernels.mlir", text)
        host = mlir_exec.tool([mlir_exec.find_tool("abn-opt"), source, "--llvm-request-c-wrappers",
                               f"--abn-to-gpu={options}"])
        llvm_ir = mlir_exec.write(
            folder, "host.ll",
            mlir_exec.tool([mlir_exec.find_tool("mlir-translate"), "--mlir-to-llvmir"], host))
        library = os.path.join(folder, "host.so")
        mlir_exec.tool([mlir_exec.find_tool("clang"), "-O1", "-shared", "-fPIC",
                        "-Wno-override-module", llvm_ir, "-o", library])
        return ctypes.CDLL(library)


def to_dim3(extent):
    return extent if isinstance(extent, tuple) else (extent, 1, 1)


class Module:
    def __init__(self, kernels, instrument=True, options=OFFLOAD):
        self.elements = signatures(kernels)
        hosts = "".join(host_function(name, kinds) for name, kinds in self.elements.items())
        text = f"""module attributes {{gpu.container_module}} {{
  gpu.module @kernels {{
{kernels}
  }}{hosts}
}}
"""
        self.source = text.splitlines()
        reset()
        self.library = build(text, f"{options} instrument={'true' if instrument else 'false'}")
        self.load_error = first_error()

    def launch(self, name, arrays, grid, block, dynamic_bytes=0):
        """The arrays after one launch."""
        copies = [mlir_exec.descriptor(array, (1, element))
                  for array, element in zip(arrays, self.elements[name], strict=True)]
        function = getattr(self.library, f"_mlir_ciface_run_{name}")
        function.restype = None
        function(*(ctypes.c_void_p(memref.ctypes.data) for _, memref in copies),
                 *map(ctypes.c_int64, to_dim3(grid) + to_dim3(block)),
                 ctypes.c_int32(dynamic_bytes))
        return [mlir_exec.from_bf16(values) if element == "bf16" else values
                for (values, _), element in zip(copies, self.elements[name])]

    def run(self, name, arrays, grid, block, dynamic_bytes=0, schedule=FORWARD, seed=0):
        """One launch after a reset."""
        reset()
        set_schedule(schedule, seed)
        results = self.launch(name, arrays, grid, block, dynamic_bytes)
        return Run(results, first_error(), report())
