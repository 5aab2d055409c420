"""What is not a fault of a kernel's text: images of another kind, unknown names, memory, shapes."""

import ctypes
import subprocess

import numpy as np

import emulator
from emulator import EMULATOR

DOUBLE = """
    gpu.func @double(%x: memref<?xf32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      %r = arith.addf %v, %v : f32
      memref.store %r, %x[%i] : memref<?xf32>
      gpu.return
    }
"""
PTX = b"//\n.version 7.0\n.target sm_80\n.address_size 64\n"
UNKNOWN = """
target triple = "nvptx64-nvidia-cuda"
declare i64 @llvm.nvvm.read.ptx.sreg.clock64()
declare float @__nv_unheard_of(float)
define ptx_kernel void @k(ptr %p, float %x) {
  %c = call i64 @llvm.nvvm.read.ptx.sreg.clock64()
  %y = call float @__nv_unheard_of(float %x)
  store i64 %c, ptr %p
  store float %y, ptr %p
  ret void
}
"""
ASSEMBLY = """
target triple = "nvptx64-nvidia-cuda"
define ptx_kernel void @k(ptr %p) {
  call void asm sideeffect "nanosleep.u32 100;", ""()
  ret void
}
"""
HOST = 'target triple = "x86_64-pc-linux-gnu"\ndefine void @k() { ret void }'


def assemble(text):
    tool = emulator.mlir_exec.find_tool("llvm-as")
    return subprocess.run([tool, "-o", "-"], input=text.encode(), capture_output=True,
                          check=True).stdout


def load(image):
    """(module, error)."""
    emulator.reset()
    module = EMULATOR.mgpuModuleLoad(ctypes.c_char_p(image), ctypes.c_size_t(len(image)))
    return module, emulator.first_error()


def test_images():
    for image, expected in [
            (PTX, "the kernel image is PTX text; the emulator executes LLVM bitcode"),
            (b"\x7fELF\x02\x01\x01", "the kernel image is a cubin"),
            (b"\x50\xed\x55\xba\x01", "the kernel image is a fatbin"),
            (b"", "the kernel image is of an unknown kind"),
            (assemble(HOST), "the kernel image is for x86_64-pc-linux-gnu; expected nvptx64"),
            (assemble(UNKNOWN), "the emulator does not have: llvm.nvvm.read.ptx.sreg.clock64, "
                                "__nv_unheard_of"),
            (assemble(ASSEMBLY), "the emulator cannot execute PTX assembly: nanosleep.u32 100;"),
            (assemble(UNKNOWN)[:200], "")]:
        module, error = load(image)
        assert module is None and error and expected in error, (image[:20], error)
        [entry] = emulator.report()["errors"]
        assert entry["kind"] == "image", entry


def test_ptx_for_a_driver():
    """A module of PTX text is refused when it is loaded; a launch of its kernels does nothing."""
    module = emulator.Module(DOUBLE, instrument=False, options="chips=sm_80 format=isa")
    assert "PTX text" in module.load_error, module.load_error
    x = np.ones(64, np.float32)
    assert np.array_equal(module.launch("double", [x], grid=1, block=64)[0], x)


def test_names_and_shapes():
    module = emulator.Module(DOUBLE)
    x = np.ones(128, np.float32)
    for shape, expected in [(dict(grid=-1, block=64), "a grid of -1 blocks"),
                            (dict(grid=1, block=2000), "a block of 2000 threads"),
                            (dict(grid=1, block=128), "128 threads per block (the kernel was "
                                                      "compiled for at most 64)"),
                            (dict(grid=2, block=64, dynamic_bytes=1 << 20),
                             "1048576 bytes of dynamic workgroup memory")]:
        run = module.run("double", [x], **shape)
        assert expected in run.error, run.error
        assert run.report["errors"][0]["kind"] == "launch-shape" and not run.report["kernels"]
    assert module.run("double", [x], grid=2, block=64).error == ""
    # An empty batch: nothing to do, which CUDA's driver would call an error.
    run = module.run("double", [x], grid=0, block=64)
    assert run.error == "" and not run.report["kernels"], run.report
    image, error = load(assemble(UNKNOWN.replace("call i64 @llvm.nvvm.read.ptx.sreg.clock64()",
                                                 "add i64 1, 2")
                                 .replace("call float @__nv_unheard_of(float %x)",
                                          "fadd float %x, %x")))
    assert image and not error, error
    image = ctypes.c_void_p(image)
    assert EMULATOR.mgpuModuleGetFunction(image, b"k")
    assert EMULATOR.mgpuModuleGetFunction(image, b"missing") is None
    assert emulator.first_error() == "the module has no kernel missing"
    EMULATOR.mgpuModuleUnload(image)


def allocate(size):
    pointer = EMULATOR.mgpuMemAlloc(ctypes.c_uint64(size), None, ctypes.c_bool(False))
    return pointer and ctypes.c_void_p(pointer)


def copy(destination, source, size):
    EMULATOR.mgpuMemcpy(destination, source, ctypes.c_size_t(size), None)


def test_memory():
    emulator.reset()
    module = emulator.Module(DOUBLE)
    EMULATOR.abnEmulatorSetMemoryLimit(ctypes.c_uint64(1000))
    run = module.run("double", [np.ones(256, np.float32)], grid=4, block=64)
    assert run.error == ("out of device memory: 1024 bytes were asked for, 0 of 1000 are in use"), run.error
    assert run.report["memory"]["high_water_bytes"] == 0
    EMULATOR.abnEmulatorSetMemoryLimit(ctypes.c_uint64(1 << 40))
    run = module.run("double", [np.ones(256, np.float32)], grid=4, block=64)
    assert run.error == "" and EMULATOR.abnEmulatorHighWaterBytes() == 1024

    host = (ctypes.c_char * 64)()
    memory = allocate(32)
    copy(memory, host, 64)
    assert emulator.first_error() == "a copy of 64 bytes goes beyond an allocation of 32"
    emulator.reset()
    EMULATOR.mgpuMemFree(memory, None)
    EMULATOR.mgpuMemset32(memory, ctypes.c_uint(0), ctypes.c_size_t(8), None)
    assert emulator.first_error() == "a fill uses freed device memory"
    emulator.reset()
    EMULATOR.mgpuMemFree(memory, None)
    assert "not a live allocation" in emulator.first_error()


# The device memory is freed in front of the launch; a host pointer is given to a kernel.
MISUSES = """
module attributes {gpu.container_module} {
  gpu.module @kernels {""" + DOUBLE + """  }
  func.func @freed() {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %t0 = gpu.wait async
    %d, %t1 = gpu.alloc async [%t0] (%c64) : memref<?xf32>
    %t2 = gpu.dealloc async [%t1] %d : memref<?xf32>
    %t3 = gpu.launch_func async [%t2] @kernels::@double blocks in (%c1, %c1, %c1)
        threads in (%c64, %c1, %c1) args(%d : memref<?xf32>)
    gpu.wait [%t3]
    return
  }
  func.func @host(%x: memref<?xf32>) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @kernels::@double blocks in (%c1, %c1, %c1)
        threads in (%c64, %c1, %c1) args(%x : memref<?xf32>)
    return
  }
  func.func @registered(%x: memref<?xf32>) {
    %any = memref.cast %x : memref<?xf32> to memref<*xf32>
    gpu.host_register %any : memref<*xf32>
    call @host(%x) : (memref<?xf32>) -> ()
    gpu.host_unregister %any : memref<*xf32>
    return
  }
}
"""


def test_misuses():
    emulator.reset()
    library = emulator.build(MISUSES, emulator.OFFLOAD + " instrument=true")
    library._mlir_ciface_freed()
    [error] = emulator.report()["errors"]
    assert error["kind"] == "use-after-free" and "memref.load" in error["message"], error
    emulator.reset()
    x, memref = emulator.mlir_exec.descriptor(np.ones(64, np.float32), (1, "f32"))
    pointer = ctypes.c_void_p(memref.ctypes.data)
    library._mlir_ciface_host(pointer)
    [error] = emulator.report()["errors"]
    assert error["kind"] == "out-of-bounds" and "device's allocations" in error["message"], error
    emulator.reset()
    library._mlir_ciface_registered(pointer)
    assert emulator.first_error() == "" and np.array_equal(x, np.full(64, 2, np.float32))


test_images()
test_ptx_for_a_driver()
test_names_and_shapes()
test_memory()
test_misuses()
