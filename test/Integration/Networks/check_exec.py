"""Runs a training step before and after the rewrite, and compares every result with f64.

  check_exec.py original GRAPH.mlir     imports and lowers the graph as it is
  check_exec.py rewritten GRAPH.mlir    optimises it first, and also compares with the original
  check_exec.py calls GRAPH.mlir        plans it and runs its primitives through the runtime's library
  check_exec.py gpu GRAPH.mlir          the same with kernels for all the rest, on the emulator (abn-run)

GRAPH.npz lies beside the graph (reference.py says what it holds). The lowered text must consist of
upstream dialects only; an independent compiler (engines.py) runs it. Exit status 1 if a result is
out of tolerance, 2 if a step before the run failed.
"""

import argparse
import json
import pathlib
import re
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import engines
import reference
from mlir_exec import DnnLibrary, ToolError, abn_opt, compile_module, find_tool, tool

# Each importer leaves what it does not know alone.
IMPORT = {"aten.": "--abn-import-aten", "stablehlo.": "--abn-import-stablehlo"}
LOWER = ["--convert-abn-to-linalg", "--convert-dnn-to-linalg"]
# Named elementwise ops of linalg come and go between versions; the generic op does not.
PORTABLE = ["--linalg-generalize-named-ops", "--mlir-print-op-generic", "--mlir-print-local-scope"]
UPSTREAM = {"builtin", "func", "linalg", "tensor", "arith", "math", "scf", "affine", "complex", "cf"}


def without_argument_attributes(text):
    """Drops arg_attrs and res_attrs: they carry abn.role and abn.name, which other compilers refuse.
    Counts brackets, because the attributes nest and their strings may hold anything."""
    start = re.compile(r",?\s*(?:arg_attrs|res_attrs) = \[")
    while match := start.search(text):
        at, depth, quoted = match.end(), 1, False
        while depth:
            character = text[at]
            if quoted:
                quoted = character != '"' or text[at - 1] == "\\"
            elif character == '"':
                quoted = True
            else:
                depth += (character == "[") - (character == "]")
            at += 1
        before, after = text[:match.start()], text[at:]
        if before.rstrip().endswith("{"):
            after = re.sub(r"^\s*,\s*", "", after)
        text = before + after
    return text


def lowered(options, passes):
    """The graph after `passes`, as text that any MLIR compiler reads."""
    ours = tool([find_tool("abn-opt"), options.graph, *passes])
    # A stock tool reads it: nothing of ours is left.
    text = tool([find_tool("mlir-opt"), *PORTABLE], ours)
    ops = set(re.findall(r'(?:^|= |\s)"([a-zA-Z_][\w$]*\.[\w$.]+)"(?=\(|\s*<|\s*:)', text))
    foreign = sorted(op for op in ops if op.split(".")[0] not in UPSTREAM)
    if foreign:
        raise ToolError(f"ops of other dialects are left: {foreign[:20]}")
    return without_argument_attributes(text)


def execute(options, text, expected):
    """The results, from the first engine that can compile the text."""
    candidates = {
        "iree": engines.Iree(options.cache),
        "mlir": engines.Mlir(),
    }
    names = ["iree", "mlir"] if options.engine == "auto" else [options.engine]
    for name in names:
        start = time.time()
        try:
            results = candidates[name].run(text, options.function, expected.arguments)
        except ToolError as error:
            if name == names[-1]:
                raise
            print(f"note: {name} failed, trying the next engine: {error}")
        else:
            print(f"{name}: compiled and ran in {time.time() - start:.1f} s")
            return results


def report(label, reference_results, problems, worst):
    total = len(reference_results)
    print(f"{label}: {total - len(problems)}/{total} results agree, worst relative error {worst:.2e}")
    for problem in problems:
        print(f"  {problem}")
    return not problems


def importer(graph):
    """The pass that reads the graph's ops."""
    text = pathlib.Path(graph).read_text()
    return [name for prefix, name in IMPORT.items() if f'"{prefix}' in text]


def check(options):
    expected = reference.Reference.load(pathlib.Path(options.graph).with_suffix(".npz"))
    imports = importer(options.graph)
    optimize = options.optimize.split() if options.mode == "rewritten" else []
    results = execute(options, lowered(options, imports + optimize + LOWER), expected)
    worst, problems = reference.compare(expected, results)
    good = report("against f64", expected.results, problems, worst)
    if options.mode == "rewritten":
        original = execute(options, lowered(options, imports + LOWER), expected)
        worst, problems = reference.compare(expected, results, against=original)
        good = report("against the original", expected.results, problems, worst) and good
    return 0 if good else 1


def check_calls(options):
    """The planned step as users get it; upstream's loops compute what the library does not."""
    expected = reference.Reference.load(pathlib.Path(options.graph).with_suffix(".npz"))
    planned = abn_opt(pathlib.Path(options.graph).read_text(),
                      [*importer(options.graph), "--abn-optimize", "--abn-plan", "--convert-dnn-to-calls"])
    left = re.findall(r"^\s*(dnn\.\w+|linalg\.(?:batch_)?matmul)\b", planned, re.M)
    if left:
        raise ToolError(f"ops are left: {sorted(set(left))}")
    runtime = DnnLibrary()
    program = compile_module(planned, LOWER, cache=options.cache)
    results = program.call(options.function, expected.arguments)
    if error := runtime.take_error():
        raise ToolError(error)
    worst, problems = reference.compare(expected, results)
    calls = planned.count("llvm.call @abnDnn")
    return 0 if report(f"{calls} calls, against f64", expected.results, problems, worst) else 1


def check_gpu(options):
    """The step as a GPU gets it, by abn-run on the emulator: each version, under three schedules with equal
    bits, in the device memory that is planned. The results are judged here as well as there."""
    stored = pathlib.Path(options.graph).with_suffix(".npz")
    expected = reference.Reference.load(stored)
    good = True
    for numerics in ("", "gamma-policy=trust", "numerics=exact"):
        start = time.time()
        with tempfile.TemporaryDirectory() as folder:
            output, found = f"{folder}/results.npz", f"{folder}/found.json"
            tool([find_tool("abn-run"), options.graph, f"--function={options.function}",
                  f"--optimize={numerics}", f"--inputs={stored}", f"--compare={stored}", "--schedules=3",
                  f"--output={output}", f"--json={found}"])
            found = json.loads(pathlib.Path(found).read_text())
            with np.load(output) as arrays:
                results = [reference.decode(arrays[f"result{i}"], kind)
                           for i, kind in enumerate(expected.dtypes)]
        memory = found["memory"]
        assert memory["as_planned"], memory
        worst, problems = reference.compare(expected, results)
        good = report(f"{numerics or 'default'}: {found['total']['launches']} launches of "
                      f"{len(found['kernels'])} kernels, {memory['step_bytes']} bytes of device memory as "
                      f"planned, {time.time() - start:.1f} s, against f64",
                      expected.results, problems, worst) and good
    return 0 if good else 1


def check_chip(options):
    """The planned step with kernels for another chip on the emulator, in each version, under three schedules
    with equal bits."""
    import gpu_exec
    expected = reference.Reference.load(pathlib.Path(options.graph).with_suffix(".npz"))
    good = True
    for numerics in ("", "gamma-policy=trust", "numerics=exact"):
        planned = abn_opt(pathlib.Path(options.graph).read_text(),
                          [*importer(options.graph), f"--abn-optimize={numerics}",
                           f"--abn-plan=chip={options.chip}"])
        program, first = gpu_exec.GpuStep(planned, options.chip), None
        for _ in gpu_exec.schedules():
            results = program.call(options.function, expected.arguments)
            bits = [np.asarray(result).tobytes() for result in results]
            assert first in (None, bits), "the schedule changes a result"
            first = bits
        worst, problems = reference.compare(expected, results)
        good = report(f"{options.chip}, {numerics or 'default'}, against f64", expected.results, problems,
                      worst) and good
    return 0 if good else 1


CHECKS = {"original": check, "rewritten": check, "calls": check_calls, "gpu": check_gpu, "chip": check_chip}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=list(CHECKS))
    parser.add_argument("graph")
    parser.add_argument("--optimize", default="--abn-optimize=plan=false", help="the passes of `rewritten`")
    parser.add_argument("--chip", default="gfx90a", help="whose kernels `chip` runs: gfx90a, opencl, ...")
    parser.add_argument("--engine", default="auto", choices=["auto", "iree", "mlir"])
    parser.add_argument("--function", default="main")
    parser.add_argument("--cache", default="exec-cache", help="folder of compiled modules")
    options = parser.parse_args()
    try:
        return CHECKS[options.mode](options)
    except ToolError as error:
        print(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
