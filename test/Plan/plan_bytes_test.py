"""The arenas of real training steps, against bounds that must not be lost again.

  plan_bytes_test.py bytes        every graph below: its arena, and its report checked buffer by buffer
  plan_bytes_test.py budgets      sweeps of budgets, and the objectives
  plan_bytes_test.py determinism  twenty runs give the same bytes

A step's arena has everything but its arguments: its results too. MiB are 2^20 bytes. The report's buffers
are checked here from their offsets and lifetimes alone.
"""

import collections
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
INPUTS = HERE.parent / "Integration" / "Inputs"
NETWORKS = HERE.parent / "Integration" / "Networks" / "Inputs"
LEAKY = HERE.parent.parent / "examples" / "resnet50_leaky.mlir"
MIB = 2**20

EXACT, CHECK, DISPATCH = "numerics=exact", "gamma-policy=check", ""
# Graph, options, the largest arena in MiB.
CASES = [
    ("resnet50_b8_224", EXACT, 390),
    ("resnet50_leaky", EXACT, 390),
    ("resnet50_leaky", CHECK, 380),
    ("resnet50_leaky", DISPATCH, 380),
    ("darknet53_b8_224", EXACT, 345),
    ("darknet53_b8_224", CHECK, 330),
    ("darknet53_b8_224", DISPATCH, 345),
    ("vgg16_bn_b8_224", EXACT, 560),
    ("vgg16_bn_leaky_b8_224", DISPATCH, 560),
    ("mobilenet_v2_b8_224", EXACT, 215),
    ("mobilenet_v2_b8_224", DISPATCH, 215),
    # What was measured, and 1 %.
    ("resnet18_b8_224", EXACT, 110.6),
    ("resnet18_leaky_b8_224", DISPATCH, 110.6),
    ("jax_resnet18_leaky_b8_224", DISPATCH, 110.6),
    ("jax_resnet50_leaky_b8_224", DISPATCH, 380.5),
    ("jax_resnet50_b8_224_sgd", DISPATCH, 399),
    ("tf_resnet18_leaky_b8_224_sgd", DISPATCH, 110.7),
    ("tf_resnet50_b8_224_sgd", DISPATCH, 391),
    ("linalg_resnet18_leaky_b8_224_average", DISPATCH, 109.2),
    ("linalg_resnet50_leaky_b8_224_average", DISPATCH, 402),
]


class Refused(Exception):
    """abn-opt's standard error."""


class Failures:
    def __init__(self):
        self.count = 0

    def expect(self, holds, text):
        if not holds:
            self.count += 1
            print(f"  WRONG: {text}")


def open_graph(graph, folder):
    """The path of a graph and the pass that imports it."""
    if graph == "resnet50_leaky":
        return LEAKY, ["--abn-import-aten"]
    path = NETWORKS / f"{graph}.mlir"
    if path.exists():
        return path, ["--abn-import-aten"]
    path = INPUTS / f"{graph}.mlir"
    if path.exists():
        return path, ["--abn-import-aten"]
    unpacked = pathlib.Path(folder, f"{graph}.mlir")
    unpacked.write_bytes(gzip.decompress(path.with_suffix(".mlir.gz").read_bytes()))
    return unpacked, [] if graph.startswith("linalg_") else ["--abn-import-stablehlo"]


def plan(graph, options, *more):
    """(report, its text and the module's, seconds) of one run. Raises Refused."""
    with tempfile.TemporaryDirectory() as folder:
        path, imports = open_graph(graph, folder)
        report, module = pathlib.Path(folder, "report.json"), pathlib.Path(folder, "step.mlir")
        start = time.time()
        run = subprocess.run(["abn-opt", path, "--allow-unregistered-dialect", *imports,
                              f"--abn-optimize={options}", "--abn-plan",
                              f"--abn-report-memory=output={report}", "-o", module, *more],
                             capture_output=True, text=True)
        if run.returncode:
            raise Refused(run.stderr)
        text = report.read_text()
        return json.loads(text), (text, module.read_bytes()), time.time() - start


# ===----------------------------------------------------------------------===#
# One report
# ===----------------------------------------------------------------------===#


def overlapping(buffers):
    """Two buffers that are live together and share a byte; None if there are none. By the definition,
    one by one in the order of first use."""
    live = []
    for buffer in sorted(buffers, key=lambda b: b["lower"]):
        live = [other for other in live if other["upper"] >= buffer["lower"]]
        for other in live:
            if other["offset"] < buffer["offset"] + buffer["bytes"] and \
                    buffer["offset"] < other["offset"] + other["bytes"]:
                return other, buffer
        live.append(buffer)
    return None


def live_bytes(buffers, steps):
    """By step."""
    change = [0] * (steps + 1)
    for buffer in buffers:
        change[buffer["lower"]] += buffer["bytes"]
        change[buffer["upper"] + 1] -= buffer["bytes"]
    live, total = [], 0
    for step in range(steps):
        total += change[step]
        live.append(total)
    return live


def check_report(report, failures):
    # Of a step in two versions the buffers are the first one's, which recovers by inversion.
    version = report["versions"][0] if "versions" in report else report
    shown, buffers = report["plan"], report["plan"]["buffers"]
    live = live_bytes(buffers, len(shown["steps"]))
    failures.expect(report["convolutions_recomputed"] == 0, "convolutions are computed again")
    for name, figures in [("the step", report)] + [(v["function"], v) for v in report.get("versions", [])]:
        for larger, smaller in (("arena_bytes", "lower_bound_bytes"), ("arena_bytes", "max_live_bytes"),
                                ("lower_bound_bytes", "plan_lower_bound_bytes")):
            failures.expect(figures[larger] >= figures[smaller],
                            f"{name}: {larger} {figures[larger]} < {smaller} {figures[smaller]}")
    failures.expect(overlapping(buffers) is None, f"overlapping: {overlapping(buffers)}")
    end = max(buffer["offset"] + buffer["bytes"] for buffer in buffers)
    failures.expect(end <= version["arena_bytes"], f"a buffer ends at {end}")
    failures.expect(min(buffer["offset"] for buffer in buffers) >= 0, "an offset is negative")
    failures.expect(max(live) == version["max_live_bytes"],
                    f"{max(live)} bytes live, max_live_bytes is {version['max_live_bytes']}")
    failures.expect(live[shown["peak_step"]] == max(live), f"the peak is at {live.index(max(live))}")
    failures.expect(all(0 <= b["lower"] <= b["upper"] < len(live) for b in buffers), "a lifetime")
    check_curve(version, shown["curve"], failures)


def check_curve(version, curve, failures):
    chosen = [point for point in curve if point["chosen"]]
    failures.expect(len(chosen) == 1, f"{len(chosen)} plans are chosen")
    failures.expect(all(point["recompute_bytes"] == version["recompute_bytes"] for point in chosen),
                    "the chosen plan costs something else")
    for before, after in zip(curve, curve[1:]):
        failures.expect(after["arena_bytes"] < before["arena_bytes"], "the curve does not fall")
        failures.expect(after["recompute_bytes"] >= before["recompute_bytes"] or
                        after["convolutions_recomputed"] > 0, "less work in a smaller arena")


def check_bytes(failures):
    print(f"{'graph':37} {'numerics':13} {'arena':>7} {'live':>7} {'bound':>7} {'again':>7} {'s':>5}   MiB")
    for graph, options, limit in CASES:
        report, _, seconds = plan(graph, options)
        figures = [report[key] / MIB for key in
                   ("arena_bytes", "max_live_bytes", "plan_lower_bound_bytes", "recompute_bytes")]
        numerics = {EXACT: "exact", CHECK: "invert", DISPATCH: "dispatch"}[options]
        if numerics == "dispatch" and "versions" not in report:
            numerics = "dispatch (1)"
        print(f"{graph:37} {numerics:13}", *(f"{figure:7.1f}" for figure in figures), f"{seconds:5.1f}")
        failures.expect(figures[0] <= limit, f"the arena is larger than {limit} MiB")
        check_report(report, failures)


# ===----------------------------------------------------------------------===#
# Budgets and objectives
# ===----------------------------------------------------------------------===#

REFUSAL = re.compile(r"no plan within the budget of (\d+) bytes: the smallest arena found has (\d+) bytes"
                     r".*proved: no plan has less than (\d+) bytes, none without recomputing convolutions "
                     r"less than (\d+)", re.S)


def check_objectives(graph, options, failures):
    peak, balanced, fast = (plan(graph, f"{options} objective={objective}")[0]
                            for objective in ("peak", "balanced", "time"))
    for key, order in (("arena_bytes", (peak, balanced, fast)), ("recompute_bytes", (fast, balanced, peak))):
        values = [report[key] for report in order]
        print(f"{graph} {options}: {key}", *(f"{value / MIB:.1f}" for value in values))
        failures.expect(values == sorted(values), f"{key} is not in the objectives' order: {values}")
    failures.expect(balanced["arena_bytes"] <= peak["arena_bytes"] * 1.03,
                    "balanced needs 3 % more than peak")
    # What an inversion gives back counts as computed again, whatever the objective.
    failures.expect(fast["recompute_bytes"] == 0 or fast["numerics"] == "invert",
                    "objective=time computes something again")
    return fast["arena_bytes"], peak["plan_lower_bound_bytes"]


def check_budgets(failures):
    graph, options = "resnet50_b8_224", EXACT
    largest, bound = check_objectives(graph, options, failures)
    check_objectives("resnet50_leaky", CHECK, failures)
    top, bottom, count = 1.2 * largest, 0.3 * bound, 20
    previous, outcomes = top, collections.Counter()
    for i in range(count):
        budget = int(top + (bottom - top) * i / (count - 1))
        try:
            report = plan(graph, f"{options} budget-bytes={budget}")[0]
        except Refused as refusal:
            outcomes["refused"] += 1
            said = REFUSAL.search(str(refusal))
            print(f"budget {budget / MIB:7.1f} MiB: refused")
            failures.expect(said is not None, f"the refusal does not say why: {str(refusal)[:500]}")
            if said:
                asked, smallest, proved, without = map(int, said.groups())
                failures.expect(asked == budget and proved <= without and proved <= smallest,
                                f"the refusal of {budget} says {said.groups()}")
                failures.expect(smallest > budget, f"refused, but {smallest} bytes would do")
            continue
        arena, again = report["arena_bytes"], report["convolutions_recomputed"]
        print(f"budget {budget / MIB:7.1f} MiB: arena {arena / MIB:7.1f}, again "
              f"{report['recompute_bytes'] / MIB:7.1f}, convolutions {again}")
        outcomes["with convolutions" if again else "met"] += 1
        failures.expect(outcomes["refused"] == 0, "met after a larger budget was refused")
        failures.expect(arena <= budget, f"budget {budget} not met: {arena}")
        failures.expect(arena <= previous, f"the arena rises to {arena} when the budget falls")
        failures.expect(again > 0 or budget >= bound, "met below the proved bound")
        failures.expect(arena >= report["plan_lower_bound_bytes"], "the arena is below its own bound")
        failures.expect(again == 0 or budget < previous, "convolutions are computed again too soon")
        previous = arena
    # A plan that fits once it is packed with care is not passed over for a dearer one: that took 37.
    again = plan(graph, f"{options} budget-bytes={200 * MIB}")[0]["convolutions_recomputed"]
    print(f"budget 200 MiB: convolutions {again}")
    failures.expect(again <= 30, f"{again} convolutions are computed again for 200 MiB")
    # The sweep reaches every outcome, or it checks nothing.
    failures.expect(len(outcomes) == 3, f"only {dict(outcomes)}")
    # Graph, options, budgets, and the largest that may be refused: the inverting version reaches with convolutions
    # what the exact one does, about; with both the exact one goes on alone.
    sweep_down("resnet18s_leaky", CHECK, [900_000, 760_000, 745_000, 700_000], 740_000, failures)
    sweep_down("cnn3_leaky", CHECK, [500_000, 400_000, 320_000, 200_000], 310_000, failures)
    sweep_down("darknet53_b8_224", CHECK, [320 * MIB, 250 * MIB, 200 * MIB, 190 * MIB], 200 * MIB, failures)
    budgets = [400 * MIB, 362 * MIB, 300 * MIB, 240 * MIB, 200 * MIB, 185_000_000, 180_000_000]
    alone = sweep_down("resnet50_leaky", DISPATCH, budgets, 184_000_000, failures)
    failures.expect(alone == 1, f"the exact version is alone in {alone} budgets")


def sweep_down(graph, options, budgets, refusable, failures):
    """Met or refused, never a larger arena, and what is refused names a budget that is met. Returns how often
    the exact version is alone."""
    previous, alone = None, 0

    def meet(budget):
        nonlocal previous, alone
        report = plan(graph, f"{options} budget-bytes={budget}")[0]
        arena = report["arena_bytes"]
        print(f"{graph} {options} budget {budget}: arena {arena}, convolutions {report['convolutions_recomputed']}, "
              f"{report['numerics']}")
        failures.expect(arena <= budget, f"budget {budget} not met: {arena}")
        failures.expect(previous is None or arena <= previous, f"the arena rises to {arena}")
        previous = arena
        alone += options == DISPATCH and "versions" not in report

    for budget in budgets:
        try:
            meet(budget)
        except Refused as refusal:
            said = REFUSAL.search(str(refusal))
            print(f"{graph} {options} budget {budget}: refused, {said and said[2]} named")
            failures.expect(said is not None, f"the refusal does not say why: {str(refusal)[:500]}")
            failures.expect(budget <= refusable, f"{budget} is refused")
            counted = alone
            meet(int(said[2]))
            return counted
    failures.expect(False, "nothing is refused")


# ===----------------------------------------------------------------------===#
# Determinism
# ===----------------------------------------------------------------------===#


def check_determinism(failures):
    outputs = collections.Counter()
    for run in range(20):
        more = ["--mlir-disable-threading"] if run % 2 else []
        report, output, _ = plan("resnet18_leaky_b8_224", DISPATCH, *more)
        failures.expect(len(report["versions"]) == 2, "one version")
        outputs[output] += 1
    print(f"{len(outputs)} different outputs of {sum(outputs.values())} runs")
    failures.expect(len(outputs) == 1, "the outputs differ")


def main(what):
    failures = Failures()
    {"bytes": check_bytes, "budgets": check_budgets, "determinism": check_determinism}[what](failures)
    print(f"{failures.count} wrong")
    return 1 if failures.count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
