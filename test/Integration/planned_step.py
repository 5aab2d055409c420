"""Plans a training step, compiles it with mlir_exec and runs it in an arena that the caller owns.

    step = PlannedStep.build(text, importer="--abn-import-aten", numerics="exact")
    run = step.run(arguments)     # run.results, run.high_water: one past the last byte it wrote

The plan is IR: `plan` gives it after the passes up to abn-materialize-arena, `PlannedStep(text)`
compiles that, and what stands between may change the text (planted faults).
"""

import dataclasses
import re

import numpy as np

import mlir_exec
from mlir_exec import Owned, find_tool, tool

# The passes before the planner. `exact` recomputes what the graph computed; `invert` recovers.
REWRITE = {"exact": ["--canonicalize"], "invert": ["--abn-optimize", "--canonicalize"]}
LOWER = ["--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
# What an arena holds before a step; each byte differs from the other's.
PATTERNS = (0x55, 0xAA)


def abn_opt(text, passes):
    return tool([find_tool("abn-opt"), *passes], text)


def form_problem(text, importer, numerics="exact"):
    """The step as a pack problem: bufferized, nothing placed."""
    return abn_opt(text, [importer, *REWRITE[numerics], "--abn-plan-recompute", "--abn-bufferize",
                          "--abn-form-pack-problem"])


def place(problem, canary_bytes=0):
    """The step with all its buffers in an arena that is its last argument."""
    return abn_opt(problem, [f"--abn-assign-offsets=canary-bytes={canary_bytes}",
                             "--abn-materialize-arena=arena=argument"])


def verify(placed):
    """Raises ToolError if abn-verify-plan refuses the plan."""
    abn_opt(placed, ["--abn-verify-plan"])


@dataclasses.dataclass
class Run:
    results: list
    high_water: int


class PlannedStep:
    """A step whose arena is its last argument, compiled."""

    def __init__(self, placed, instrumented=False, function="main", compile_module=None):
        plan = re.search(r"abn\.plan = \{([^{}]*)\}", placed)[1]
        self.plan = {key: int(value) for key, value in re.findall(r"(\w+) = (-?\d+) : i64", plan)}
        self.function = function
        passes = (["--abn-instrument-arena"] if instrumented else []) + LOWER
        compile_module = compile_module or mlir_exec.compile_module
        self.program = compile_module(placed, passes)

    @property
    def arena_bytes(self):
        return self.plan["arena_bytes"]

    def run_once(self, arguments, pattern, room=2):
        """(results, arena) of one run in an arena of `room` times the planned size."""
        arena = np.full(self.arena_bytes * room, pattern, np.uint8)
        results = self.program.call(self.function, [*arguments, Owned(arena.view(np.int8))])
        return results, arena

    def run(self, arguments):
        """Runs twice. The results must not depend on what the arena held before."""
        runs = [self.run_once(arguments, pattern) for pattern in PATTERNS]
        for first, second in zip(*[results for results, _ in runs]):
            if not same_bits(first, second):
                raise AssertionError("a result depends on what the arena held before the step")
        changed = np.zeros(len(runs[0][1]), bool)
        for (_, arena), pattern in zip(runs, PATTERNS):
            changed |= arena != pattern
        written = np.flatnonzero(changed)
        return Run(runs[0][0], int(written[-1]) + 1 if written.size else 0)


def same_bits(first, second):
    """Whether two arrays hold the same bytes."""
    return (first.shape == second.shape and first.dtype == second.dtype and
            np.ascontiguousarray(first).tobytes() == np.ascontiguousarray(second).tobytes())
