"""Planted faults: each is found under every schedule and its good twin passes. A case gives what the report
must say: the kind, and the ops, by name and by the line of the kernel's text."""

import numpy as np

import emulator
from emulator import SCHEDULES

WORKGROUP = "#gpu.address_space<workgroup>"

# Each thread writes its own element and reads its neighbour's.
EXCHANGE = f"""
    gpu.func @exchange_{{name}}(%x: memref<?xf32>)
        workgroup(%tile: memref<64xf32, {WORKGROUP}>) kernel {{{{
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : index
      %t = gpu.thread_id x
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      memref.store %v, %tile[%t] : memref<64xf32, {WORKGROUP}>
      {{barrier}}
      %next = arith.addi %t, %c1 : index
      %from = arith.remui %next, %n : index
      %r = memref.load %tile[%from] : memref<64xf32, {WORKGROUP}>
      memref.store %r, %x[%i] : memref<?xf32>
      gpu.return
    }}}}
"""

# The tile is filled again for the second round: this needs a barrier behind the reads of the first, too.
TWO_ROUNDS = f"""
    gpu.func @two_rounds_{{name}}(%x: memref<?xf32>)
        workgroup(%tile: memref<64xf32, {WORKGROUP}>) kernel {{{{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %last = arith.constant 63 : index
      %t = gpu.thread_id x
      %i = gpu.global_id x
      scf.for %round = %c0 to %c2 step %c1 {{{{
        %v = memref.load %x[%i] : memref<?xf32>
        memref.store %v, %tile[%t] : memref<64xf32, {WORKGROUP}>
        gpu.barrier
        %from = arith.subi %last, %t : index
        %r = memref.load %tile[%from] : memref<64xf32, {WORKGROUP}>
        {{barrier}}
        memref.store %r, %x[%i] : memref<?xf32>
      }}}}
      gpu.return
    }}}}
"""

# A loop over the elements, strided by the grid.
BOUND = """
    gpu.func @bound_{name}(%x: memref<?xf32>) kernel {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = memref.dim %x, %c0 : memref<?xf32>
      %end = arith.addi %n, %{extra} : index
      %i = gpu.global_id x
      %step = gpu.block_dim x
      %blocks = gpu.grid_dim x
      %stride = arith.muli %step, %blocks : index
      scf.for %at = %i to %end step %stride {{
        %v = memref.load %x[%at] : memref<?xf32>
        %r = arith.addf %v, %v : f32
        memref.store %r, %x[%at] : memref<?xf32>
      }}
      gpu.return
    }}
"""

# The last vector begins inside of the row and ends outside of it, but inside of the allocation.
ROW = """
    gpu.func @row_{name}(%x: memref<?xf32>) kernel {{
      %c0 = arith.constant 0 : index
      %offset = arith.constant {offset} : index
      %rows = memref.reinterpret_cast %x to offset: [0], sizes: [2, 8], strides: [8, 1] : memref<?xf32> to memref<2x8xf32>
      %v = vector.load %rows[%c0, %offset] : memref<2x8xf32>, vector<4xf32>
      vector.store %v, %rows[%c0, %c0] : memref<2x8xf32>, vector<4xf32>
      gpu.return
    }}
"""

BRANCHED_BARRIER = """
    gpu.func @branched_{name}(%x: memref<?xf32>) kernel {{
      %limit = arith.constant {limit} : index
      %t = gpu.thread_id x
      %is_low = arith.cmpi ult, %t, %limit : index
      scf.if %is_low {{
        gpu.barrier
      }} {otherwise}
      gpu.return
    }}
"""

BRANCHED_SHUFFLE = """
    gpu.func @shuffled_{name}(%x: memref<?xf32>) kernel {{
      %limit = arith.constant {limit} : index
      %one = arith.constant 1 : i32
      %w = arith.constant 32 : i32
      %i = gpu.global_id x
      %v = memref.load %x[%i] : memref<?xf32>
      %is_low = arith.cmpi ult, %i, %limit : index
      scf.if %is_low {{
        %s, %p = gpu.shuffle xor %v, %one, %w : f32
        memref.store %s, %x[%i] : memref<?xf32>
      }}
      gpu.return
    }}
"""

# Every block adds to one element, or every block has one.
BLOCKS = """
    gpu.func @blocks_{name}(%x: memref<?xf32>) kernel {{
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      %b = gpu.block_id x
      %t = gpu.thread_id x
      %is_first = arith.cmpi eq, %t, %c0 : index
      scf.if %is_first {{
        {update}
      }}
      gpu.return
    }}
"""
PLAIN_UPDATE = """%v = memref.load %x[%{at}] : memref<?xf32>
        %r = arith.addf %v, %one : f32
        memref.store %r, %x[%{at}] : memref<?xf32>"""
ATOMIC_UPDATE = "%v = memref.atomic_rmw addf %one, %x[%c0] : (f32, memref<?xf32>) -> f32"
MIXED_UPDATE = ATOMIC_UPDATE + """
        memref.store %one, %x[%c0] : memref<?xf32>"""

ALIGNED = """
    gpu.func @aligned_{name}(%x: memref<?xf32>) kernel {{
      %at = arith.constant {at} : index
      %v = vector.load %x[%at] {{alignment = 16 : i64}} : memref<?xf32>, vector<4xf32>
      %c0 = arith.constant 0 : index
      vector.store %v, %x[%c0] : memref<?xf32>, vector<4xf32>
      gpu.return
    }}
"""

ASSERTION = """
    gpu.func @asserted_{name}(%x: memref<?xf32>) kernel {{
      %limit = arith.constant {limit} : index
      %t = gpu.thread_id x
      %is_low = arith.cmpi ult, %t, %limit : index
      cf.assert %is_low, "thread out of range"
      gpu.return
    }}
"""

# kernel: (text, shape, the kind of error, ops that the report must name).
SHAPE = dict(grid=2, block=64)
ONE_THREAD = dict(grid=1, block=1)
CASES = {
    "exchange_good": (EXCHANGE.format(name="good", barrier="gpu.barrier"), SHAPE, None, ()),
    "exchange_bad": (EXCHANGE.format(name="bad", barrier=""), SHAPE, "race",
                     ("memref.store", "memref.load")),
    "two_rounds_good": (TWO_ROUNDS.format(name="good", barrier="gpu.barrier"), SHAPE, None, ()),
    "two_rounds_bad": (TWO_ROUNDS.format(name="bad", barrier=""), SHAPE, "race",
                       ("memref.store", "memref.load")),
    "bound_good": (BOUND.format(name="good", extra="c0"), SHAPE, None, ()),
    "bound_bad": (BOUND.format(name="bad", extra="c1"), SHAPE, "out-of-bounds", ("memref.load",)),
    "row_good": (ROW.format(name="good", offset=4), ONE_THREAD, None, ()),
    "row_bad": (ROW.format(name="bad", offset=5), ONE_THREAD, "out-of-bounds", ("vector.load",)),
    "branched_good": (BRANCHED_BARRIER.format(name="good", limit=64, otherwise=""), SHAPE, None, ()),
    "branched_bad": (BRANCHED_BARRIER.format(name="bad", limit=20, otherwise=""), SHAPE, "divergence",
                     ("gpu.barrier",)),
    "branched_both": (BRANCHED_BARRIER.format(name="both", limit=32, otherwise="else { gpu.barrier }"),
                      SHAPE, "divergence", ("gpu.barrier", "gpu.barrier")),
    "shuffled_good": (BRANCHED_SHUFFLE.format(name="good", limit=96), SHAPE, None, ()),
    "shuffled_bad": (BRANCHED_SHUFFLE.format(name="bad", limit=80), SHAPE, "divergence",
                     ("gpu.shuffle",)),
    "blocks_good": (BLOCKS.format(name="good", update=PLAIN_UPDATE.format(at="b")), SHAPE, None, ()),
    "blocks_atomic": (BLOCKS.format(name="atomic", update=ATOMIC_UPDATE), SHAPE, None, ()),
    "blocks_bad": (BLOCKS.format(name="bad", update=PLAIN_UPDATE.format(at="c0")), SHAPE, "race",
                   ("memref.load", "memref.store")),
    "blocks_mixed": (BLOCKS.format(name="mixed", update=MIXED_UPDATE), SHAPE, "race",
                     ("memref.atomic_rmw", "memref.store")),
    "aligned_good": (ALIGNED.format(name="good", at=8), ONE_THREAD, None, ()),
    "aligned_bad": (ALIGNED.format(name="bad", at=6), ONE_THREAD, "misaligned", ("vector.load",)),
    "asserted_good": (ASSERTION.format(name="good", limit=64), SHAPE, None, ()),
    "asserted_bad": (ASSERTION.format(name="bad", limit=63), SHAPE, "assertion", ("cf.assert",)),
}


def check_case(module, source, name, schedule):
    _, shape, kind, ops = CASES[name]
    label, order, seed = schedule
    x = np.arange(128, dtype=np.float32)
    run = module.run(name, [x], schedule=order, seed=seed, **shape)
    errors = run.report["errors"]
    if kind is None:
        assert not errors, f"{name}, {label}: {errors}"
        return
    assert len(errors) == 1 and errors[0]["kind"] == kind, f"{name}, {label}: {errors}"
    error = errors[0]
    assert error["kernel"] == name and len(error["block"]) == 3 and error["threads"], error
    assert name in error["message"] and str(error["threads"][0][0]) in error["message"], error
    # Which of two racing accesses comes first depends on the order.
    assert sorted(site.split(" at ")[0] for site in error["sites"]) == sorted(ops), error
    for site in error["sites"]:
        op, location = site.split(" at ")
        line = int(location.split(":")[1])
        assert op in source[line - 1], f"{site}: line {line} is {source[line - 1]!r}"


def test_faults():
    module = emulator.Module("".join(text for text, *_ in CASES.values()))
    assert module.load_error == "", module.load_error
    schedules = SCHEDULES + [(f"random {seed}", emulator.RANDOM, seed) for seed in range(3, 8)]
    for name in CASES:
        for schedule in schedules:
            check_case(module, module.source, name, schedule)


def test_divergence_without_instrumentation():
    """Where threads wait is known in any case; only the ops have no names."""
    names = [name for name, (_, _, kind, _) in CASES.items()
             if name.startswith(("branched_bad", "shuffled", "asserted"))]
    module = emulator.Module("".join(CASES[name][0] for name in names), instrument=False)
    for name in names:
        for _, schedule, seed in SCHEDULES:
            run = module.run(name, [np.ones(128, np.float32)], schedule=schedule, seed=seed, **SHAPE)
            kinds = [error["kind"] for error in run.report["errors"]]
            assert kinds == ([CASES[name][2]] if CASES[name][2] else []), (name, kinds)


def test_later_launches_do_nothing():
    module = emulator.Module("".join(CASES[name][0] for name in ("bound_good", "bound_bad")))
    x = np.ones(128, np.float32)
    bad = module.run("bound_bad", [x], **SHAPE)
    assert bad.error
    # No reset: the arrays stay as they are, and no further error is reported.
    before = emulator.report()
    again = module.launch("bound_good", [x], **SHAPE)
    assert np.array_equal(again[0], x)
    assert emulator.report()["errors"] == before["errors"]
    assert np.array_equal(module.run("bound_good", [x], **SHAPE).arrays[0], 2 * x)


test_faults()
test_divergence_without_instrumentation()
test_later_launches_do_nothing()
