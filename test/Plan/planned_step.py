"""Plans a training step, compiles it with mlir_exec and runs it in an arena that the caller owns.

    placed = place(form_problem(text, before_plan("--abn-import-aten", "exact")))
    step = PlannedStep(placed)
    run = step.run(arguments)     # run.results, run.high_water: one past the last byte it wrote

The plan is text between the passes, which a test may change before it goes on (planted faults).
"""

import ctypes
import dataclasses
import os
import pathlib
import pickle
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Integration"))
import mlir_exec
from mlir_exec import Owned, ToolError, find_tool, tool

# What abn-optimize does behind the rewrite.
PLAN = ["--abn-fold-transposes", "--canonicalize", "--abn-plan-recompute", "--abn-schedule",
        "--abn-fuse-recomputation"]
LOWER = ["--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
# What an arena holds before a step; each byte differs from the other's.
PATTERNS = (0x55, 0xAA)


def before_plan(importer, numerics):
    """The passes from a framework's graph to what the planner reads. `exact` leaves the network's
    arithmetic as it is, batch norms as one op each; `decomposed` leaves those that came as
    arithmetic; `invert` computes chains in place and recovers."""
    rewrite = {"exact": ["--abn-recognize"], "decomposed": [],
               "invert": ["--abn-optimize=plan=false"]}
    return [importer, *rewrite[numerics]]


def abn_opt(text, passes):
    return tool([find_tool("abn-opt"), *passes], text)


def form_problem(text, passes):
    """The step as a pack problem: bufferized, nothing placed."""
    return abn_opt(text, [*passes, *PLAN, "--abn-bufferize", "--abn-form-pack-problem"])


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

    def __init__(self, placed, instrumented=False, function="main", **options):
        plan = re.search(r"abn\.plan = \{([^{}]*)\}", placed)[1]
        self.plan = {key: int(value) for key, value in re.findall(r"(\w+) = (-?\d+) : i64", plan)}
        self.function = function
        instrument = ["--abn-instrument-arena"] if instrumented else []
        self.program = mlir_exec.compile_module(placed, instrument + LOWER, **options)

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
        if not all(same_bits(*pair) for pair in zip(*[results for results, _ in runs])):
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


#===------------------------------------------------------------------------------------------===#
# Runs that may end badly
#===------------------------------------------------------------------------------------------===#

def run_apart(step, arguments):
    """(results or None, what it said) of a run in a process of its own, which an assertion ends."""
    with tempfile.TemporaryDirectory() as folder:
        said, stored = pathlib.Path(folder, "said"), pathlib.Path(folder, "results")
        child = os.fork()
        if child == 0:
            try:
                output = os.open(said, os.O_CREAT | os.O_WRONLY)
                os.dup2(output, 1)
                os.dup2(output, 2)
                # The program says why on C's standard output, which abort() does not flush.
                libc = ctypes.CDLL(None)
                libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 2, 0)
                results, _ = step.run_once(arguments, PATTERNS[0])
                stored.write_bytes(pickle.dumps(results))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        results = pickle.loads(stored.read_bytes()) if stored.exists() else None
        return results, said.read_text(errors="replace")


#===------------------------------------------------------------------------------------------===#
# Plans as text, to plant faults in
#===------------------------------------------------------------------------------------------===#

@dataclasses.dataclass
class Buffer:
    """A buffer of a placed step: lifetimes as in the pack problem, bytes [offset, offset + size)."""
    slot: int
    lower: int
    upper: int
    size: int
    offset: int

    @property
    def end(self):
        return self.offset + self.size


LIFETIMES = re.compile(r"(abn\.pack lifetimes\(\[)([\d, ]*)(\]\) sizes\()([^)]*)\)")
VIEW = re.compile(r"memref\.view %\w+\[(%\w+)\]\[\] \{abn\.slot = (\d+) : i64\}")


def constants(text):
    return {name: int(value) for name, value in
            re.findall(r"(%\w+) = arith\.constant (\d+) : index", text)}


def buffers(problem, placed):
    """The buffers of a step, in the order of their slots."""
    numbers, _, sizes = LIFETIMES.search(problem).groups()[1:]
    numbers = [int(number) for number in numbers.split(",")]
    known, shown = constants(problem), constants(placed)
    offsets = {int(slot): shown[name] for name, slot in VIEW.findall(placed)}
    return [Buffer(slot, numbers[2 * slot], numbers[2 * slot + 1], known[name.strip()], offsets[slot])
            for slot, name in enumerate(sizes.split(","))]


def with_offset(placed, slot, offset):
    """The placed step with one slot elsewhere."""
    match = next(match for match in VIEW.finditer(placed) if match[2] == str(slot))
    line = placed.rfind("\n", 0, match.start()) + 1
    start, end = match.span(1)
    return (placed[:line] + f"    %fault = arith.constant {offset} : index\n" +
            placed[line:start] + "%fault" + placed[end:])


def with_lifetime(problem, slot, lower, upper):
    """The problem with another lifetime for one buffer."""
    match = LIFETIMES.search(problem)
    numbers = [number.strip() for number in match[2].split(",")]
    numbers[2 * slot:2 * slot + 2] = [str(lower), str(upper)]
    return problem[:match.start(2)] + ", ".join(numbers) + problem[match.end(2):]
