"""Modules that an earlier recogniser got wrong, each with what must hold of its output.

Each is rewritten with `verify-equivalence`, and by itself, and must give valid IR; `WANTED` counts what must
be left of the original (a decay, a clip, a cast), or be found. `judge.py` runs both natively where a plain run
can show the difference.
"""

import pathlib
import re
import subprocess
import sys

import judge
import mlir_exec

HERE = pathlib.Path(__file__).parent / "Inputs" / "counterexamples"
FLAGS = ["--allow-unregistered-dialect"]
CLIP = r"arith\.(minimumf|minnumf)"
NORM, GRADIENT = r"= abn\.batch_norm ", r"= abn\.batch_norm_grad "
# Name: [(what, at least, at most)].
WANTED = {
    # A weight decay that is small beside gamma's gradient is no part of it.
    "wd5_8x224": [(r"9\.99999974E-6", 1, 9), (GRADIENT, 1, 1)],
    "wd6_8x112": [(r"9\.99999997E-7", 1, 9), (GRADIENT, 1, 1)],
    # Clips that no trial reaches.
    "relu6_noaffine": [(CLIP, 1, 9)],
    "clipbn": [(CLIP, 1, 9)],
    "ste": [(CLIP, 1, 9), (GRADIENT, 1, 1)],
    "runv": [(CLIP, 1, 9)],
    # A mask of random bits, compared as unsigned numbers.
    "bitdrop": [(r"arith\.cmpi uge", 1, 9), (NORM, 1, 1)],
    # Two channel shuffles that cancel for equal extents only.
    "shufnet": [(r"tensor\.expand_shape", 2, 99), (GRADIENT, 1, 1)],
    "shuffle2": [(r"tensor\.expand_shape", 2, 99)],
    # What a narrower type rounds.
    "bf16split": [(r"arith\.truncf", 1, 9), (GRADIENT, 0, 0)],
    "bfste": [(r"arith\.truncf", 1, 9), (GRADIENT, 1, 1)],
    "i8": [(r"i8", 1, 99)],
    # Other functions: a fourth moment, the unbiased variance of many elements.
    "kurt": [(NORM, 0, 0)],
    "bes_400k": [(NORM, 0, 0)],
    "bes_1600k": [(NORM, 0, 0)],
    # Two crops that differ in one index.
    "idx1": [(NORM, 2, 2)],
    # Forms that must be found: sums in stages, recomputation, biases in front.
    "staged": [(NORM, 1, 1)],
    "ckpt": [(NORM, 1, 1), (GRADIENT, 1, 1)],
    "net_D2_bias1_fast1": [(NORM, 3, 3), (GRADIENT, 3, 3)],
    "net_M2_bias1_fast1": [(NORM, 3, 3), (GRADIENT, 3, 3)],
    # Generics that cannot be split, an empty tensor, a dead convolution before a live one.
    "c1": [], "twice": [], "split": [], "c3": [], "dead": [],
}
JUDGED = ("wd5_8x224", "relu6_noaffine", "clipbn", "ste", "runv", "bitdrop", "shufnet", "kurt")


def rewrite(text, option):
    command = [mlir_exec.find_tool("abn-opt"), *FLAGS, f"--abn-recognize{option}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    return done.stdout, None if done.returncode == 0 else f"exit {done.returncode}: {done.stderr[:300]}"


def problems(name):
    text = judge.read(HERE / f"{name}.mlir.gz")
    for option in ("", "=verify-equivalence"):
        output, error = rewrite(text, option)
        if error:
            yield error
            return
    for pattern, low, high in WANTED[name]:
        count = len(re.findall(pattern, output))
        if not low <= count <= high:
            yield f"{count} of `{pattern}`, expected {low} to {high}"
    if name in JUDGED:
        yield from judge.Judge(text, output).differences()[:2]


def main():
    failures = 0
    names = {path.name.removesuffix(".mlir.gz") for path in HERE.glob("*.mlir.gz")}
    if names != set(WANTED):
        print(f"no expectation, or no file: {sorted(names ^ set(WANTED))}")
        return 1
    for name in sorted(WANTED):
        found = list(problems(name))
        failures += bool(found)
        print(f"{'FAIL' if found else 'ok'} {name} {'; '.join(map(str, found))}")
    print(f"{len(WANTED)} counterexamples, {failures} fail")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
