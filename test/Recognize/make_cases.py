"""Makes Inputs/*.mlir.gz and cases.json: training steps of JAX as plain linalg, and what must hold.

    python make_cases.py [--given DIR] [NAME...]

needs jax, flax and IREE's compiler (the versions in the table); the suites need only what it wrote.
With names, only these cases are made again. --given imports the cases that were made elsewhere.
Same versions, same bytes.
"""

import argparse
import gzip
import importlib.metadata
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys

import jax

import cases_given
import cases_judge
import cases_never
import cases_parts
import cases_variants
import cases_whole
from case_remarks import add_remarks
from case_table import CASES, entry

HERE = pathlib.Path(__file__).parent
IREE_OPT = pathlib.Path(sys.prefix, "bin", "iree-opt")
VERSIONS = ["jax", "jaxlib", "flax", "iree-base-compiler"]


def to_linalg(function, arguments):
    """Linalg on tensors of a jitted function. Barriers, which no upstream dialect has, come in the
    generic form."""
    text = jax.jit(function, keep_unused=True).lower(*arguments).as_text()
    done = subprocess.run([IREE_OPT, "--iree-stablehlo-input-transformation-pipeline", "-"], input=text,
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[:3000])
    return re.sub(r"util\.optimization_barrier (%\w+) : (\S+)", r'"util.optimization_barrier"(\1) : (\2) -> \2',
                  done.stdout)


def write(name, text):
    path = HERE / "Inputs" / f"{name}.mlir.gz"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def make(name):
    case = CASES[name]
    try:
        if case.text is not None:
            write(name, case.text(read))
        elif case.build is not None:
            write(name, to_linalg(*case.build()))
    except Exception as error:  # one broken case must not hide the others
        return f"{name}: {type(error).__name__}: {str(error)[:600]}"
    return None


def read(name):
    return gzip.decompress((HERE / "Inputs" / f"{name}.mlir.gz").read_bytes()).decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--given", type=pathlib.Path)
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    problems = []
    add_remarks(CASES)
    if options.given:
        for name in cases_given.NAMES:
            write(name, re.sub(r"util\.optimization_barrier (%\w+) : (\S+)",
                               r'"util.optimization_barrier"(\1) : (\2) -> \2',
                               (options.given / f"{name}.mlir").read_text()))
    if not options.table_only:
        made = options.names or [n for n, c in CASES.items() if c.build or c.text]
        # Variants are made from other cases' files: last.
        for variants in (False, True):
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                names = [n for n in made if (CASES[n].text is not None) == variants]
                problems += [p for p in pool.imap(make, names, chunksize=4) if p]
    table = {"versions": {v: importlib.metadata.version(v) for v in VERSIONS},
             "cases": {name: entry(CASES[name]) for name in sorted(CASES)}}
    (HERE / "cases.json").write_text(json.dumps(table, indent=1) + "\n")
    print("\n".join(problems))
    print(f"{len(CASES)} cases, {len(problems)} not made")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
