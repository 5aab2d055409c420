"""Plans a training step once for all batches and runs it at several.

    dynamic_batch_test.py exact|invert STEP.mlir [--cache FOLDER]

STEP.mlir is a front end's graph with batch 4 as its last two arguments' first dimension (and that of
nothing but batches). Against the same step without an arena, at every batch: the same bits; the arena
has the size that the step's `abn.plan` says and its size query returns; nothing behind it is written;
what it held before does not matter. The step refuses an arena that is too small.
"""

import argparse
import ctypes
import pathlib
import re
import sys

import numpy as np

here = pathlib.Path(__file__).parent
integration = here.parent / "Integration"
sys.path[:0] = [str(here), str(integration), str(integration / "Networks")]
import mlir_exec
import planned_step
import reference
from dynamic_batch import make_dynamic
from mlir_exec import Owned
from planned_step import LOWER, PATTERNS, abn_opt, same_bits

# With nothing in a batch the checksum of what is inverted stops the step, planned or not.
BATCHES = {"exact": [0, 1, 2, 3, 5, 8, 33], "invert": [1, 2, 3, 5, 8, 33]}
GUARD = 4096
SEED = 7


def arguments_for(batch, arguments):
    """The step's arguments with another batch: images and labels are its last two."""
    random = np.random.default_rng(SEED + batch)
    *parameters, images, labels = arguments
    images = random.standard_normal((batch, *images.shape[1:])).astype(images.dtype)
    return [*parameters, images, random.integers(0, 10, batch).astype(labels.dtype)]


class Sized:
    """A planned step whose arena is its last argument."""

    def __init__(self, placed, passes=(), **options):
        self.formulas = re.findall(r'arena_formula = "([^"]*)"', placed)
        self.program = mlir_exec.compile_module(placed, [*passes, *LOWER], **options)

    def arena_bytes(self, batch):
        query = self.program.library._mlir_ciface_main_arena_size
        query.restype, query.argtypes = ctypes.c_int64, [ctypes.c_int64]
        return query(batch)

    def formula_bytes(self, batch):
        return max(eval(formula, {"max": max, "s0": batch}) for formula in self.formulas)

    def run(self, arguments, arena_bytes):
        """Results of a run, after a check that it did not depend on or reach beyond its arena."""
        runs = []
        for pattern in PATTERNS:
            arena = np.full(arena_bytes + GUARD, pattern, np.uint8)
            runs.append(self.program.call("main", [*arguments, Owned(arena.view(np.int8)[:arena_bytes])]))
            assert (arena[arena_bytes:] == pattern).all(), "the step wrote behind its arena"
        assert all(map(same_bits, *runs)), "a result depends on what the arena held before"
        return runs[0]


class OfSize:
    """Runs in an arena of a size, for run_apart."""

    def __init__(self, step, arena_bytes):
        self.step, self.bytes = step, arena_bytes

    def run_once(self, arguments, pattern):
        arena = np.full(self.bytes, pattern, np.int8)
        return self.step.program.call("main", [*arguments, Owned(arena)]), arena


def check_instrumented(optimized, plain, arguments, cache):
    """With 0xFF in dead bytes and canaries between the slots: the same bits. With a slot on another's
    bytes: stopped."""
    placed = abn_opt(optimized, ["--abn-bufferize", "--abn-form-pack-problem",
                                 "--abn-assign-offsets=canary-bytes=32",
                                 "--abn-materialize-arena=arena=argument", "--abn-verify-plan"])
    step = Sized(placed, ["--abn-instrument-arena"], cache=cache)
    for batch in [1, 3, 33]:
        own = arguments_for(batch, arguments)
        results = step.run(own, step.arena_bytes(batch))
        assert all(map(same_bits, results, plain.call("main", own))), f"batch {batch}, instrumented: other bits"
    print("ok: the same bits in an instrumented arena")
    offsets = dict((slot, offset) for offset, slot in re.findall(
        r"memref\.view %\w+\[(%\w+)\]\[[^\]]*\] \{abn\.slot = (\d+) : i64\} : memref<\?xi8> to memref<\?x\d+x\d+x\d+xf32>",
        placed))
    (first, offset), (second, _), *_ = sorted(offsets.items(), key=lambda item: int(item[0]))
    fault = re.sub(rf"(memref\.view %\w+\[)%\w+(\]\[[^\]]*\] \{{abn\.slot = {second} :)", rf"\g<1>{offset}\2", placed)
    assert fault != placed
    results, said = planned_step.run_apart(
        OfSize(Sized(fault, ["--abn-instrument-arena"], cache=cache), step.arena_bytes(3)),
        arguments_for(3, arguments))
    assert results is None and "abn: slot" in said, (first, second, said)
    print("ok: a slot on another's bytes stops the instrumented step")


def check(options):
    stored = reference.Reference.load(pathlib.Path(options.graph).with_suffix(".npz"))
    recognized = abn_opt(pathlib.Path(options.graph).read_text(),
                         ["--abn-import-aten", "--abn-recognize", "--canonicalize"])
    text = make_dynamic(recognized, 4, f"%arg{len(stored.arguments) - 2}")
    optimize = f"--abn-optimize=numerics={options.mode} recognize=false"
    placed = abn_opt(text, [optimize, "--abn-plan=arena=argument"])
    step = Sized(placed, cache=options.cache)
    own = mlir_exec.compile_module(abn_opt(text, [optimize, "--abn-plan"]), LOWER, cache=options.cache)
    # Inverting rounds: the same graph then is the rewritten one.
    plain = mlir_exec.compile_module(text, ([optimize] if options.mode == "invert" else []) + LOWER,
                                     cache=options.cache)
    for batch in BATCHES[options.mode]:
        arguments = arguments_for(batch, stored.arguments)
        expected = plain.call("main", arguments)
        arena_bytes = step.arena_bytes(batch)
        assert arena_bytes == step.formula_bytes(batch), (arena_bytes, step.formulas)
        for name, results in [("argument", step.run(arguments, arena_bytes)),
                              ("alloc", own.call("main", arguments))]:
            different = [i for i, pair in enumerate(zip(results, expected)) if not same_bits(*pair)]
            assert not different, f"batch {batch}, arena={name}: other bits in results {different}"
        assert batch == 0 or all(np.isfinite(r).all() for r in expected), f"batch {batch}: not finite"
        print(f"ok: batch {batch}: the same bits in an arena of {arena_bytes} bytes")
    if options.mode == "exact":
        check_instrumented(abn_opt(text, [optimize]), plain, stored.arguments, options.cache)
    results, said = planned_step.run_apart(OfSize(step, step.arena_bytes(5) - 1), arguments_for(5, stored.arguments))
    assert results is None and "abn: the arena is smaller than the step needs" in said, (results, said)
    print("ok: a smaller arena is refused")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["exact", "invert"])
    parser.add_argument("graph")
    parser.add_argument("--cache", help="folder of compiled modules")
    check(parser.parse_args())
