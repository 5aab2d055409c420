"""A budget that takes convolutions and what was computed in their place a second time: every result has the bits of
the unplanned step that inverts, and the arena is within the budget.

  budget_run_test.py GRAPH.mlir BUDGET
"""

import pathlib
import sys

import planned_step
from planned_step import mlir_exec

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Integration" / "Networks"))
import reference


def main(path, budget):
    path = pathlib.Path(path)
    arguments = reference.Reference.load(path.with_suffix(".npz")).arguments
    invert = "--abn-optimize=gamma-policy=trust"
    wanted = mlir_exec.compile_module(path.read_text(), ["--abn-import-aten", f"{invert} plan=false", *planned_step.LOWER],
                                      optimize="-O0").call("main", arguments)
    step = planned_step.PlannedStep(planned_step.abn_opt(
        path.read_text(), ["--abn-import-aten", f"{invert} budget-bytes={budget}", "--abn-plan=arena=argument"]),
        optimize="-O0")
    run = step.run(arguments)
    different = [i for i, pair in enumerate(zip(run.results, wanted)) if not planned_step.same_bits(*pair)]
    again = step.plan["convolutions_recomputed"]
    print(f"{step.arena_bytes} bytes, {again} convolutions computed again, other bits: {different}")
    return 0 if not different and again > 0 and run.high_water <= step.arena_bytes <= int(budget) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
