"""Compile MLIR text with upstream's own pipeline and call it with numpy arrays.

    results = run(text, ["--convert-dnn-to-linalg"], [x, w])          # @main
    program = compile_module(text, ["--convert-abn-to-linalg"])       # many functions, one compile
    results = program.call("conv3x3", [x, w])

`abn-opt` applies the given passes; what is left must parse with upstream's mlir-opt, which knows
none of the project's dialects, and goes through one-shot bufferization and loops to LLVM IR, clang
and ctypes. Functions take and return ranked tensors or memrefs with identity layout. Arguments are
converted to the declared element types; bf16 may be given as float (rounded to nearest even) or as
uint16 bit patterns, and comes back as float32. Arguments are copied: the compiled code may overwrite
its own copies. An `Owned` array is not: the code sees the caller's bytes.

The tools are looked up on PATH (lit sets it), those of LLVM also where llvm-config-22 says.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

import numpy as np

# Upstream passes from linalg on tensors to the LLVM dialect. Elementwise arith and math on tensors
# become linalg first.
LOWER_TO_LLVM = [
    "--convert-elementwise-to-linalg",
    "--one-shot-bufferize=bufferize-function-boundaries allow-return-allocs-from-loops "
    "function-boundary-type-conversion=identity-layout-map",
    "--canonicalize",
    "--cse",
    "--convert-linalg-to-loops",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--llvm-request-c-wrappers",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--convert-complex-to-standard",
    "--convert-index-to-llvm",
    "--arith-expand",
    "--memref-expand",
    "--convert-arith-to-llvm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm",
    "--convert-cf-to-llvm",
    "--convert-arith-to-llvm",
    "--reconcile-unrealized-casts",
]

NUMPY_TYPES = {
    "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": np.uint16,
    "i64": np.int64, "index": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8,
    "i1": np.bool_,
}


class ToolError(RuntimeError):
    """A tool failed; the message holds its command and what it said."""


def find_tool(name):
    """The path of a tool on PATH or beside LLVM's own."""
    path = shutil.which(name)
    if path is None and shutil.which("llvm-config-22"):
        bindir = subprocess.run(["llvm-config-22", "--bindir"], capture_output=True, text=True,
                                check=True).stdout.strip()
        path = shutil.which(name, path=bindir)
    if path is None:
        raise ToolError(f"cannot find {name} on PATH")
    return path


def tool(command, text=None):
    """Runs a tool on `text` (standard input) and returns what it prints."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command)[:200]}: exit {done.returncode}\n{done.stderr[:4000]}")
    return done.stdout


def abn_opt(text, passes):
    """What abn-opt prints for `text` behind `passes`."""
    return tool([find_tool("abn-opt"), *passes], text)


def to_bf16(values):
    """Bit patterns (uint16) of float values rounded to the nearest bf16, ties to even."""
    single = np.asarray(values, np.float32)
    bits = single.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(single), 0x7FC0, rounded).astype(np.uint16)


def from_bf16(bits):
    """The float32 values of bf16 bit patterns."""
    return (np.asarray(bits, np.uint16).astype(np.uint32) << 16).view(np.float32)


def round_to(values, element):
    """`values` rounded to an MLIR element type, in numpy's type for it (float32 for bf16)."""
    if element == "bf16":
        return from_bf16(to_bf16(values))
    return np.asarray(values).astype(NUMPY_TYPES[element])


def signatures(text):
    """{function: ([argument types], [result types])}, types as (rank, element), of generic IR."""
    found = {}
    for properties in re.findall(r'"func\.func"\(\) <\{(.*?)\}> \(\{', text, re.S):
        name = re.search(r'sym_name = "([^"]+)"', properties)[1]
        kind = re.search(r"function_type = \((.*?)\) -> (.*?)(?:, sym_|, res_attrs|$)",
                         properties, re.S)
        found[name] = tuple([tensor_type(t) for t in re.findall(r"(?:tensor|memref)<([^<>]*)>", part)]
                            for part in kind.groups())
    return found


def tensor_type(text):
    """(rank, element) of the inside of `tensor<...>` or `memref<...>`."""
    *sizes, element = text.split(",")[0].split("x")
    return len(sizes), element.strip()


class Owned:
    """An argument that the compiled code gets as it is: a contiguous array of the element type."""

    def __init__(self, array):
        self.array = array


class Program:
    """A compiled module; the shared library stays loaded until the process ends."""

    def __init__(self, library, types):
        self.library = ctypes.CDLL(library)
        self.types = types

    def call(self, name, args):
        """The results of function `name` as a list of arrays."""
        arg_types, result_types = self.types[name]
        if len(args) != len(arg_types):
            raise ValueError(f"@{name} takes {len(arg_types)} arguments, got {len(args)}")
        keep = [descriptor(value, kind) for value, kind in zip(args, arg_types)]
        results = np.zeros(sum(3 + 2 * rank for rank, _ in result_types), np.int64)
        pointers = [ctypes.c_void_p(memref.ctypes.data) for _, memref in keep]
        if result_types:
            pointers.insert(0, ctypes.c_void_p(results.ctypes.data))
        function = getattr(self.library, "_mlir_ciface_" + name)
        function.restype = None
        function(*pointers)
        out, position = [], 0
        for rank, element in result_types:
            out.append(read_memref(results[position:position + 3 + 2 * rank], rank, element))
            position += 3 + 2 * rank
        return out


def descriptor(value, kind):
    """A private, contiguous copy of `value` (itself if it is Owned) and the memref descriptor that
    names it."""
    rank, element = kind
    if isinstance(value, Owned):
        value = value.array
        if value.dtype != NUMPY_TYPES[element] or not value.flags.c_contiguous:
            raise ValueError(f"expected a contiguous array of {element}, got {value.dtype}")
        return value, memref_fields(value, rank)
    value = np.asarray(value)
    if element == "bf16" and value.dtype != np.uint16:
        value = to_bf16(value)
    value = np.array(value, dtype=NUMPY_TYPES[element], order="C", copy=True)
    return value, memref_fields(value, rank)


def memref_fields(value, rank):
    """The memref descriptor of an array."""
    if value.ndim != rank:
        raise ValueError(f"expected rank {rank}, got shape {value.shape}")
    strides = [s // value.itemsize for s in value.strides]
    address = value.ctypes.data
    return np.array([address, address, 0, *value.shape, *strides], np.int64)


def read_memref(fields, rank, element):
    """A copy of the array that a memref descriptor names."""
    shape = [int(s) for s in fields[3:3 + rank]]
    strides = [int(s) for s in fields[3 + rank:]]
    dtype = np.dtype(NUMPY_TYPES[element])
    if 0 in shape:
        return np.zeros(shape, dtype)
    count = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides))
    start = int(fields[1]) + int(fields[2]) * dtype.itemsize
    flat = np.frombuffer((ctypes.c_char * (count * dtype.itemsize)).from_address(start), dtype)
    view = np.lib.stride_tricks.as_strided(flat, shape, [s * dtype.itemsize for s in strides])
    return from_bf16(view) if element == "bf16" else view.copy()


def compile_module(text, passes=(), optimize="-O1", keep=None, cache=None):
    """A Program from MLIR text. `keep` names a directory for the intermediate files, `cache` one for
    compiled modules: what has been compiled before is loaded from there."""
    upstream = tool([find_tool("abn-opt"), *passes, "--mlir-print-op-generic",
                     "--mlir-print-local-scope"], text)
    with contextlib.ExitStack() as stack:
        if cache:
            key = content_hash(*LOWER_TO_LLVM, optimize, tool([find_tool("mlir-opt"), "--version"]),
                               upstream)
            library = os.path.join(cache, f"{key}.so")
            stack.enter_context(locked(library))
        else:
            folder = keep or stack.enter_context(tempfile.TemporaryDirectory())
            library = os.path.join(folder, "module.so")
        if not (cache and os.path.exists(library)):
            build_library(upstream, library, optimize, keep)
        load_runner_utils()
        return Program(library, signatures(upstream))


def build_library(upstream, library, optimize, keep):
    """Upstream-dialect text as a shared library."""
    with contextlib.ExitStack() as stack:
        folder = keep or stack.enter_context(tempfile.TemporaryDirectory())
        os.makedirs(folder, exist_ok=True)
        write(folder, "upstream.mlir", upstream)
        llvm_dialect = tool([find_tool("mlir-opt"), *LOWER_TO_LLVM], with_splat_ops(upstream))
        llvm_ir = write(folder, "module.ll",
                        tool([find_tool("mlir-translate"), "--mlir-to-llvmir"], llvm_dialect))
        partial = library + ".partial"
        tool([find_tool("clang"), optimize, "-march=native", "-shared", "-fPIC",
              "-Wno-override-module", llvm_ir, "-lm", "-o", partial])
        os.rename(partial, library)


def content_hash(*parts):
    """A file name for what is made of `parts` (text)."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@contextlib.contextmanager
def locked(path):
    """Holds the lock that belongs to a file of a cache: two tests may want to make it at the same
    time, and the second waits for the first."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


SPLAT = re.compile(r'(%\w+) = "arith\.constant"\(\) <\{value = dense<([^\[<>"]+)> : '
                   r'(tensor<([\dx]+)x((?:b?f)\d+)>)\}> : \(\) -> tensor<[^<>]*>')
LARGE_SPLAT = 4096


def with_splat_ops(text):
    """Large constants of one value as tensor.splat: LLVM IR would spell each of their elements."""
    def replace(match):
        name, value, kind, sizes, element = match.groups()
        if np.prod([int(size) for size in sizes.split("x")]) < LARGE_SPLAT:
            return match[0]
        scalar = f'%splat_{name[1:]} = "arith.constant"() <{{value = {value} : {element}}}> : () -> {element}'
        return f'{scalar}\n{name} = "tensor.splat"(%splat_{name[1:]}) : ({element}) -> {kind}'
    return SPLAT.sub(replace, text)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def load_runner_utils():
    """memrefCopy, which bufferization calls, lives in MLIR's runner library."""
    bindir = os.path.dirname(os.path.realpath(find_tool("mlir-opt")))
    ctypes.CDLL(os.path.join(bindir, "..", "lib", "libmlir_c_runner_utils.so"),
                mode=ctypes.RTLD_GLOBAL)


class DnnLibrary:
    """A runtime library that implements abn/Runtime/Dnn.h, loaded so that compiled modules find its functions:
    the one that ABN_DNN_LIBRARY names, or else the project's own on oneDNN."""

    def __init__(self):
        built = os.path.dirname(os.path.dirname(os.path.realpath(find_tool("abn-opt"))))
        path = os.environ.get("ABN_DNN_LIBRARY", os.path.join(built, "lib", "libabn_runtime_dnnl.so"))
        self.library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        self.library.abnDnnLastError.restype = ctypes.c_char_p

    def take_error(self):
        """The first error since the last call of this function, or None."""
        error = self.library.abnDnnLastError()
        self.library.abnDnnResetError()
        return error.decode() if error else None


def run(mlir_text, passes, args, function="main", **options):
    """Compiles `mlir_text` after `passes` of abn-opt and returns what `function` gives on `args`."""
    return compile_module(mlir_text, passes, **options).call(function, args)
