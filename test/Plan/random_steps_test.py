"""Random steps (random_steps.py), planned exactly: every result has the bits of the unplanned step, the arena is
written to its last byte and not behind, and is what the planner said and not below its bound.

  random_steps_test.py [FIRST LAST]
"""

import re
import sys

import numpy as np
import planned_step
import random_steps
from planned_step import mlir_exec

OBJECTIVES = ["balanced", "peak", "time"]


def check(seed):
    """What is wrong with the plan of a seed, or None."""
    text = random_steps.RandomStep(seed).text()
    generator = np.random.default_rng(seed)
    arguments = [generator.standard_normal((random_steps.SIZE,) * 2).astype(np.float32) for _ in range(3)]
    wanted = mlir_exec.compile_module(text, planned_step.LOWER, optimize="-O0").call("main", arguments)
    options = f"--abn-optimize=numerics=exact recognize=false objective={OBJECTIVES[seed % 3]}"
    planned = planned_step.abn_opt(text, [options])
    expected = int(re.search(r"abn\.plan = \{arena_bytes = (\d+)", planned)[1])
    step = planned_step.PlannedStep(planned_step.abn_opt(planned, ["--abn-plan=arena=argument"]), optimize="-O0")
    run = step.run(arguments)
    different = [i for i, pair in enumerate(zip(run.results, wanted)) if not planned_step.same_bits(*pair)]
    if different:
        return f"results {different} have other bits"
    if run.high_water != step.arena_bytes:
        return f"the last byte written is {run.high_water}, arena_bytes is {step.arena_bytes}"
    if step.arena_bytes > expected:
        return f"the arena has {step.arena_bytes} bytes, the planner said {expected}"
    if step.arena_bytes < step.plan["plan_lower_bound_bytes"]:
        return f"the arena is below its bound, {step.plan['plan_lower_bound_bytes']}"
    return None


def main():
    first, last = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, 60)
    wrong = 0
    for seed in range(first, last):
        problem = check(seed)
        if problem:
            wrong += 1
            print(f"seed {seed}: {problem}")
    print(f"{last - first} random steps, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
