"""Kernels on the emulator against f64: storage types, wide accesses, shuffles, votes, workgroup memory,
math functions, under every schedule and with the same result."""

import numpy as np

import emulator
from emulator import SCHEDULES

ELEMENTWISE = """
    gpu.func @leaky_{element}(%x: memref<?x{element}>) kernel {{
      %i = gpu.global_id x
      %width = arith.constant {width} : index
      %at = arith.muli %i, %width : index
      %v = vector.load %x[%at] {{alignment = 16 : i64}} : memref<?x{element}>, vector<{width}x{element}>
      {extend}
      %zero = arith.constant dense<0.0> : vector<{width}xf32>
      %slope = arith.constant dense<0.25> : vector<{width}xf32>
      %scaled = arith.mulf %f, %slope : vector<{width}xf32>
      %is_positive = arith.cmpf oge, %f, %zero : vector<{width}xf32>
      %z = arith.select %is_positive, %f, %scaled : vector<{width}xi1>, vector<{width}xf32>
      {truncate}
      vector.store %r, %x[%at] {{alignment = 16 : i64}} : memref<?x{element}>, vector<{width}x{element}>
      gpu.return
    }}
"""

# The sum of a block's elements: shuffles within warps, workgroup memory between them.
REDUCTION = """
    gpu.func @block_sum(%x: memref<?xf32>, %sums: memref<?xf32>)
        workgroup(%partial: memref<32xf32, #gpu.address_space<workgroup>>)
        kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c32 = arith.constant 32 : index
      %w = arith.constant 32 : i32
      %o16 = arith.constant 16 : i32
      %o8 = arith.constant 8 : i32
      %o4 = arith.constant 4 : i32
      %o2 = arith.constant 2 : i32
      %o1 = arith.constant 1 : i32
      %zero = arith.constant 0.0 : f32
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      %s16, %p16 = gpu.shuffle xor %v, %o16, %w : f32
      %v16 = arith.addf %v, %s16 : f32
      %s8, %p8 = gpu.shuffle xor %v16, %o8, %w : f32
      %v8 = arith.addf %v16, %s8 : f32
      %s4, %p4 = gpu.shuffle xor %v8, %o4, %w : f32
      %v4 = arith.addf %v8, %s4 : f32
      %s2, %p2 = gpu.shuffle down %v4, %o2, %w : f32
      %v2 = arith.addf %v4, %s2 : f32
      %s1, %p1 = gpu.shuffle down %v2, %o1, %w : f32
      %v1 = arith.addf %v2, %s1 : f32
      %lane = gpu.lane_id
      %is_first_lane = arith.cmpi eq, %lane, %c0 : index
      scf.if %is_first_lane {
        %warp = arith.divui %t, %c32 : index
        memref.store %v1, %partial[%warp] : memref<32xf32, #gpu.address_space<workgroup>>
      }
      gpu.barrier
      %is_first = arith.cmpi eq, %t, %c0 : index
      scf.if %is_first {
        %c1 = arith.constant 1 : index
        %c8 = arith.constant 8 : index
        %sum = scf.for %warp = %c0 to %c8 step %c1 iter_args(%sum = %zero) -> f32 {
          %term = memref.load %partial[%warp] : memref<32xf32, #gpu.address_space<workgroup>>
          %next = arith.addf %sum, %term : f32
          scf.yield %next : f32
        }
        memref.store %sum, %sums[%b] : memref<?xf32>
      }
      gpu.return
    }
    // Reverses each block's elements through dynamic workgroup memory.
    gpu.func @reverse(%x: memref<?xf32>) kernel {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %t = gpu.thread_id x
      %n = gpu.block_dim x
      %i = gpu.global_id x
      %bytes = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
      %tile = memref.view %bytes[%c0][%n] : memref<?xi8, #gpu.address_space<workgroup>> to memref<?xf32, #gpu.address_space<workgroup>>
      %v = memref.load %x[%i] : memref<?xf32>
      memref.store %v, %tile[%t] : memref<?xf32, #gpu.address_space<workgroup>>
      gpu.barrier
      %last = arith.subi %n, %c1 : index
      %from = arith.subi %last, %t : index
      %r = memref.load %tile[%from] : memref<?xf32, #gpu.address_space<workgroup>>
      memref.store %r, %x[%i] : memref<?xf32>
      gpu.return
    }
    gpu.func @count(%hits: memref<?xi32>) kernel {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1 : i32
      %old = memref.atomic_rmw addi %one, %hits[%c0] : (i32, memref<?xi32>) -> i32
      gpu.return
    }
    gpu.func @rotate(%x: memref<?xi32>) kernel {
      %i = gpu.global_id x
      %w = arith.constant 32 : i32
      %one = arith.constant 1 : i32
      %last = arith.constant 31 : i32
      %v = memref.load %x[%i] : memref<?xi32>
      %up, %has_up = gpu.shuffle up %v, %one, %w : i32
      %end, %has_end = gpu.shuffle idx %v, %last, %w : i32
      %r = arith.select %has_up, %up, %end : i32
      memref.store %r, %x[%i] : memref<?xi32>
      gpu.return
    }
"""

# Each thread writes where it is: block and thread as digits of a number, at the place that they have.
IDS = """
    gpu.func @ids(%x: memref<?xi32>) kernel {
      %tx = gpu.thread_id x
      %ty = gpu.thread_id y
      %tz = gpu.thread_id z
      %nx = gpu.block_dim x
      %ny = gpu.block_dim y
      %nz = gpu.block_dim z
      %bx = gpu.block_id x
      %by = gpu.block_id y
      %bz = gpu.block_id z
      %mx = gpu.grid_dim x
      %my = gpu.grid_dim y
      %mz = gpu.grid_dim z
      %p0 = arith.muli %bz, %my : index
      %p1 = arith.addi %p0, %by : index
      %p2 = arith.muli %p1, %mx : index
      %block = arith.addi %p2, %bx : index
      %p3 = arith.muli %block, %nz : index
      %p4 = arith.addi %p3, %tz : index
      %p5 = arith.muli %p4, %ny : index
      %p6 = arith.addi %p5, %ty : index
      %p7 = arith.muli %p6, %nx : index
      %place = arith.addi %p7, %tx : index
      %c10 = arith.constant 10 : index
      %d0 = arith.muli %bz, %c10 : index
      %d1 = arith.addi %d0, %by : index
      %d2 = arith.muli %d1, %c10 : index
      %d3 = arith.addi %d2, %bx : index
      %d4 = arith.muli %d3, %c10 : index
      %d5 = arith.addi %d4, %tz : index
      %d6 = arith.muli %d5, %c10 : index
      %d7 = arith.addi %d6, %ty : index
      %d8 = arith.muli %d7, %c10 : index
      %d9 = arith.addi %d8, %tx : index
      %digits = arith.index_cast %d9 : index to i32
      %is_block = arith.cmpi ult, %bz, %mz : index
      scf.if %is_block { memref.store %digits, %x[%place] : memref<?xi32> }
      gpu.return
    }
"""

# Votes and a reduction of the NVVM dialect; memory of a thread's own.
WARP_OPS = """
    gpu.func @votes(%x: memref<?xi32>) kernel {
      %i = gpu.global_id x
      %all = arith.constant -1 : i32
      %zero = arith.constant 0 : i32
      %v = memref.load %x[%i] : memref<?xi32>
      %is_set = arith.cmpi ne, %v, %zero : i32
      %ballot = nvvm.vote.sync ballot %all, %is_set -> i32
      %any = nvvm.vote.sync any %all, %is_set -> i1
      %sum = nvvm.redux.sync add %v, %all : i32 -> i32
      %masked = arith.select %any, %ballot, %zero : i32
      %r = arith.addi %masked, %sum : i32
      memref.store %r, %x[%i] : memref<?xi32>
      gpu.return
    }
    gpu.func @own_memory(%x: memref<?xi32>) kernel {
      %c0 = arith.constant 0 : index
      %c8 = arith.constant 8 : index
      %own = memref.alloca() : memref<8xi32>
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xi32>
      %at = arith.remui %i, %c8 : index
      memref.store %v, %own[%at] : memref<8xi32>
      %back = memref.load %own[%at] : memref<8xi32>
      %twice = arith.addi %back, %v : i32
      memref.store %twice, %x[%i] : memref<?xi32>
      gpu.return
    }
"""

# mlir's op: numpy's function, and where to evaluate it.
MATH = {
    "exp": (np.exp, -4, 4), "expm1": (np.expm1, -4, 4), "log": (np.log, .1, 9), "log1p": (np.log1p, -.9, 9),
    "tanh": (np.tanh, -4, 4), "rsqrt": (lambda x: 1 / np.sqrt(x), .1, 9), "sqrt": (np.sqrt, .1, 9),
    "absf": (np.abs, -4, 4), "floor": (np.floor, -4, 4), "atan": (np.arctan, -4, 4),
    "sin": (np.sin, -4, 4), "cos": (np.cos, -4, 4),
}

MATH_KERNEL = """
    gpu.func @math_{op}(%x: memref<?xf32>) kernel {{
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      %r = math.{op} %v : f32
      memref.store %r, %x[%i] : memref<?xf32>
      gpu.return
    }}
"""


def elementwise(element):
    width = 16 * 8 // {"f32": 32}.get(element, 16)
    wide, narrow = f"vector<{width}xf32>", f"vector<{width}x{element}>"
    if element == "f32":
        extend = f"%f = arith.addf %v, %v : {wide}"  # no plain copy op: doubled instead
        truncate = f"%r = arith.addf %z, %z : {wide}"
    else:
        extend = f"%f = arith.extf %v : {narrow} to {wide}"
        truncate = f"%r = arith.truncf %z : {wide} to {narrow}"
    return ELEMENTWISE.format(element=element, width=width, extend=extend, truncate=truncate), width


def check(name, got, expected, tolerance):
    error = np.max(np.abs(got.astype(np.float64) - expected) / np.maximum(np.abs(expected), 1))
    assert error <= tolerance, f"{name}: error {error}"


def under_all_schedules(module, kernel, arrays, **shape):
    """The arrays after the kernel: without an error and equal under every schedule."""
    runs = [module.run(kernel, arrays, schedule=schedule, seed=seed, **shape)
            for _, schedule, seed in SCHEDULES]
    for (name, _, _), run in zip(SCHEDULES, runs):
        assert run.error == "", f"{kernel}, {name}: {run.error}"
        for one, other in zip(run.arrays, runs[0].arrays):
            assert np.array_equal(one, other), f"{kernel}: {name} differs"
    return runs[0].arrays


def test_elementwise(random):
    module = emulator.Module("".join(elementwise(element)[0] for element in ("f32", "f16", "bf16")))
    assert module.load_error == "", module.load_error
    for element, tolerance in ("f32", 0), ("f16", 5e-4), ("bf16", 4e-3):
        width = elementwise(element)[1]
        x = emulator.mlir_exec.round_to(random.normal(size=2 * 128 * width), element)
        [z] = under_all_schedules(module, f"leaky_{element}", [x], grid=2, block=128)
        scale = 4 if element == "f32" else 1
        check(element, z, scale * np.where(x >= 0, x, x.astype(np.float64) / 4), tolerance)


def test_reductions(random, instrument):
    module = emulator.Module(REDUCTION, instrument=instrument)
    assert module.load_error == "", module.load_error
    x = random.normal(size=5 * 256).astype(np.float32)
    _, sums = under_all_schedules(module, "block_sum", [x, np.zeros(5, np.float32)], grid=5, block=256)
    check("block_sum", sums, x.astype(np.float64).reshape(5, 256).sum(1), 1e-5)
    [y] = under_all_schedules(module, "reverse", [x[:3 * 100]], grid=3, block=100, dynamic_bytes=400)
    assert np.array_equal(y, x[:300].reshape(3, 100)[:, ::-1].ravel())
    [hits] = under_all_schedules(module, "count", [np.zeros(1, np.int32)], grid=7, block=65)
    assert hits[0] == 7 * 65
    values = np.arange(64, dtype=np.int32)
    [rotated] = under_all_schedules(module, "rotate", [values], grid=1, block=64)
    assert np.array_equal(rotated, np.roll(values.reshape(2, 32), 1, axis=1).ravel())


def test_warp_ops(random):
    module = emulator.Module(WARP_OPS)
    assert module.load_error == "", module.load_error
    values = random.integers(0, 3, size=64, dtype=np.int32)
    values[32:] = 0
    [got] = under_all_schedules(module, "votes", [values], grid=1, block=64)
    ballot = sum(1 << lane for lane in range(32) if values[lane])
    expected = np.repeat(np.array([ballot + int(values[:32].sum()), 0], np.uint32), 32)
    assert np.array_equal(got.view(np.uint32), expected), (got, expected)
    assert module.run("votes", [values], grid=1, block=64).kernel["votes"] == 6
    [got] = under_all_schedules(module, "own_memory", [values], grid=2, block=32)
    assert np.array_equal(got, 2 * values)


def test_ids():
    module = emulator.Module(IDS)
    assert module.load_error == "", module.load_error
    grid, block = (4, 3, 2), (5, 6, 7)
    shape = grid[::-1] + block[::-1]
    [got] = under_all_schedules(module, "ids", [np.zeros(np.prod(shape), np.int32)], grid=grid,
                                block=block)
    digits = [int("".join(map(str, place))) for place in np.ndindex(shape)]
    assert np.array_equal(got, digits)


def test_math(random, options):
    """`options` decide whether libm's functions run, or libdevice's own code."""
    module = emulator.Module("".join(MATH_KERNEL.format(op=op) for op in MATH), options=options)
    assert module.load_error == "", module.load_error
    for op, (function, low, high) in MATH.items():
        x = random.uniform(low, high, size=96).astype(np.float32)
        [y] = under_all_schedules(module, f"math_{op}", [x], grid=3, block=32)
        check(op, y, function(x.astype(np.float64)), 1e-6)


random = np.random.default_rng(6)
test_elementwise(random)
test_reductions(random, instrument=True)
test_reductions(random, instrument=False)
test_warp_ops(random)
test_ids()
test_math(random, emulator.OFFLOAD)
if emulator.TOOLKIT:
    test_math(random, f"{emulator.OFFLOAD} toolkit={emulator.TOOLKIT}")
