"""What abn-recognize makes of every case, against cases.json.

    python cases_test.py [--judge] [--jobs N] [--verbose] [NAME-PATTERN...]

The pass itself compares the function before and after (`verify-equivalence`). With --judge, every
rewritten case is also run natively, before and after.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

import judge
import mlir_exec

HERE = pathlib.Path(__file__).parent
FLAGS = ["--allow-unregistered-dialect", "--abn-recognize=verify-equivalence", "--remarks-filter=.*"]
ABN = re.compile(r"\babn\.(batch_norm|batch_norm_grad|activation|activation_grad)\b(?: #abn\.(\w+))?")
ANY_ABN = re.compile(r"= abn\.")


def recognize(text):
    """(exit status, rewritten text, what it said)."""
    done = subprocess.run([mlir_exec.find_tool("abn-opt"), *FLAGS, "-"], input=text, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def outside(count, wanted):
    low, high = wanted if isinstance(wanted, list) else (wanted, wanted)
    return wanted is not None and not low <= count <= high


def unmatched(found, wanted):
    """Assigns each found activation to an entry of the table; what is left over, on either side."""
    found, missing = list(found), []
    # The entries with fewest alternatives first, so that no loose one takes what a strict one needs.
    for entry in sorted(wanted, key=lambda e: e.count("|")):
        names = entry.split("|")
        hit = next((f for f in found if f in names), None)
        if hit:
            found.remove(hit)
        elif "none" not in names:
            missing.append(entry)
    return found, missing


def problems_of(case, status, output, said):
    if status != 0:
        error = re.search(r"error: (.*)", said)
        return [f"exit {status}: {error[1][:300] if error else said[-300:]}"]
    ops = collections.Counter(kind for kind, _ in ABN.findall(output))
    activations = sorted(name for kind, name in ABN.findall(output) if kind == "activation")
    problems = []
    if case["expect"] == "never" and ANY_ABN.search(output):
        problems.append(f"rewritten: {dict(ops)}")
    elif case["expect"] != "never":
        for key, op in (("forward", "batch_norm"), ("backward", "batch_norm_grad")):
            if outside(ops[op], case[key]):
                problems.append(f"{key}: expected {case[key]}, got {ops[op]}")
        if case["expect"] == "found" and case["activations"] is not None and ops["batch_norm"]:
            extra, missing = unmatched(activations, case["activations"])
            if extra or missing:
                problems.append(f"activations: expected {case['activations']}, got {activations}")
    if ops["activation_grad"] > ops["activation"]:
        problems.append("an activation's gradient without the activation")
    if case["remark"] and not re.search(r"\[Missed\].*" + case["remark"], said):
        problems.append(f"no missed remark with: {case['remark']}")
    return problems


def check(job):
    name, case, with_judge = job
    text = judge.read(HERE / "Inputs" / f"{name}.mlir.gz")
    status, output, said = recognize(text)
    problems = problems_of(case, status, output, said)
    if with_judge and status == 0 and ANY_ABN.search(output):
        try:
            problems += judge.Judge(text, output).differences()[:3]
        except Exception as error:
            problems.append(f"cannot be judged: {str(error)[:400]}")
    got = " ".join([f"{kind} {name}".strip() for kind, name in ABN.findall(output)])
    missed = "; ".join(dict.fromkeys(re.findall(r'\[Missed\].*?Remark="([^"]*)"', said)))
    return name, problems, got, missed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    cases = json.loads((HERE / "cases.json").read_text())["cases"]
    jobs = [(name, case, options.judge) for name, case in cases.items()
            if not options.patterns or any(re.search(p, name) for p in options.patterns)]
    failures = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for name, problems, got, missed in pool.map(check, jobs):
            failures += bool(problems)
            print(f"{'FAIL' if problems else 'ok'} {name}: {'; '.join(problems) or got or 'left alone'}"
                  + (f" [{missed}]" if missed and (problems or options.verbose) else ""))
    print(f"{len(jobs)} cases, {failures} fail")
    return 1 if failures or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
