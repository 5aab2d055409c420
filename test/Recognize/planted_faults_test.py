"""Faults planted in rewritten cases: abn-verify-equivalence must report every one that changes a result.

    python planted_faults_test.py [--per-pair N] [--judged N] [--jobs N] [--seed S] [--keep DIR] [PATTERN...]

A pair is a case and what a rewrite made of it: abn-recognize, abn-optimize, or nothing, so that the
decomposed form gets faults too. A pair without a fault must pass. A fault that is not reported goes to the
judge (judge.py), which runs both natively and knows nothing of the check: if it sees a difference, that is a
failure; if not, the fault changed nothing. A sample of those that are reported is judged too.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import random
import re
import subprocess
import sys

import judge
import mlir_exec
import mutate

HERE = pathlib.Path(__file__).parent
GENERIC = ["--allow-unregistered-dialect", "--mlir-print-op-generic", "--mlir-print-local-scope"]
# Dead code is taken out of what gets a fault.
REWRITES = {
    "original": ["--canonicalize", "--cse"],
    "recognize": ["--abn-recognize", "--canonicalize", "--cse"],
    "optimize": ["--abn-optimize=plan=false gamma-policy=trust", "--canonicalize", "--cse"],
}
CHECK = ["--allow-unregistered-dialect", "--split-input-file", "--mlir-print-op-on-diagnostic=false",
         "--abn-verify-equivalence=before=before after=after", "-o", "/dev/null"]
CHUNK = 24
# Of each op, which of its operand segments are gamma and beta.
SEGMENTS = {"abn.batch_norm": (1, 2), "abn.batch_norm_grad": (4, None), "abn.inplace_forward": (0, 1),
            "abn.inplace_backward": (2, 3), "abn.recover": (3, 4)}
MIRRORED = {1: 1, 2: 4, 3: 5, 4: 2, 5: 3, 8: 8, 9: 11, 10: 12, 11: 9, 12: 10}  # > for <, ordered or not


def function_of(text, name):
    """The lines of a module's only function, which gets this name; its attributes are dropped."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith('  "func.func"'))
    last = next(i for i in range(first, len(lines)) if lines[i].startswith("  })"))
    head = re.sub(r'sym_name = "[^"]*"', f'sym_name = "{name}"', lines[first])
    head = re.sub(r"(arg|res)_attrs = \[[^]]*\], ", "", head)
    return [head, *lines[first + 1:last], "  }) : () -> ()"]


def module_of(before, after, number):
    """Both functions; the second one's location is the number that an error shows."""
    return "\n".join(['"builtin.module"() ({', *before, *after[:-1], f'{after[-1]} loc("pair {number}")',
                      "}) : () -> ()"])


# --- The faults: each yields (kind, what, {line: new text}) ------------------------------------------


def signs(op, _):
    for name, other in (("arith.addf", "arith.subf"), ("arith.subf", "arith.addf")):
        if op.name == name:
            yield "sign", f"{name} becomes {other}", {op.index: op.text(name=other, rest=op.properties_of(other))}


def factors(op, _):
    match = re.search(r"value = (-?[\d.]+(?:e[-+]\d+)?) : (f32|f64)", op.rest) if op.name == "arith.constant" else None
    value = float(match[1]) if match else 0
    count = value if value == int(value) else 1 / value if value else 0
    if not match or abs(count - round(count)) > 1e-4 * abs(count) or not 8 <= round(count) <= 1e5:
        return
    for what, other in (("M is M-1", round(count) - 1), ("1/M is 2/M", round(count) / 2)):
        new = other if value == int(value) else 1 / other
        yield "factor", f"{value:g}: {what}", {op.index: op.text(rest=op.rest.replace(match[0], f"value = {new:.9e} : {match[2]}"))}


def masks(op, _):
    if op.name == "arith.cmpf":
        old = int(re.search(r"predicate = (\d+)", op.rest)[1])
        if MIRRORED.get(old, old) != old:
            rest = re.sub(r"predicate = \d+", f"predicate = {MIRRORED[old]}", op.rest)
            yield "mask", f"predicate {old} becomes {MIRRORED[old]}", {op.index: op.text(rest=rest)}
    if op.name == "arith.select":
        a, b, c = op.operands
        yield "mask", "branches exchanged", {op.index: op.text(operands=[a, c, b])}


def attributes(op, _):
    match = re.search(r"(activation = #abn\.\w+<(?:[^>]*?[ <])??)(-?\d[\d.e+-]*)", op.rest)
    if match and op.name.startswith("abn."):
        new = 1.5 * float(match[2]) + 0.125
        rest = op.rest.replace(match[0], f"{match[1]}{new:.6f}")
        yield "slope", f"{op.name}'s {match[2]} becomes {new}", {op.index: op.text(rest=rest)}
    match = re.search(r"epsilon = ([\d.e+-]+) : f64", op.rest)
    if match and op.name.startswith("abn."):
        new = 100 * float(match[1]) or 1e-2
        rest = op.rest.replace(match[0], f"epsilon = {new:.6e} : f64")
        yield "epsilon", f"{op.name}'s {match[1]} becomes {new}", {op.index: op.text(rest=rest)}


def dropped(op, _):
    for what, segment in zip(("gamma", "beta"), SEGMENTS.get(op.name, ())):
        sizes = [int(n) for n in re.search(r"operandSegmentSizes = array<i32: ([\d, ]+)>", op.rest)[1].split(",")]
        if segment is None or sizes[segment] == 0:
            continue
        position = sum(sizes[:segment])
        sizes[segment] = 0
        operands = op.operands[:position] + op.operands[position + 1:]
        rest = re.sub(r"array<i32: [\d, ]+>", f"array<i32: {', '.join(map(str, sizes))}>", op.rest)
        kinds = re.search(r": \((.*)\) -> ", rest)
        left = kinds[1].split(", ")
        rest = rest[:kinds.start(1)] + ", ".join(left[:position] + left[position + 1:]) + rest[kinds.end(1):]
        yield f"{what} dropped", f"from {op.name}", {op.index: op.text(operands=operands, rest=rest)}


def exchanged(op, lines):
    if op.name in ("abn.batch_norm_grad", "abn.activation_grad"):
        swapped = [op.operands[1], op.operands[0], *op.operands[2:]]
        yield "exchanged", f"{op.name}'s gradient and value", {op.index: op.text(operands=swapped)}
    gradient = {"abn.batch_norm_grad": 0, "abn.inplace_backward": -3}.get(op.name)
    if gradient is not None:
        changed = replaced_uses(op, lines, 0, op.operands[gradient])
        if changed:
            yield "exchanged", f"{op.name}'s dy is read as dx", changed


def statistics(op, lines):
    mean = {"abn.batch_norm_grad": 2, "abn.recover": 1}.get(op.name)
    if mean is not None:
        operands = list(op.operands)
        operands[mean], operands[mean + 1] = operands[mean + 1], operands[mean]
        yield "statistics", f"{op.name}'s mean and variance", {op.index: op.text(operands=operands)}
    if op.name in ("abn.batch_norm", "abn.inplace_forward"):
        name = op.result.split(":")[0]
        for old, new in ((2, 1), (1, 2)):
            changed = replaced_uses(op, lines, old, f"{name}#{new}")
            if changed:
                yield "statistics", f"{op.name}'s result {new} is read for {old}", changed


def paddings(op, _):
    """An op that the check does not evaluate: one row of padding goes from the end to the start."""
    high, low = (re.search(rf"static_{side} = array<i64: ([\d, ]+)>", op.rest) for side in ("high", "low"))
    if op.name != "tensor.pad" or not high or not low:
        return
    ends, starts = ([int(n) for n in side[1].split(",")] for side in (high, low))
    axis = next((i for i, n in enumerate(ends) if n > 0), None)
    if axis is not None:
        ends[axis] -= 1
        starts[axis] += 1
        rest = op.rest.replace(high[0], f"static_high = array<i64: {', '.join(map(str, ends))}>")
        rest = rest.replace(low[0], f"static_low = array<i64: {', '.join(map(str, starts))}>")
        yield "padding", f"from the end of dimension {axis} to its start", {op.index: op.text(rest=rest)}


def replaced_uses(op, lines, result, other):
    """The first line that reads this result of `op`, with another value in its place."""
    pattern = re.compile(rf"{re.escape(op.result.split(':')[0])}#{result}\b")
    for index in range(op.index + 1, len(lines)):
        if pattern.search(lines[index]):
            return {index: pattern.sub(other, lines[index])}
    return None


MAKERS = (signs, factors, masks, attributes, dropped, exchanged, statistics, paddings)


def faults_of(lines, rng, count):
    """`count` faults, in turn from each kind."""
    by_kind, outer = collections.defaultdict(list), []
    for index, line in enumerate(lines):
        match = mutate.OP.match(line)
        op = mutate.Line(index, match) if match else None
        # A named op's body is what its name says.
        named = len(outer) > 1 and outer[-1] != "linalg.generic"
        if line.endswith("({"):
            outer.append(op.name if op else "")
        elif re.match(r"\s*\}\)", line):
            outer.pop()
        if named:
            continue
        for make in MAKERS if op else ():
            for kind, what, change in make(op, lines):
                by_kind[kind].append((kind, f"line {index}, {what}", change))
    for group in by_kind.values():
        rng.shuffle(group)
    kinds, picked = sorted(by_kind), []
    rng.shuffle(kinds)
    while len(picked) < count and any(by_kind.values()):
        picked += [by_kind[kind].pop() for kind in kinds if by_kind[kind]]
    return picked[:count]


# --- The check ---------------------------------------------------------------------------------------


def check(modules):
    """What is said of each pair: None, the difference, or another error. `modules`: (number, text)."""
    done = subprocess.run([mlir_exec.find_tool("abn-opt"), *CHECK], capture_output=True, text=True,
                          input=f"\n{mutate.SEPARATOR}\n".join(text for _, text in modules))
    said = dict(re.findall(r'error: loc\("pair (\d+)"\): (is not equivalent to .*)', done.stderr))
    errors = len(re.findall(r"error: ", done.stderr))
    if done.returncode in (0, 1) and errors == len(said) and (done.returncode == 1) == bool(said):
        return [said.get(str(number)) for number, _ in modules]
    if len(modules) == 1:
        return [f"other error: exit {done.returncode}: {done.stderr[:400]}"]
    half = len(modules) // 2
    return check(modules[:half]) + check(modules[half:])


def tool(flags, text):
    return mlir_exec.tool([mlir_exec.find_tool("abn-opt"), *flags], text)


def pairs_of(job):
    """[(case, rewrite, kind, what, before, after, said)]: each pair without and with faults."""
    case, count, seed = job
    text = judge.read(HERE / "Inputs" / f"{case}.mlir.gz")
    before, found = function_of(tool(GENERIC, text), "before"), []
    for rewrite, flags in REWRITES.items():
        after = function_of(tool([*GENERIC, *flags], text), "after")
        found.append((case, rewrite, None, "", before, after))
        for kind, what, change in faults_of(after, random.Random(f"{seed} {case} {rewrite}"), count):
            lines = [change.get(index, line) for index, line in enumerate(after)]
            found.append((case, rewrite, kind, what, before, lines))
    said = []
    for start in range(0, len(found), CHUNK):
        modules = [(start + i, module_of(*pair[4:], start + i)) for i, pair in enumerate(found[start:start + CHUNK])]
        said += check(modules)
    return [(*pair, answer) for pair, answer in zip(found, said)]


def judged(pair):
    """The judge's differences."""
    one, other = (re.sub(r'sym_name = "\w+"', 'sym_name = "main"', "\n".join(['"builtin.module"() ({', *f, "}) : () -> ()"]))
                  for f in pair[4:6])
    try:
        return judge.Judge(one, other).differences(seed=1)
    except mlir_exec.ToolError as error:
        return [f"cannot be judged, in f64: {str(error)[:300]}"]


def in_numbers(differences):
    """The first one in f64 and finite: a softmax that adds the maximum, say, is the same up to overflow."""
    return next((d for d in differences if "in f64" in d and "NaN or infinity" not in d), None)


def cases_of(patterns):
    """Every other case in which a batch norm must be found, or those that match; all have one function."""
    cases = json.loads((HERE / "cases.json").read_text())["cases"]
    names = [n for n, c in cases.items() if c["expect"] == "found" and not n.startswith("module_")]
    return [n for n in names if any(re.search(p, n) for p in patterns)] if patterns else names[::2]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--per-pair", type=int, default=4)
    parser.add_argument("--judged", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def main():
    options = arguments()
    failures, unchanged = [], collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = [(case, options.per_pair, options.seed) for case in cases_of(options.patterns)]
        pairs = [pair for found in pool.map(pairs_of, jobs) for pair in found]
        failures += [(p, f"without a fault: {p[6]}") for p in pairs if not p[2] and p[6]]
        planted = [p for p in pairs if p[2]]
        failures += [(p, p[6]) for p in planted if p[6] and p[6].startswith("other error")]
        missed = [p for p in planted if p[6] is None]
        for pair, difference in zip(missed, map(in_numbers, pool.map(judged, missed))):
            unchanged[pair[2]] += not difference
            if difference:
                failures.append((pair, f"not reported; judge: {difference}"))
            elif options.verbose:
                print(f"no change: {' '.join(pair[:4])}")
        reported = [p for p in planted if p[6]]
        sample = random.Random(options.seed).sample(reported, min(options.judged, len(reported)))
        failures += [(p, f"reported, judged equal: {p[6]}") for p, d in zip(sample, pool.map(judged, sample)) if not d]
    for index, (pair, problem) in enumerate(failures):
        print(f"FAIL {' '.join(str(x) for x in pair[:4])}: {problem}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{index:03}_{pair[0]}.mlir").write_text(module_of(*pair[4:6], index) + "\n")
    kinds = collections.Counter(p[2] for p in planted)
    for kind, count in sorted(kinds.items()):
        print(f"{kind}: {count} planted, {unchanged[kind]} without effect")
    print(f"{len(jobs)} cases, {len(pairs) - len(planted)} pairs without a fault, {len(planted)} faults, "
          f"{sum(unchanged.values())} without effect, {len(sample)} reported ones judged, {len(failures)} failures")
    # Fewer would mean that the faults miss what is computed.
    enough = len(planted) > 1000 and sum(unchanged.values()) < len(planted) / 10 and len(kinds) == 10
    return 1 if failures or not (enough or options.patterns) else 0


if __name__ == "__main__":
    sys.exit(main())
