"""The bytes that abn-report-memory finds on real graphs, against numbers from another program.

Inputs/saved_bytes.json holds, per graph, what crosses to the backward as traced (to be met to the
byte), and bounds for the rewrite without and with through-add. In every report the tensors listed
must sum to the totals, there must be one chain per batch norm, and each kept one must say why.

Graphs of other front ends hold decomposed batch norms: all must be recognised, whole, and then need
what PyTorch's graph of the same network needs; the stages check themselves (`verify-equivalence`).
"""

import collections
import gzip
import json
import os
import re
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
        subprocess.run(["abn-opt", path, "--abn-import-aten", f"--abn-optimize=plan=false {options}",
                        f"--abn-report-memory=output={output}", "-o", os.devnull], check=True)
        with open(output) as file:
            return json.load(file)


def recognized(graph, front_end):
    """The report and the rewritten text of a graph in which batch norms are decomposed."""
    imports = ["--abn-import-stablehlo"] if front_end == "stablehlo" else []
    with tempfile.TemporaryDirectory() as folder:
        path, step, output = (os.path.join(folder, name) for name in (f"{graph}.mlir", "step.mlir", "report.json"))
        with gzip.open(os.path.join(HERE, "Inputs", f"{graph}.mlir.gz")) as packed, open(path, "wb") as file:
            file.write(packed.read())
        subprocess.run(["abn-opt", path, "--allow-unregistered-dialect", *imports,
                        "--abn-optimize=plan=false verify-equivalence", f"--abn-report-memory=output={output}",
                        "-o", step], check=True)
        with open(output) as report_file, open(step) as step_file:
            return json.load(report_file), step_file.read()


def problems(result, bound, expected):
    """What is wrong with one report, as sentences."""
    if "plain" in expected and result["saved_bytes_before"] != expected["plain"]:
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


def recognition_problems(result, step, pytorch, expected):
    """What is wrong with a step whose batch norms had to be recognised. `pytorch`: bytes after, there."""
    bound = pytorch - expected["less"]
    yield from problems(result, bound * 1.002, expected)
    if result["saved_bytes_after"] < bound * 0.998:
        yield f"after: {result['saved_bytes_after']}, less than the {bound} of the same network"
    ops = collections.Counter(re.findall(r"= abn\.(\w+)", step))
    if ops["inplace_backward"] + ops["batch_norm_grad"] != expected["batch_norms"]:
        yield f"backward: {ops['inplace_backward'] + ops['batch_norm_grad']} of {expected['batch_norms']}"
    activations = len(re.findall(rf"= abn\.(?:activation|inplace_forward) #abn\.{expected['activation']} ", step))
    if activations != expected["activations"]:
        yield f"{activations} times {expected['activation']}, expected {expected['activations']}"
    if expected["activation"].startswith("leaky_relu"):
        yield from crossing_problems(result, 1 if expected["less"] else 0)


def crossing_problems(result, averages):
    """Where all chains are invertible nothing full crosses but their outputs, sums' and pooling's."""
    full = collections.Counter(t["name"].split("#")[0].split()[0] for t in result["saved_after"]
                               if t["type"].count("x") >= 4)
    allowed = {"abn.inplace_forward", "abn.activation", "dnn.max_pool"}
    for op, count in full.items():
        if op not in allowed and not (op == "linalg.generic" and count == averages):
            yield f"{count} full results of {op} cross"
    kept = [chain["name"] for chain in result["chains"] if chain["strategy"] == "kept"]
    if kept:
        yield f"kept: {kept}"


def main():
    with open(os.path.join(HERE, "Inputs", "saved_bytes.json")) as file:
        graphs = {name: row for name, row in json.load(file).items() if not name.startswith("_")}
    failures = 0
    mib = lambda count: f"{count / 2**20:9.1f}"
    print(f"{'graph':28} {'before':>9} {'in place':>9} {'through':>9}   MiB saved for the backward")
    for name, expected in graphs.items():
        if "front_end" in expected:
            continue
        inplace = report(name, "through-add=false")
        through = report(name, "through-add=true")
        print(f"{name:28}", mib(inplace["saved_bytes_before"]), mib(inplace["saved_bytes_after"]),
              mib(through["saved_bytes_after"]))
        for result, bound in ((inplace, expected["inplace_abn"]),
                              (through, expected["plus_residual_inversion_any"])):
            for problem in problems(result, bound, expected):
                print(f"  {name}: {problem}")
                failures += 1
    print(f"{'recognised':36} {'before':>9} {'after':>9}")
    for name, expected in graphs.items():
        if "front_end" not in expected:
            continue
        result, step = recognized(name, expected["front_end"])
        print(f"{name:36}", mib(result["saved_bytes_before"]), mib(result["saved_bytes_after"]))
        pytorch = graphs[expected["same_as"]]["plus_residual_inversion_any"]
        for problem in recognition_problems(result, step, pytorch, expected):
            print(f"  {name}: {problem}")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
