"""The arena that abn-plan gives a step is no larger than the one that abn-optimize chose, and within the budget: for
every objective, and for budgets that are points of the curve to the byte."""

import pathlib
import re
import subprocess
import sys

NETWORKS = pathlib.Path(__file__).parent.parent / "Integration" / "Networks" / "Inputs"
CASES = [
    ("resnet18s_relu", "numerics=exact"),
    ("resnet18s_leaky", "gamma-policy=trust"),
    ("darknets_leaky", "numerics=exact"),
    ("darknets_leaky", "gamma-policy=dispatch"),
    ("mobilenet_v2s", "gamma-policy=trust"),
    ("cnn3_elu", "numerics=exact"),
]
PLAN = re.compile(r"func\.func (?:private )?@(\w+)\(.*abn\.plan = \{([^{}]*)\}")


def abn_opt(text, *passes):
    return subprocess.run(["abn-opt", *passes], input=text, capture_output=True, text=True, check=True).stdout


def arenas(module):
    """By function."""
    return {name: int(re.search(r"arena_bytes = (\d+)", plan)[1]) for name, plan in PLAN.findall(module)}


def curve(module):
    """The arenas of the plans that there are for the first function, largest first."""
    return [int(number) for number in re.search(r"curve = array<i64: ([^>]*)>", module)[1].split(", ")][::4]


def check(graph, options):
    """What is wrong with the graph's arenas, and of how many budgets."""
    text = (NETWORKS / f"{graph}.mlir").read_text()
    wrong, budgets = [], []

    def compare(asked, limit=None):
        optimized = abn_opt(text, "--abn-import-aten", f"--abn-optimize={options} {asked}")
        planned, final = arenas(optimized), arenas(abn_opt(optimized, "--abn-plan"))
        for function, arena in planned.items():
            if final[function] > (limit or arena):
                wrong.append(f"{graph} {options} {asked}: @{function} has {final[function]} bytes, {arena} were planned")
        return optimized

    for objective in ("peak", "balanced", "time"):
        optimized = compare(f"objective={objective}")
        budgets = budgets or curve(optimized)
    # In two versions the curve is one's, the arena both's.
    if "dispatch" not in options:
        budgets = sorted({*budgets[:2], budgets[len(budgets) // 2], *budgets[-3:]})
        for budget in budgets:
            compare(f"budget-bytes={budget}", limit=budget)
    return wrong, len(budgets)


def main():
    wrong, budgets = [], 0
    for graph, options in CASES:
        found, count = check(graph, options)
        wrong += found
        budgets += count
    print(*wrong, f"{len(CASES)} graphs, {budgets} budgets, {len(wrong)} arenas too large", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
