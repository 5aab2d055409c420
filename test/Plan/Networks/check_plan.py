"""Plans a training step, runs it, and compares what it returns and what it touches.

  check_plan.py exact GRAPH.mlir       the network's own arithmetic, recognised batch norms
  check_plan.py decomposed GRAPH.mlir  the same without recognition
  check_plan.py invert GRAPH.mlir      chains in place, inputs recovered
  check_plan.py dispatch GRAPH.mlir    both versions in one arena, chosen by the smallest gamma
  check_plan.py faults GRAPH.mlir      wrong plans must be refused, and must show when they run

The first three check, against the same graph run without a plan by the same executor and against f64
(GRAPH.npz): every result bit for bit (`invert`: within the tolerances of reference.py); that the last
byte of the arena that is written is the last of the plan's arena_bytes; and the instrumented step,
whose arena has 0xFF in every dead byte and canaries between the slots: the same bits again.
Exit status 1 if something is wrong, 2 if a tool failed.
"""

import argparse
import pathlib
import re
import sys
import time

here = pathlib.Path(__file__).parent
sys.path[:0] = [str(here.parent), str(here.parent.parent / "Integration" / "Networks")]
import check_exec
import planned_step
import reference
from planned_step import PlannedStep, ToolError, same_bits

import mlir_exec
import numpy as np

CANARY_BYTES = 32
# Compiling takes longer than running, and the optimiser most of it; no optimisation changes a bit.
# The small networks of `decomposed` are compiled with it all the same.
OPTIMIZE = {"decomposed": "-O1"}
# Of each kind of fault, so many are planted.
FAULTS = 4


class Step:
    """A graph, its reference and its plan."""

    def __init__(self, options, numerics):
        self.compilation = {"cache": options.cache,
                            "optimize": OPTIMIZE.get(options.mode, "-O0")}
        self.text = pathlib.Path(options.graph).read_text()
        [importer] = check_exec.importer(options.graph)
        self.passes = planned_step.before_plan(importer, numerics)
        self.reference = reference.Reference.load(pathlib.Path(options.graph).with_suffix(".npz"))
        self.problem = planned_step.form_problem(self.text, self.passes)

    @property
    def arguments(self):
        return self.reference.arguments

    def compile(self, placed, instrumented=False):
        return PlannedStep(placed, instrumented, **self.compilation)

    def run_unplanned(self):
        program = mlir_exec.compile_module(self.text, [*self.passes, *planned_step.LOWER],
                                           **self.compilation)
        return program.call("main", self.arguments)


class Findings:
    def __init__(self):
        self.wrong = 0

    def expect(self, holds, text):
        self.wrong += not holds
        print(("ok: " if holds else "WRONG: ") + text)

    def expect_bits(self, got, wanted, text):
        different = [i for i, pair in enumerate(zip(got, wanted)) if not same_bits(*pair)]
        self.expect(len(got) == len(wanted) and not different,
                    f"{text}: {len(wanted) - len(different)} of {len(wanted)} results have the same bits" +
                    (f", not {different[:10]}" if different else ""))


def check(options):
    step, findings = Step(options, options.mode), Findings()
    placed = planned_step.place(step.problem)
    planned_step.verify(placed)
    compiled = step.compile(placed)
    run = compiled.run(step.arguments)
    unplanned = step.run_unplanned()
    worst, problems = reference.compare(step.reference, run.results)
    findings.expect(not problems, "\n  ".join([f"planned against f64: worst relative error {worst:.2e}",
                                              *problems]))
    if options.mode == "invert":
        worst, problems = reference.compare(step.reference, run.results, against=unplanned)
        findings.expect(not problems, f"planned against unplanned: worst relative error {worst:.2e}")
    else:
        findings.expect_bits(run.results, unplanned, "planned against unplanned")
    findings.expect(run.high_water == compiled.arena_bytes,
                    f"the last byte written is {run.high_water}, arena_bytes is {compiled.arena_bytes}")

    placed = planned_step.place(step.problem, CANARY_BYTES)
    planned_step.verify(placed)
    instrumented = step.compile(placed, instrumented=True)
    results, said = planned_step.run_apart(instrumented, step.arguments)
    findings.expect(results is not None, f"the instrumented step runs to its end {said}")
    if results is not None:
        findings.expect_bits(results, run.results, "instrumented against planned")
    return findings


#===------------------------------------------------------------------------------------------===#
# Versions
#===------------------------------------------------------------------------------------------===#

def inverted_gammas(text, importer):
    """Indices of the arguments that are gammas of chains which the backward inverts."""
    rewritten = planned_step.abn_opt(text, [importer, "--abn-optimize=plan=false"])
    backward = re.findall(r"abn\.(?:inplace_backward|recover)\b.*?gamma\(%arg(\d+)", rewritten)
    return sorted(set(map(int, backward)))


def check_dispatch(options):
    """abn-optimize and abn-plan as users call them: the inverting version while every gamma is
    large enough, bit for bit; the unplanned step's own bits as soon as one is not."""
    step, findings = Step(options, "invert"), Findings()
    [importer] = check_exec.importer(options.graph)
    placed = planned_step.abn_opt(step.text, [importer, "--abn-optimize", "--abn-plan=arena=argument"])
    both = step.compile(placed)
    inverting = planned_step.abn_opt(
        step.text, [importer, "--abn-optimize=gamma-policy=check", "--abn-plan=arena=argument"])
    inverting = step.compile(inverting)
    findings.expect(both.arena_bytes >= inverting.arena_bytes, "the arena has room for both versions")
    run = both.run(step.arguments)
    findings.expect_bits(run.results, inverting.run(step.arguments).results,
                         "gammas as they are: the inverting version")
    findings.expect(run.high_water <= both.arena_bytes, "nothing behind the arena is written")

    unplanned = mlir_exec.compile_module(step.text, [importer, "--abn-recognize", *planned_step.LOWER],
                                         **step.compilation)
    gammas = inverted_gammas(step.text, importer)
    findings.expect(bool(gammas), f"{len(gammas)} gammas are inverted")
    for index, value in [(gammas[0], 0.0), (gammas[-1], 0.0), (gammas[0], -9e-4), (gammas[0], np.nan)]:
        arguments = [np.array(argument) for argument in step.arguments]
        arguments[index][0] = value
        findings.expect_bits(both.run(arguments).results, unplanned.call("main", arguments),
                             f"gamma {value} in argument {index}: the unplanned step's own bits")
    # As soon as it has grown, the step switches over by itself.
    arguments = [np.array(argument) for argument in step.arguments]
    arguments[gammas[0]][0] = -1.1e-3
    findings.expect_bits(both.run(arguments).results, inverting.run(arguments).results,
                         "gamma -1.1e-3: the inverting version")
    return findings


#===------------------------------------------------------------------------------------------===#
# Faults
#===------------------------------------------------------------------------------------------===#

def is_refused(placed):
    try:
        planned_step.verify(placed)
    except ToolError as error:
        assert "(plan_c" in str(error), error
        return True
    return False


class FaultRuns:
    """Runs plans with a fault in them, instrumented, beside the results of the right plan."""

    def __init__(self, step, findings):
        self.step, self.findings = step, findings
        placed = planned_step.place(step.problem, CANARY_BYTES)
        self.placed = placed
        self.buffers = planned_step.buffers(step.problem, placed)
        self.right, _ = step.compile(placed, instrumented=True).run_once(
            step.arguments, planned_step.PATTERNS[0])

    def symptom(self, placed):
        """How a plan shows that it is wrong: `stopped`, `NaN`; `other bits`; None if it does not."""
        results, said = planned_step.run_apart(self.step.compile(placed, instrumented=True),
                                               self.step.arguments)
        if results is None:
            return "stopped" if "abn: " in said else "crashed"
        if any(np.isnan(r.astype(np.float64)).any() for r in results):
            return "NaN"
        return None if all(map(same_bits, results, self.right)) else "other bits"

    def inner_pairs(self):
        """Buffers (outer, inner) such that inner lives within outer's life, the largest first."""
        pairs = [(outer, inner) for outer in self.buffers for inner in self.buffers
                 if outer.lower < inner.lower and inner.upper < outer.upper and outer.size >= 64
                 and inner.size >= 64]
        return sorted(pairs, key=lambda pair: (-min(pair[0].size, pair[1].size), pair[0].slot,
                                               pair[1].slot))

    def arena_bytes(self):
        return max(buffer.end for buffer in self.buffers) + CANARY_BYTES

    def move_onto(self):
        """Overlapping offsets: all of the smaller, then one element."""
        for shift in ("start", "last element"):
            planted, used = 0, set()
            for outer, inner in self.inner_pairs():
                offset = outer.offset if shift == "start" else outer.end - 8
                if planted == FAULTS or outer.slot in used or \
                        offset + inner.size + CANARY_BYTES > self.arena_bytes():
                    continue
                planted += 1
                used.add(outer.slot)
                fault = planned_step.with_offset(self.placed, inner.slot, offset)
                label = f"slot {inner.slot} onto the {shift} of slot {outer.slot}"
                self.findings.expect(is_refused(fault), f"{label}: refused by abn-verify-plan")
                self.findings.expect(self.symptom(fault) in ("stopped", "NaN"),
                                     f"{label}: shows when it runs")
            self.findings.expect(planted > 0, f"{planted} slots moved onto a {shift}")

    def move_behind(self):
        """A slot on its neighbour's canary only: no byte is shared, and only the canary sees it."""
        planted, used = 0, set()
        for outer, inner in self.inner_pairs():
            fault = planned_step.with_offset(self.placed, inner.slot, outer.end)
            if planted == FAULTS or outer.slot in used or \
                    outer.end + inner.size + CANARY_BYTES > self.arena_bytes() or is_refused(fault):
                continue
            planted += 1
            used.add(outer.slot)
            self.findings.expect(self.symptom(fault) == "stopped",
                                 f"slot {inner.slot} onto the canary of slot {outer.slot}: stopped")
        self.findings.expect(planted > 0, f"{planted} slots moved onto a canary")

    def cut_lifetimes(self):
        """A lifetime that ends half-way: what the checker accepts computes the right bits, what it
        refuses does not."""
        refused = 0
        longest = sorted(self.buffers, key=lambda b: (-(b.upper - b.lower) * b.size, b.slot))
        for buffer in longest[:3 * FAULTS]:
            middle = (buffer.lower + buffer.upper) // 2
            problem = planned_step.with_lifetime(self.step.problem, buffer.slot, buffer.lower, middle)
            fault = planned_step.place(problem, CANARY_BYTES)
            label = f"slot {buffer.slot} until step {middle} instead of {buffer.upper}"
            is_wrong, symptom = is_refused(fault), self.symptom(fault)
            refused += is_wrong
            if is_wrong:
                self.findings.expect(symptom in ("stopped", "NaN"), f"{label}: refused, and {symptom}")
            else:
                self.findings.expect(symptom is None, f"{label}: harmless here, {symptom or 'right'}")
        self.findings.expect(refused >= 2, f"{refused} cut lifetimes refused")


def check_faults(options):
    findings = Findings()
    faults = FaultRuns(Step(options, "exact"), findings)
    faults.move_onto()
    faults.move_behind()
    faults.cut_lifetimes()
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["exact", "decomposed", "invert", "dispatch", "faults"])
    parser.add_argument("graph")
    parser.add_argument("--cache", default="exec-cache", help="folder of compiled modules")
    options = parser.parse_args()
    start = time.time()
    try:
        findings = {"faults": check_faults, "dispatch": check_dispatch}.get(options.mode, check)(options)
    except ToolError as error:
        print(error)
        return 2
    print(f"{time.time() - start:.1f} s, {findings.wrong} wrong")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
