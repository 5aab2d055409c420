"""The bytes that abn-report-memory finds on real graphs, against numbers from another program.

Inputs/saved_bytes.json holds, per graph, what crosses to the backward as traced (to be met to the
byte), and bounds for the rewrite without and with through-add. In every report the tensors listed
must sum to the totals, there must be one chain per batch norm, and each kept one must say why.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHIPPED = {"resnet50_leaky_b8_224": os.path.join(ROOT, "examples", "resnet50_leaky.mlir")}


def report(graph, options):
    path = SHIPPED.get(graph, os.path.join(HERE, "Inputs", f"{graph}.mlir"))
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "report.json")
        subprocess.run(["abn-opt", path, "--abn-import-aten", f"--abn-optimize={options}",
                        f"--abn-report-memory=output={output}", "-o", os.devnull], check=True)
        with open(output) as file:
            return json.load(file)


def problems(result, bound, expected):
    """What is wrong with one report, as sentences."""
    if result["saved_bytes_before"] != expected["plain"]:
        yield f"before: {result['saved_bytes_before']}, expected {expected['plain']}"
    if result["saved_bytes_after"] > bound:
        yield f"after: {result['saved_bytes_after']}, expected at most {bound}"
    if not 0 < result["peak_live_bytes_after"] <= result["peak_live_bytes_before"]:
        yield f"peak: {result['peak_live_bytes_before']} before, {result['peak_live_bytes_after']} after"
    for when in ("before", "after"):
        if sum(tensor["bytes"] for tensor in result[f"saved_{when}"]) != result[f"saved_bytes_{when}"]:
            yield f"the tensors saved {when} do not sum to the total"
    if not result["batch_norms"] == len(result["chains"]) == expected["batch_norms"]:
        yield f"{len(result['chains'])} chains, expected {expected['batch_norms']}"
    for chain in result["chains"]:
        if chain["strategy"] not in ("in-place", "through-add", "kept"):
            yield f"{chain['name']} has strategy {chain['strategy']}"
        if (chain["strategy"] == "kept") != bool(chain.get("reason")):
            yield f"{chain['name']} is {chain['strategy']} for the reason {chain.get('reason')}"


def main():
    with open(os.path.join(HERE, "Inputs", "saved_bytes.json")) as file:
        graphs = {name: row for name, row in json.load(file).items() if not name.startswith("_")}
    failures = 0
    mib = lambda count: f"{count / 2**20:9.1f}"
    print(f"{'graph':28} {'before':>9} {'in place':>9} {'through':>9}   MiB saved for the backward")
    for name, expected in graphs.items():
        inplace = report(name, "through-add=false")
        through = report(name, "through-add=true")
        print(f"{name:28}", mib(inplace["saved_bytes_before"]), mib(inplace["saved_bytes_after"]),
              mib(through["saved_bytes_after"]))
        for result, bound in ((inplace, expected["inplace_abn"]),
                              (through, expected["plus_residual_inversion_any"])):
            for problem in problems(result, bound, expected):
                print(f"  {name}: {problem}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
