"""What can fail, provoked through fakes of the driver, cuDNN and cuBLAS: each time a message with the call, the
code, its name and what to do, and a process that goes on."""

import ctypes
import os
import sys

import numpy as np

import cuda_runtime
from cuda_runtime import in_process

F32 = 1
MACHINE_CODE = b"\x7fELF of some chip"


def convolution():
    """1x1 windows over an image of 1x4x4, to 1 filter."""
    return np.array([1, F32, 0, 2, 1, 1, 1, 1, 4, 4, 1, 1, 1, 1, 4, 4, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1])


def matmul():
    """2x2 times 2x2."""
    return np.array([1, F32, F32, 0, 1, 2, 2, 2, 0, 0, 2, 2, 2, 0, 0, 0])


def expect(error, *parts):
    assert error and all(part in error for part in parts), f"expected {parts}, got {error}"


#===------------------------------------------------------------------------------------------------------===
# The host ABI
#===------------------------------------------------------------------------------------------------------===


def use_all(runtime):
    """Every function of the host ABI, as a step calls them that knows nothing of errors."""
    x = np.zeros(16, np.float32)
    library = runtime.library
    module = runtime.load(MACHINE_CODE)
    function = runtime.get_function(module, "kernel")
    stream = ctypes.c_void_p(library.mgpuStreamCreate())
    event = ctypes.c_void_p(library.mgpuEventCreate())
    memory = runtime.allocate(16)
    runtime.copy(memory, x.ctypes.data, 16)
    library.mgpuMemset32(ctypes.c_void_p(memory), ctypes.c_uint(0), ctypes.c_size_t(4), stream)
    library.mgpuMemset16(ctypes.c_void_p(memory), ctypes.c_ushort(0), ctypes.c_size_t(4), stream)
    runtime.launch(function, stream=stream.value)
    library.mgpuEventRecord(event, stream)
    library.mgpuStreamWaitEvent(stream, event)
    library.mgpuEventSynchronize(event)
    library.mgpuMemHostRegister(ctypes.c_void_p(x.ctypes.data), ctypes.c_uint64(16))
    library.mgpuMemHostUnregister(ctypes.c_void_p(x.ctypes.data))
    library.mgpuStreamSynchronize(stream)
    runtime.free(memory)
    library.mgpuEventDestroy(event)
    library.mgpuStreamDestroy(stream)
    library.mgpuModuleUnload(ctypes.c_void_p(module))
    dnn = runtime.primitive("abnDnnConvolution", convolution(), x, x, None, x)
    return [runtime.error(), dnn]


def test_nothing_fails():
    run = in_process(use_all)
    assert run.value == [None, None], run.value
    assert run.log[0] == "cuModuleLoadDataEx machine code" and run.log[1] == "cuStreamCreate 0 stream 1", run.log


def test_no_driver():
    error, dnn = in_process(use_all, ABN_CUDA_LIBRARY="/nowhere/libcuda.so.1").value
    expect(error, "mgpuModuleLoad: /nowhere/libcuda.so.1: cannot open shared object file",
           "install NVIDIA's driver, or run the step on the emulator")
    expect(dnn, "abnDnnConvolution(f32, channels first, batch 1", "not done, because an earlier call failed: mgpu")


def test_default_driver():
    """Without a variable the system's driver is meant. This says what the machine has."""
    error, _ = in_process(use_all, ABN_CUDA_LIBRARY=None).value
    print("  this machine's own driver:", error)
    assert error is None or "libcuda.so.1" in error or "error" in error, error


def test_no_device():
    error, _ = in_process(use_all, ABN_FAKE_FAIL="cuInit=100").value
    expect(error, "mgpuModuleLoad: cuInit: error 100 (CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected)",
           "nvidia-smi", "CUDA_VISIBLE_DEVICES")


def test_driver_mismatch():
    error, _ = in_process(use_all, ABN_FAKE_FAIL="cuInit=803").value
    expect(error, "cuInit: error 803 (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "kernel module")


def test_stub():
    """The toolkit's stub of the driver, where there is one: it links and loads, and says what it is."""
    toolkit = os.environ.get("ABN_CUDA_TOOLKIT", "/usr/local/cuda")
    stub = os.path.join(toolkit, "lib64", "stubs", "libcuda.so")
    if not os.path.exists(stub):
        print(f"  not tried: no {stub}")
        return
    error, _ = in_process(use_all, ABN_CUDA_LIBRARY=stub).value
    expect(error, "cuInit: error 34 (CUDA_ERROR_STUB_LIBRARY", "install the driver, and take the folder `stubs` out")


def test_old_driver():
    old = cuda_runtime.FAKES["ABN_CUDA_LIBRARY"].replace("libfake_cuda", "libfake_cuda_old")
    error, _ = in_process(use_all, ABN_CUDA_LIBRARY=old).value
    expect(error, "libfake_cuda_old.so has no function cuMemHostUnregister: the driver is older than CUDA 11.0")


def use_second_device(runtime):
    runtime.library.mgpuSetDefaultDevice(ctypes.c_int32(1))
    runtime.allocate(16)
    return runtime.error()


def test_device_number():
    expect(in_process(use_second_device).value,
           "mgpuMemAlloc: cuDeviceGet of GPU 1: error 101 (CUDA_ERROR_INVALID_DEVICE", "no GPU of that number")


def test_out_of_memory():
    error, _ = in_process(use_all, ABN_FAKE_FAIL="cuMemAlloc_v2=2").value
    expect(error, "mgpuMemAlloc: cuMemAlloc of 16 bytes: error 2 (CUDA_ERROR_OUT_OF_MEMORY: out of memory): "
           "3 MiB of 81920 MiB are free; plan with a budget")


def test_images():
    for code, parts in [
            (209, ["error 209 (CUDA_ERROR_NO_BINARY_FOR_GPU", "no code for this GPU (sm_90, Fake GPU)", "chips="]),
            (222, ["error 222 (CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "update the driver", "format=fatbin"]),
            (218, ["error 218 (CUDA_ERROR_INVALID_PTX", "ptxas fatal: line 1"])]:
        run = in_process(use_all, ABN_FAKE_FAIL=f"cuModuleLoadDataEx={code}")
        expect(run.value[0], "mgpuModuleLoad: cuModuleLoadDataEx: ", *parts)
        # Nothing is computed without its kernels.
        assert not [line for line in run.log if line.startswith(("cuLaunch", "cuMemcpy", "cuMemset", "cudnn"))], run.log
    error, _ = in_process(use_all, ABN_FAKE_FAIL="cuModuleGetFunction=500").value
    expect(error, "mgpuModuleGetFunction: cuModuleGetFunction of kernel: error 500 (CUDA_ERROR_NOT_FOUND")


def test_failing_kernels():
    run = in_process(use_all, ABN_FAKE_FAIL="cuLaunchKernel=719")
    expect(run.value[0], "mgpuLaunchKernel: cuLaunchKernel of (1, 1, 1) blocks of (1, 1, 1) threads with 0 bytes of "
           "dynamic shared memory: error 719 (CUDA_ERROR_LAUNCH_FAILED", "can use the GPU no more", "emulator")
    # A kernel fails while it runs: a later call is told.
    run = in_process(use_all, ABN_FAKE_FAIL="cuStreamSynchronize=700")
    expect(run.value[0], "mgpuStreamSynchronize: cuStreamSynchronize: error 700 (CUDA_ERROR_ILLEGAL_ADDRESS",
           "a kernel that was launched before failed")


def launch_badly(runtime):
    function = runtime.get_function(runtime.load(MACHINE_CODE), "kernel")
    errors = []
    for shape in [dict(grid=(-1, 1, 1)), dict(block=(1, 1 << 40, 1)), dict(shared=-1)]:
        runtime.launch(function, **shape)
        errors.append(runtime.error())
        runtime.library.abnGpuResetError()
    # Nothing to do.
    runtime.launch(function, grid=(0, 1, 1), block=(32, 1, 1))
    runtime.launch(function, grid=(7, 5, 3), block=(32, 4, 2), shared=100000)
    return errors + [runtime.error()]


def test_launch_shapes():
    run = in_process(launch_badly)
    expect(run.value[0], "mgpuLaunchKernel: expected a grid from 1 to 2147483647, got -1")
    expect(run.value[1], "expected a block from 1 to 2147483647, got 1099511627776")
    expect(run.value[2], "expected dynamic shared memory of 0 bytes or more, got -1")
    assert run.value[3] is None
    assert run.log[1:] == ["cuFuncSetAttribute kernel 8 100000",
                           "cuLaunchKernel kernel grid 7,5,3 block 32,4,2 shared 100000 stream 0"], run.log


def launch_clusters(runtime):
    function = runtime.get_function(runtime.load(MACHINE_CODE), "kernel")
    runtime.library.mgpuLaunchClusterKernel(
        ctypes.c_void_p(function), *map(ctypes.c_int64, (2, 1, 1, 8, 1, 1, 64, 1, 1)), ctypes.c_int32(0), None, None,
        None, ctypes.c_size_t(0))
    return runtime.error()


def test_clusters():
    run = in_process(launch_clusters)
    assert run.value is None and run.log[1:] == [
        "attribute 4 2,1,1", "cuLaunchKernelEx kernel grid 8,1,1 block 64,1,1 shared 0 stream 0"], run.log


def recover(runtime):
    """The first error is kept, for other threads too; after a reset everything works again."""
    import threading
    os.environ["ABN_FAKE_FAIL"] = "cuMemAlloc_v2=2"
    runtime.allocate(16)
    os.environ["ABN_FAKE_FAIL"] = "cuStreamCreate=1"
    runtime.library.mgpuStreamCreate()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(runtime.error()))
    thread.start()
    thread.join()
    os.environ["ABN_FAKE_FAIL"] = ""
    runtime.library.abnGpuResetError()
    x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    memory = runtime.allocate(16)
    runtime.copy(memory, x.ctypes.data, 16)
    runtime.copy(y.ctypes.data, memory, 16)
    return [seen[0], runtime.error(), y.tolist()]


def test_reset():
    seen, error, copied = in_process(recover).value
    expect(seen, "mgpuMemAlloc: cuMemAlloc of 16 bytes")
    assert error is None and copied == [0, 1, 2, 3], (error, copied)


def unload_at_the_end(runtime):
    module = runtime.load(MACHINE_CODE)
    os.environ["ABN_FAKE_FAIL"] = "cuDeviceGet=4,cuCtxPushCurrent_v2=4,cuModuleUnload=4"
    runtime.library.mgpuModuleUnload(ctypes.c_void_p(module))
    return runtime.error()


def test_unload_at_the_end():
    """Global destructors may run after the driver's own."""
    assert in_process(unload_at_the_end).value is None
    expect(in_process(use_all, ABN_FAKE_FAIL="cuModuleUnload=400").value[0], "mgpuModuleUnload", "error 400")


#===------------------------------------------------------------------------------------------------------===
# Primitives
#===------------------------------------------------------------------------------------------------------===


def use_primitives(runtime):
    """[gpu error, of a convolution, of a product]"""
    x = np.zeros(64, np.float32)
    return [runtime.primitive("abnDnnConvolution", convolution(), x, x, None, x),
            runtime.primitive("abnDnnMatmul", matmul(), x, x, x), runtime.error()]


def test_cudnn():
    for environment, parts in [
            (dict(ABN_CUDNN_LIBRARY="/nowhere/libcudnn.so.9"),
             ["/nowhere/libcudnn.so.9: cannot open shared object file", "install cuDNN", "ABN_CUDNN_LIBRARY"]),
            (dict(ABN_CUDNN_LIBRARY=cuda_runtime.FAKES["ABN_CUBLAS_LIBRARY"]),
             ["libfake_cublas.so has no function cudnnCreate: expected cuDNN 8 or 9"]),
            (dict(ABN_FAKE_FAIL="cudnnCreate=1001"),
             ["cudnnCreate: status 1001 (CUDNN_STATUS_NOT_INITIALIZED)"]),
            (dict(ABN_FAKE_FAIL="cudnnGetConvolutionForwardAlgorithm_v7=2000"),
             ["the query of cuDNN's algorithms: status 2000 (CUDNN_STATUS_BAD_PARAM)"]),
            (dict(ABN_FAKE_FAIL="cudnnConvolutionForward=5000"),
             ["cudnnConvolutionForward with algorithm 1: status 5000 (CUDNN_STATUS_EXECUTION_FAILED)"]),
            (dict(ABN_FAKE_FAIL="cudnnConvolutionForward=5000", ABN_FAKE_CUDNN_DETAILS="why it failed"),
             ["status 5000 (CUDNN_STATUS_EXECUTION_FAILED): why it failed"]),
            (dict(ABN_FAKE_FAIL="own cuModuleLoadDataEx=222", ABN_FAKE_CUDNN_UNSUPPORTED="1"),
             ["cuModuleLoadDataEx of the runtime's kernels: error 222"]),
            (dict(ABN_FAKE_FAIL="cuMemAlloc_v2=2"),
             ["cuMemAlloc of a workspace of 100000 bytes: error 2 (CUDA_ERROR_OUT_OF_MEMORY"]),
            (dict(ABN_CUDA_WORKSPACE_MIB="many"), ["in ABN_CUDA_WORKSPACE_MIB, got many"]),
            (dict(ABN_CUDA_ALLOW_TF32="2"), ["expected 0 or 1 in ABN_CUDA_ALLOW_TF32, got 2"])]:
        convolved, _, gpu = in_process(use_primitives, **environment).value
        expect(convolved, "abnDnnConvolution(f32, channels first, batch 1, channels 1, input 4x4", *parts)
        assert gpu is None, gpu
    assert in_process(use_primitives).value == [None] * 3


def test_cublas():
    for environment, parts in [
            (dict(ABN_CUBLAS_LIBRARY="/nowhere/libcublas.so.13"),
             ["/nowhere/libcublas.so.13: cannot open", "install cuBLAS", "ABN_CUBLAS_LIBRARY"]),
            (dict(ABN_FAKE_FAIL="cublasCreate_v2=3"),
             ["cublasCreate: status 3 (CUBLAS_STATUS_ALLOC_FAILED: the fake's text)"]),
            (dict(ABN_FAKE_FAIL="cublasGemmStridedBatchedEx=13"),
             ["cublasGemmStridedBatchedEx: status 13 (CUBLAS_STATUS_EXECUTION_FAILED"])]:
        _, multiplied, gpu = in_process(use_primitives, **environment).value
        expect(multiplied, "abnDnnMatmul(f32 to f32, batch 1, m 2, n 2, k 2)", *parts)
        assert gpu is None, gpu


def test_real_libraries():
    """Every function is in NVIDIA's own libraries, where there are any; without a GPU they say that."""
    folder = os.path.join(os.environ.get("ABN_CUDA_TOOLKIT", "/usr/local/cuda"), "lib64")
    real = {"ABN_CUDNN_LIBRARY": os.path.join(folder, "libcudnn.so.9"),
            "ABN_CUBLAS_LIBRARY": os.path.join(folder, "libcublas.so.13")}
    if not all(map(os.path.exists, real.values())) or os.path.exists("/dev/nvidia0"):
        print(f"  not tried: no cuDNN and cuBLAS in {folder}, or a GPU beside them, which the fake driver is not")
        return
    convolved, multiplied, _ = in_process(use_primitives, **real, LD_LIBRARY_PATH=folder).value
    expect(convolved, "cudnnCreate: status 1001 (CUDNN_STATUS_NOT_INITIALIZED)")
    expect(multiplied, "cublasCreate: status 1 (CUBLAS_STATUS_NOT_INITIALIZED")


#===------------------------------------------------------------------------------------------------------===
# A compiled program
#===------------------------------------------------------------------------------------------------------===

PROGRAM = """
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @kernel(%x: memref<4xf32>) kernel {
      %i = gpu.thread_id x
      %v = memref.load %x[%i] : memref<4xf32>
      %w = arith.addf %v, %v : f32
      memref.store %w, %x[%i] : memref<4xf32>
      gpu.return
    }
  }
  func.func @run(%h: memref<4xf32>) {
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %t0 = gpu.wait async
    %d, %t1 = gpu.alloc async [%t0] () : memref<4xf32>
    %t2 = gpu.memcpy async [%t1] %d, %h : memref<4xf32>, memref<4xf32>
    %t3 = gpu.launch_func async [%t2] @kernels::@kernel blocks in (%c1, %c1, %c1) threads in (%c4, %c1, %c1)
        args(%d : memref<4xf32>)
    %t4 = gpu.memcpy async [%t3] %h, %d : memref<4xf32>, memref<4xf32>
    %t5 = gpu.dealloc async [%t4] %d : memref<4xf32>
    gpu.wait [%t5]
    return
  }
}
"""


def run_program(runtime):
    """A host module, loaded and run: [error after loading, error after running, what it computed]."""
    import subprocess
    import tempfile
    tool = cuda_runtime.mlir_exec.tool
    find = cuda_runtime.mlir_exec.find_tool
    with tempfile.TemporaryDirectory() as folder:
        host = tool([find("abn-opt"), "--llvm-request-c-wrappers", "--abn-to-gpu=chips=sm_80 format=offload"], PROGRAM)
        text = os.path.join(folder, "host.ll")
        open(text, "w").write(tool([find("mlir-translate"), "--mlir-to-llvmir"], host))
        shared = os.path.join(folder, "host.so")
        tool([find("clang"), "-shared", "-fPIC", "-Wno-override-module", text, "-o", shared])
        # Kernels are loaded by a global constructor.
        program = ctypes.CDLL(shared)
    loaded = runtime.error()
    x, memref = cuda_runtime.mlir_exec.descriptor(np.arange(4, dtype=np.float32), (1, "f32"))
    program._mlir_ciface_run(ctypes.c_void_p(memref.ctypes.data))
    return [loaded, runtime.error(), x.tolist()]


def test_programs():
    run = in_process(run_program)
    assert run.value == [None, None, [0, 2, 4, 6]], run.value
    # One stream, in the order of the program, and everything is given back.
    calls = [line.split(" ")[0] for line in run.log]
    assert calls == ["cuModuleLoadDataEx", "cuStreamCreate", "cuMemAlloc", "cuMemcpyAsync", "cuLaunchKernel",
                     "cuMemcpyAsync", "cuStreamSynchronize", "cuMemFree", "cuStreamSynchronize", "cuStreamDestroy",
                     "cuModuleUnload"], run.log
    loaded, ran, x = in_process(run_program, ABN_CUDA_LIBRARY="/nowhere/libcuda.so.1").value
    expect(loaded, "mgpuModuleLoad: /nowhere/libcuda.so.1: cannot open")
    assert ran == loaded and x == [0, 1, 2, 3], (ran, x)


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok:", name)
