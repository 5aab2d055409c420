"""Damages training steps and checks that abn-opt answers with IR or with a located diagnostic.

  fuzz.py --out FOLDER [--count N] [--passes "..."] GRAPH.mlir...

Case i of a run is always the same damage. A graph is damaged as the exporter wrote it and as it is
after the import (the dialects' own syntax). A case is bad if abn-opt is killed by a signal, takes more
than ten seconds, exits with anything but 0 or 1, exits with 1 without a diagnostic that names file,
line and column or after it has printed IR, or exits with 0 and prints IR that it does not read. Bad
cases are kept in FOLDER. Exit status 1 if there is any. Crashes of upstream's parser that a stock
mlir-opt has too (UPSTREAM) are counted apart.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import re
import resource
import subprocess
import sys

import fuzz_mutations

TIMEOUT = 10
MEMORY = 8 << 30
LOCATED = re.compile(r"^\S.*:\d+:\d+: error: ", re.M)
# Frames of known crashes in MLIR 22.1's own parser.
UPSTREAM = {
    "mlir::linalg::GenericOp::parse": "an unknown iterator type: the diagnostic outlives its text",
    "mlir::linalg::TransposeOp::parse": "a permutation that is no list of i64: null is stored",
    "mlir::linalg::BroadcastOp::parse": "the same for its dimensions",
}
# An error at no place: the driver's own messages and `<unknown>:0`.
UNLOCATED = re.compile(r"^(?:<unknown>:0: )?error: |^loc\(unknown\): error: ", re.M)


def run(command, text=None):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT,
                          errors="replace", preexec_fn=limit)


def verdict(path, passes):
    """(outcome, detail) for one damaged file; an outcome in capitals is bad."""
    try:
        done = run(["abn-opt", str(path), *passes])
    except subprocess.TimeoutExpired:
        return "TIMEOUT", f"no end after {TIMEOUT} s"
    if done.returncode not in (0, 1):
        if any(frame in done.stderr for frame in UPSTREAM):
            return "upstream", ""
        return "CRASH", f"exit status {done.returncode}\n{done.stderr[-2000:]}"
    if done.returncode == 1:
        if done.stdout:
            return "PARTIAL", f"exit status 1 after printing {len(done.stdout)} characters"
        if not LOCATED.search(done.stderr) or UNLOCATED.search(done.stderr):
            return "UNLOCATED", done.stderr[-2000:]
        return "refused", ""
    again = run(["abn-opt", "-o", "/dev/null"], done.stdout)
    if again.returncode:
        return "UNREADABLE", f"prints IR that it does not read: {again.stderr[-2000:]}"
    return "accepted", ""


def case(index, sources, folder, passes):
    """Case `index`: one to three damages to one of the sources."""
    generator = random.Random(f"abn-fuzz-{index}")
    name, text = sources[index % len(sources)]
    names = []
    for _ in range(generator.choice([1, 1, 2, 3])):
        kind = fuzz_mutations.MEANING if generator.random() < 0.7 else fuzz_mutations.SYNTAX
        damage = generator.choice(kind)
        text = damage(text, generator) or "\n"
        names.append(damage.__name__)
    path = folder / f"{index:05d}-{name}.mlir"
    path.write_text(text)
    outcome, detail = verdict(path, passes)
    if outcome.islower():
        path.unlink()
    else:
        path.with_suffix(".txt").write_text(f"{' '.join(names)}\n{outcome} {detail}\n")
    return outcome, f"{path}: {' '.join(names)}: {outcome} {detail}"


def read_sources(graphs, passes):
    """Each graph twice: as it is, and in the dialects' own syntax after the first pass."""
    sources = []
    for graph in map(pathlib.Path, graphs):
        sources.append((graph.stem, graph.read_text()))
        imported = run(["abn-opt", str(graph), passes[0]])
        if imported.returncode:
            sys.exit(f"{graph} is not imported: {imported.stderr}")
        sources.append((f"{graph.stem}-imported", imported.stdout))
    return sources


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="+")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--passes", default="--abn-import-aten --abn-optimize")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for stale in options.out.iterdir():
        stale.unlink()
    passes = options.passes.split()
    sources = read_sources(options.graphs, passes)
    counts, bad = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        indices = range(options.first, options.first + options.count)
        for outcome, line in pool.map(lambda i: case(i, sources, options.out, passes), indices):
            counts[outcome] += 1
            if not outcome.islower():
                bad.append(line)
    for line in bad[:20]:
        print(line)
    print(f"{options.count} cases:", ", ".join(f"{n} {k}" for k, n in sorted(counts.items())))
    # Damage that is never refused, or always, tests nothing.
    vacuous = counts["refused"] < options.count // 10 or counts["accepted"] == 0
    if vacuous:
        print("too few cases were refused, or none accepted")
    return 1 if bad or vacuous else 0


if __name__ == "__main__":
    sys.exit(main())
