"""Counters against traffic that is known by hand, equal under every schedule."""

import numpy as np

import emulator
from emulator import SCHEDULES

KERNELS = """
    // Each thread loads one element and stores it at `stride` times its place.
    gpu.func @strided(%x: memref<?xf32>, %y: memref<?xf32>, %strides: memref<?xi32>) kernel {
      %c0 = arith.constant 0 : index
      %i = gpu.global_id x
      %s = memref.load %strides[%c0] : memref<?xi32>
      %stride = arith.index_cast %s : i32 to index
      %v = memref.load %x[%i] : memref<?xf32>
      %at = arith.muli %i, %stride : index
      memref.store %v, %y[%at] : memref<?xf32>
      gpu.return
    }
    // 16 bytes per thread, promised to be aligned; the store promises nothing.
    gpu.func @wide(%x: memref<?xf16>, %y: memref<?xf16>) kernel {
      %c8 = arith.constant 8 : index
      %i = gpu.global_id x
      %at = arith.muli %i, %c8 : index
      %v = vector.load %x[%at] {alignment = 16 : i64} : memref<?xf16>, vector<8xf16>
      vector.store %v, %y[%at] : memref<?xf16>, vector<8xf16>
      gpu.return
    }
    // Thread i runs i / 32 rounds: branches of a warp agree. In each, half of its lanes store.
    gpu.func @branches(%x: memref<?xf32>) kernel {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c32 = arith.constant 32 : index
      %one = arith.constant 1.0 : f32
      %t = gpu.thread_id x
      %rounds = arith.divui %t, %c32 : index
      scf.for %round = %c0 to %rounds step %c1 {
        %odd = arith.remui %t, %c2 : index
        %is_even = arith.cmpi eq, %odd, %c0 : index
        scf.if %is_even {
          memref.store %one, %x[%t] : memref<?xf32>
        }
      }
      gpu.return
    }
    // Workgroup memory, barriers, shuffles, an atomic.
    gpu.func @others(%x: memref<?xf32>)
        workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1 : i32
      %w = arith.constant 32 : i32
      %t = gpu.thread_id x
      %f = arith.constant 1.0 : f32
      memref.store %f, %tile[%t] : memref<64xf32, #gpu.address_space<workgroup>>
      gpu.barrier
      %v = memref.load %tile[%t] : memref<64xf32, #gpu.address_space<workgroup>>
      %s, %p = gpu.shuffle xor %v, %one, %w : f32
      %old = memref.atomic_rmw addf %s, %x[%c0] : (f32, memref<?xf32>) -> f32
      gpu.barrier
      gpu.return
    }
"""


def run(module, kernel, arrays, **shape):
    """The counters of the kernel."""
    counters = []
    for name, schedule, seed in SCHEDULES:
        done = module.run(kernel, arrays, schedule=schedule, seed=seed, **shape)
        assert done.error == "", f"{name}: {done.error}"
        counters.append(done.kernel)
        assert done.report["total"] == {key: value for key, value in done.kernel.items()
                                        if key not in ("name", "sites")}
    assert all(one == counters[0] for one in counters), f"{kernel}: schedules differ"
    return counters[0]


def expect(counters, **expected):
    got = {key: counters[key] for key in expected}
    assert got == expected, f"{counters['name']}: expected {expected}, got {got}"


def sites(counters):
    return [(site["op"].split(" at ")[0], site["width"], site["accesses"], site["bytes"],
             site["transactions"]) for site in counters["sites"]]


def test_strided(module):
    """4 warps: a coalesced one touches 128 bytes, 4 sectors; with stride 4 it spreads them over 16; with
    stride 8 and more each lane has a sector of its own. The load of the stride is one sector per warp."""
    for stride, store_transactions in (1, 16), (2, 32), (4, 64), (8, 128), (32, 128):
        arrays = [np.zeros(128, np.float32), np.zeros(128 * stride, np.float32),
                  np.full(1, stride, np.int32)]
        counters = run(module, "strided", arrays, grid=2, block=64)
        expect(counters, launches=1, blocks=2, barriers=0, branches=0, global_loaded_bytes=1024,
               global_stored_bytes=512, transactions=4 + 16 + store_transactions,
               access_widths={"4": 3 * 128}, workgroup_loaded_bytes=0, workgroup_stored_bytes=0)
        assert sites(counters) == [("memref.load", 4, 128, 512, 4), ("memref.load", 4, 128, 512, 16),
                                   ("memref.store", 4, 128, 512, store_transactions)]


def test_wide(module):
    """3 warps of 32 threads and one of 4: 512 bytes are 16 sectors, 64 bytes 2."""
    arrays = [np.zeros(800, np.float16), np.zeros(800, np.float16)]
    counters = run(module, "wide", arrays, grid=1, block=100)
    expect(counters, global_loaded_bytes=1600, global_stored_bytes=1600,
           transactions=2 * (3 * 16 + 2), access_widths={"16": 100, "2": 800})


def test_branches(module):
    """Warp w leaves its loop after w + 1 conditions, none of them divergent, and w of its rounds diverge;
    in each 16 lanes store to 4 sectors."""
    counters = run(module, "branches", [np.zeros(128, np.float32)], grid=1, block=128)
    rounds = 0 + 1 + 2 + 3
    expect(counters, branches=4 + rounds + rounds, divergent_branches=rounds,
           global_stored_bytes=4 * 16 * rounds, transactions=4 * rounds)


def test_others(module):
    counters = run(module, "others", [np.zeros(1, np.float32)], grid=3, block=64)
    expect(counters, barriers=6, shuffles=6, votes=0, workgroup_loaded_bytes=768,
           workgroup_stored_bytes=768, global_loaded_bytes=768, global_stored_bytes=768,
           transactions=6)


def test_launches_add_up(module):
    emulator.reset()
    arrays = [np.zeros(800, np.float16), np.zeros(800, np.float16)]
    for _ in range(3):
        module.launch("wide", arrays, grid=1, block=100)
    report = emulator.report()
    expect(report["kernels"][0], launches=3, global_loaded_bytes=4800)
    # Two arrays of 1600 bytes at a time, three times.
    assert report["memory"]["high_water_bytes"] == 3200, report["memory"]
    assert report["memory"]["live_bytes"] == 0, report["memory"]


loaded = emulator.Module(KERNELS)
assert loaded.load_error == "", loaded.load_error
test_strided(loaded)
test_wide(loaded)
test_branches(loaded)
test_others(loaded)
test_launches_add_up(loaded)
