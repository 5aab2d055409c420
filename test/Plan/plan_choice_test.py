"""Steps that choose between two arguments, one or both of them donated, planned: every result has the bits of the
unplanned step, for both outcomes, and the arena is what was planned and not below its bound."""

import re
import sys

import numpy as np
import planned_step
from planned_step import mlir_exec

FULL = "tensor<16x16xf32>"
SELECT = f"%v = arith.select %b, %x, %p : {FULL}"
BRANCH = f"""%v = scf.if %b -> {FULL} {{
    scf.yield %x : {FULL}
  }} else {{
    scf.yield %p : {FULL}
  }}"""
# Whose last reader could write over what it reads, were it a buffer of the arena's or one that was given up.
LAST_READ = f"""%g = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%v : {FULL}) outs(%e : {FULL}) {{
  ^bb0(%a: f32, %o: f32):
    %r = math.tanh %a : f32
    linalg.yield %r : f32
  }} -> {FULL}
  %h = linalg.generic {{indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%g, %p : {FULL}, {FULL}) outs(%e : {FULL}) {{
  ^bb0(%a: f32, %k: f32, %o: f32):
    %r = arith.mulf %a, %k : f32
    linalg.yield %r : f32
  }} -> {FULL}"""
# An update of an argument that is read by its other name, elsewhere.
UPDATE = f"""%g = linalg.generic {{indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%v : {FULL}) outs(%x : {FULL}) {{
  ^bb0(%a: f32, %o: f32):
    %r = arith.subf %o, %a : f32
    linalg.yield %r : f32
  }} -> {FULL}
  %h = linalg.transpose ins(%g : {FULL}) outs(%e : {FULL}) permutation = [1, 0]"""


def step(choice, work, donated):
    kept = "" if donated == "one" else " {abn.donated}"
    return f"""
#id = affine_map<(i, j) -> (i, j)>
#transposed = affine_map<(i, j) -> (j, i)>
#scalar = affine_map<(i, j) -> ()>
func.func @main(%c: tensor<i1>, %x: {FULL} {{abn.donated}}, %p: {FULL}{kept}, %q: {FULL})
    -> (tensor<f32> {{abn.role = "loss"}}, {FULL}, {FULL}) {{
  %zero = arith.constant 0.0 : f32
  %b = tensor.extract %c[] : tensor<i1>
  %e = tensor.empty() : {FULL}
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %loss = linalg.generic {{indexing_maps = [#id, #scalar], iterator_types = ["reduction", "reduction"]}}
      ins(%q : {FULL}) outs(%f0 : tensor<f32>) {{
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  }} -> tensor<f32>
  {choice}
  {work}
  return %loss, %g, %h : tensor<f32>, {FULL}, {FULL}
}}"""


def check(text):
    """What is wrong, for whichever outcome."""
    planned = planned_step.abn_opt(text, ["--abn-optimize=numerics=exact recognize=false"])
    expected = int(re.search(r"abn\.plan = \{arena_bytes = (\d+)", planned)[1])
    placed = planned_step.PlannedStep(planned_step.abn_opt(planned, ["--abn-plan=arena=argument"]), optimize="-O0")
    unplanned = mlir_exec.compile_module(text, planned_step.LOWER, optimize="-O0")
    wrong = []
    if not placed.plan["plan_lower_bound_bytes"] <= placed.arena_bytes <= expected:
        wrong.append(f"bound {placed.plan['plan_lower_bound_bytes']}, arena {placed.arena_bytes}, planned {expected}")
    generator = np.random.default_rng(0)
    tensors = [generator.standard_normal((16, 16)).astype(np.float32) for _ in range(3)]
    for outcome in (True, False):
        arguments = [np.array(outcome), *tensors]
        wanted, run = unplanned.call("main", arguments), placed.run(arguments)
        different = [i for i, pair in enumerate(zip(run.results, wanted)) if not planned_step.same_bits(*pair)]
        if different:
            wrong.append(f"results {different} have other bits for {outcome}")
    return wrong


def main():
    count = 0
    for choice in (SELECT, BRANCH):
        for work in (LAST_READ, UPDATE):
            for donated in ("one", "both"):
                for problem in check(step(choice, work, donated)):
                    count += 1
                    print(f"{choice[:12]}, {'update' if work == UPDATE else 'last read'}, {donated} donated: {problem}")
    print(f"{count} problems")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
