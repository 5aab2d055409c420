"""libabn_runtime_cuda.so on fakes of the driver, cuDNN and cuBLAS (Fake*.cpp).

    run = in_process(function, ABN_FAKE_FAIL="cuInit=100")     # function(runtime) in a fresh process
    run.value, run.log                                          # what it returned (JSON), the fakes' calls
"""

import ctypes
import dataclasses
import inspect
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Integration"))
import mlir_exec

LIB = pathlib.Path(os.environ.get("ABN_TEST_LIB") or
                   pathlib.Path(mlir_exec.find_tool("abn-opt")).resolve().parents[1] / "lib")
LIBRARY = str(LIB / "libabn_runtime_cuda.so")
FAKES = {"ABN_CUDA_LIBRARY": str(LIB / "fakes" / "libfake_cuda.so"),
         "ABN_CUDNN_LIBRARY": str(LIB / "fakes" / "libfake_cudnn.so"),
         "ABN_CUBLAS_LIBRARY": str(LIB / "fakes" / "libfake_cublas.so")}

POINTERS = ["mgpuModuleLoad", "mgpuModuleLoadJIT", "mgpuModuleGetFunction", "mgpuStreamCreate",
            "mgpuEventCreate", "mgpuMemAlloc"]


class Runtime:
    """The library in this process; pointers are numbers."""

    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
        for name in POINTERS:
            getattr(self.library, name).restype = ctypes.c_void_p
        for name in ["abnGpuLastError", "abnDnnLastError", "abnCudaReport"]:
            getattr(self.library, name).restype = ctypes.c_char_p

    def error(self):
        text = self.library.abnGpuLastError()
        return text and text.decode()

    def dnn_error(self):
        """Of the primitives; it is forgotten."""
        text = self.library.abnDnnLastError()
        self.library.abnDnnResetError()
        return text and text.decode()

    def report(self):
        return json.loads(self.library.abnCudaReport())

    def allocate(self, count):
        return self.library.mgpuMemAlloc(ctypes.c_uint64(count), None, ctypes.c_bool(False))

    def free(self, pointer):
        self.library.mgpuMemFree(ctypes.c_void_p(pointer), None)

    def copy(self, to, source, count, stream=None):
        self.library.mgpuMemcpy(ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(count),
                                ctypes.c_void_p(stream))

    def load(self, image):
        """A module of an image (bytes); the bytes stay where they are."""
        self.image = ctypes.create_string_buffer(image)
        return self.library.mgpuModuleLoad(self.image, ctypes.c_size_t(len(image)))

    def get_function(self, module, name):
        return self.library.mgpuModuleGetFunction(ctypes.c_void_p(module), name.encode())

    def launch(self, function, grid=(1, 1, 1), block=(1, 1, 1), shared=0, stream=None, arguments=None):
        sizes = map(ctypes.c_int64, (*grid, *block))
        self.library.mgpuLaunchKernel(ctypes.c_void_p(function), *sizes, ctypes.c_int32(shared),
                                      ctypes.c_void_p(stream), arguments, None, ctypes.c_size_t(0))

    def primitive(self, name, descriptor, *arrays, workspace=None, stream=None):
        """Calls abnDnn...; arrays are numpy's, or None. The error, or None."""
        address = lambda a: ctypes.c_void_p(None if a is None else a.ctypes.data)
        getattr(self.library, name)(
            address(descriptor), *map(address, arrays), address(workspace),
            ctypes.c_int64(0 if workspace is None else workspace.nbytes), ctypes.c_void_p(stream))
        return self.dnn_error()


@dataclasses.dataclass
class Run:
    value: object
    log: list


def in_process(function, **environment):
    """Runs `function(runtime)` of the calling file in a process of its own, with the fakes and what else the
    environment is to hold; None takes a variable away."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        settings = {**os.environ, **FAKES, "ABN_FAKE_LOG": log, **environment}
        done = subprocess.run(
            [sys.executable, str(HERE / "cuda_runtime.py"), inspect.getfile(function), function.__name__],
            env={name: value for name, value in settings.items() if value is not None},
            capture_output=True, text=True)
        assert done.returncode == 0, f"{function.__name__} {environment}: exit {done.returncode}\n{done.stderr}"
        assert not done.stderr, done.stderr
        lines = open(log).read().splitlines() if os.path.exists(log) else []
        return Run(json.loads(done.stdout), lines)


def main():
    path, name = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(path).parent))
    module = __import__(pathlib.Path(path).stem)
    print(json.dumps(getattr(module, name)(Runtime())))


if __name__ == "__main__":
    main()
