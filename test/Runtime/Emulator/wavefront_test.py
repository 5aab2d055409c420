"""Kernels for AMD's GPUs: shuffles over whole wavefronts, of 64 threads on gfx90a and 32 on gfx1100, workgroup memory,
and the detectors."""

import os

import numpy as np

import emulator
from emulator import SCHEDULES

TOOLKIT = os.environ["ABN_ROCM_TOOLKIT"]
WORKGROUP = "#gpu.address_space<workgroup>"


def sum_kernel(name, width, guard=None):
    """Each thread gets the sum over its wavefront; with a guard, only threads below it take part."""
    merge, last = "", "%v"
    for number, mask in enumerate(1 << bit for bit in reversed(range(width.bit_length() - 1))):
        merge += (f"      %m{number} = arith.constant {mask} : i32\n"
                  f"      %o{number}, %p{number} = gpu.shuffle xor {last}, %m{number}, %width : f32\n"
                  f"      %s{number} = arith.addf {last}, %o{number} : f32\n")
        last = f"%s{number}"
    body = f"{merge}      memref.store {last}, %x[%i] : memref<?xf32>\n"
    if guard:
        body = (f"      %bound = arith.constant {guard} : index\n"
                f"      %some = arith.cmpi ult, %t, %bound : index\n      scf.if %some {{\n{body}      }}\n")
    return f"""
    gpu.func @{name}(%x: memref<?xf32>) kernel {{
      %width = arith.constant {width} : i32
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %size = arith.constant 128 : index
      %begin = arith.muli %b, %size : index
      %i = arith.addi %begin, %t : index
      %v = memref.load %x[%i] : memref<?xf32>
{body}      gpu.return
    }}
"""


def exchange_kernel(name, barrier):
    """Each thread reads what its mirror image in the block wrote."""
    return f"""
    gpu.func @{name}(%x: memref<?xf32>) workgroup(%tile: memref<128xf32, {WORKGROUP}>) kernel {{
      %last = arith.constant 127 : index
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<?xf32>
      memref.store %v, %tile[%t] : memref<128xf32, {WORKGROUP}>
      {"gpu.barrier" if barrier else ""}
      %from = arith.subi %last, %t : index
      %r = memref.load %tile[%from] : memref<128xf32, {WORKGROUP}>
      memref.store %r, %x[%t] : memref<?xf32>
      gpu.return
    }}
"""


def check(chip, width):
    kernels = (sum_kernel("sum", width) + sum_kernel("half", width, guard=width // 2)
               + sum_kernel("first", width, guard=width) + exchange_kernel("exchange", True)
               + exchange_kernel("unordered", False))
    module = emulator.Module(kernels, options=f"target=rocm chips={chip} format=offload toolkit={TOOLKIT}")
    assert not module.load_error, module.load_error
    x = np.random.default_rng(width).integers(-99, 99, 256).astype(np.float32)
    sums = np.repeat(x.reshape(-1, width).sum(axis=1), width)
    for name, schedule, seed in SCHEDULES:
        def run(kernel, grid=1):
            return module.run(kernel, [x], grid, 128, schedule=schedule, seed=seed)
        whole = run("sum", 2)
        assert not whole.error and np.array_equal(whole.arrays[0], sums), (chip, name, whole.error)
        # One shuffle is one for the whole wavefront.
        assert whole.kernel["shuffles"] == 256 // width * (width.bit_length() - 1), whole.kernel
        first = run("first")
        assert not first.error and np.array_equal(first.arrays[0][:width], sums[:width])
        mirrored = run("exchange")
        assert not mirrored.error and np.array_equal(mirrored.arrays[0][:128], x[:128][::-1])
        for kernel, kind in (("half", "divergence"), ("unordered", "race")):
            errors = run(kernel).report["errors"]
            assert errors and errors[0]["kind"] == kind, (chip, name, kernel, errors)
    print(f"{chip}: wavefronts of {width}, {len(SCHEDULES)} schedules")


check("gfx90a", 64)
check("gfx942", 64)
check("gfx1100", 32)
