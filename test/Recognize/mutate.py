"""Mutants of a case: one small change each, always IR that parses and verifies.

    python mutate.py CASE... > mutants.mlir        each preceded by a comment that says what changed

`mutants(text, rng, count)` picks `count` of all single changes of a module's generic form, evenly
over the kinds of change; the same seed gives the same mutants.
"""

import pathlib
import random
import re
import subprocess
import sys

import judge
import mlir_exec

SEPARATOR = "// -----"

# op -> what it may become, same operands.
OTHER_OP = {
    "arith.addf": ["arith.subf", "arith.mulf"], "arith.subf": ["arith.addf"], "arith.mulf": ["arith.divf", "arith.addf"],
    "arith.divf": ["arith.mulf"], "arith.maximumf": ["arith.minimumf", "arith.addf"],
    "arith.minimumf": ["arith.maximumf"], "arith.andi": ["arith.ori"], "arith.ori": ["arith.andi"],
    "math.rsqrt": ["math.sqrt", "math.absf"], "math.sqrt": ["math.rsqrt"], "math.exp": ["math.expm1", "math.exp2"],
    "math.log1p": ["math.log"], "math.log": ["math.log1p"], "math.expm1": ["math.exp"], "math.tanh": ["math.erf"],
    "math.absf": ["arith.negf"], "arith.negf": ["math.absf"],
}
# Operand order matters.
ORDERED = {"arith.subf", "arith.divf", "arith.cmpf", "math.powf"}
UNARY = {"arith.negf", "math.absf", "math.rsqrt", "math.sqrt", "math.exp", "math.tanh", "math.log"}
FLOAT_PREDICATES = range(1, 7)  # oeq, ogt, oge, olt, ole, one
OP = re.compile(r'^(\s*)(%[\w#:]+) = "([\w.]+)"\(([^)]*)\)(.*)$')


class Line:
    """One op of the generic form, on line `index`."""

    def __init__(self, index, match):
        self.index = index
        self.indent, self.result, self.name, operands, self.rest = match.groups()
        self.operands = [o.strip() for o in operands.split(",") if o.strip()]

    def text(self, name=None, operands=None, rest=None):
        return f'{self.indent}{self.result} = "{name or self.name}"({", ".join(operands or self.operands)})' \
               f'{self.rest if rest is None else rest}'

    def properties_of(self, name):
        """The properties that op `name` needs: only arith's and math's fast-math flags are dropped."""
        rest = re.sub(r" <\{[^}]*\}>", "", self.rest, count=1)
        return rest


def generic_form(text):
    return mlir_exec.tool([mlir_exec.find_tool("abn-opt"), "--allow-unregistered-dialect", "--canonicalize", "--cse",
                           "--mlir-print-op-generic", "--mlir-print-local-scope"], text)


def changes(text):
    """[(kind, what, [(line number, new line)])]: every single change that is well-typed and keeps the
    meaning defined: nothing may read a `tensor.empty`, and a named op's body is what its name says."""
    lines = text.splitlines()
    ops = {i: Line(i, m) for i, m in ((i, OP.match(line)) for i, line in enumerate(lines)) if m}
    types = types_of(lines)
    found, scope, body, outer = [], {}, [], []
    for index, line in enumerate(lines):
        if line.rstrip().endswith("({"):
            outer.append(ops.get(index))
        elif re.match(r"\s*\}\)", line):
            outer.pop()
        if re.match(r"\s*\^bb0\(", line):
            arguments = re.findall(r"(%\w+): (tensor<[^>]*>|\w+)", line)
            body = readable(arguments, outer[-1])
            for value, kind in arguments:
                if kind.startswith("tensor<"):
                    scope.setdefault(kind, []).append(value)
        op = ops.get(index)
        if op is None or op.name == "tensor.empty":
            continue
        inside = outer[:-1] if line.rstrip().endswith("({") else outer
        if not inside or inside[-1] is None or inside[-1].name == "linalg.generic":
            found += changes_of_op(op, lines, body, scope, types, is_full(types, inside))
        for kind in types.get((op.index, "result"), []):
            if kind.startswith("tensor<"):
                scope.setdefault(kind, []).append(op.result)
            else:
                body.append((op.result, kind))
    return found


def is_full(types, inside):
    """Does the op stand in a body that runs over more than a vector?"""
    kinds = types.get((inside[-1].index, "result"), []) if inside and inside[-1] else []
    return any(sum(size != "1" for size in re.findall(r"(\d+|\?)x", kind)) > 1 for kind in kinds)


def readable(arguments, op):
    """A body's arguments without those of destinations whose contents are undefined."""
    if op is None or op.name != "linalg.generic" or "iterator_type<reduction>" in op.rest:
        return list(arguments)
    return list(arguments)[:int(re.search(r"operandSegmentSizes = array<i32: (\d+), \d+>", op.rest)[1])]


def types_of(lines):
    """{(line, "result")}: its result types; for a region-bearing op they stand where it closes."""
    found, open_ops = {}, []
    for i, line in enumerate(lines):
        if line.rstrip().endswith("({"):
            open_ops.append(i)
            continue
        start = open_ops.pop() if re.match(r"\s*\}\) ?", line) and open_ops else i
        kinds = re.search(r"-> (.*)$", line)
        if kinds:
            found[(start, "result")] = re.findall(r"tensor<[^>]*>|\b(?:bf16|f\d+|i\d+|index)\b", kinds[1])
        operands = re.search(r": \((.*)\) -> ", line)
        if operands:
            found[(start, "operands")] = re.findall(r"tensor<[^>]*>|\b(?:bf16|f\d+|i\d+|index)\b", operands[1])
    return found


def changes_of_op(op, lines, body, scope, types, full):
    found = []

    def add(kind, what, line):
        found.append((kind, f"line {op.index}, {op.name}: {what}", [(op.index, line)]))

    for other in OTHER_OP.get(op.name, []):
        # Over a full tensor 1/0 may be either infinity: its sign is that of a zero, which a rewrite may change.
        if other == "arith.divf" and full:
            continue
        add("op", f"becomes {other}", op.text(name=other, rest=op.properties_of(other)))
    if op.name in ORDERED:
        add("order", "operands exchanged", op.text(operands=op.operands[::-1]))
    if op.name == "arith.select":
        add("order", "branches exchanged", op.text(operands=[op.operands[0], op.operands[2], op.operands[1]]))
    if op.name == "arith.cmpf":
        predicate = int(re.search(r"predicate = (\d+)", op.rest)[1])
        for other in FLOAT_PREDICATES:
            if other != predicate and other != predicate + 7:
                add("predicate", f"{predicate} becomes {other}",
                    op.text(rest=re.sub(r"predicate = \d+", f"predicate = {other}", op.rest)))
    if op.name == "arith.constant":
        found += constants(op)
    if op.name in UNARY:
        add("dropped", "its operand instead", op.text(name="arith.addf", operands=[op.operands[0], "%mutant_zero"],
                                                       rest=" : (f32, f32) -> f32")) if op.rest.endswith("-> f32") else None
    kinds = types.get((op.index, "operands"), [])
    if op.name.startswith(("arith.", "math.")):
        for position, kind in enumerate(kinds):
            for value, value_kind in body:
                if value_kind == kind and value != op.operands[position] and value != op.result:
                    operands = list(op.operands)
                    operands[position] = value
                    add("operand", f"{op.operands[position]} becomes {value}", op.text(operands=operands))
    if op.name == "linalg.generic":
        found += generics(op, lines, scope, kinds)
    return found


def constants(op):
    match = re.search(r"value = (-?[\d.]+(?:[eE][-+]?\d+)?) : f32", op.rest)
    if not match:
        return []
    value = float(match[1])
    others = {"negated": -value, "doubled": 2 * value, "halved": value / 2, "a little more": value * 1.01 + 1e-3,
              "zero": 0.0, "one": 1.0, "times 100": 100 * value}
    if value == int(value) and value > 2:
        others["one less"] = value - 1
    return [("constant", f"line {op.index}, {value}: {what}",
             [(op.index, op.text(rest=op.rest.replace(match[0], f"value = {other:.9e} : f32")))])
            for what, other in others.items() if other != value]


def generics(op, lines, scope, kinds):
    """Other inputs of the same type, other maps of the same sizes."""
    found = []
    inputs = int(re.search(r"operandSegmentSizes = array<i32: (\d+), \d+>", op.rest)[1])
    for position in range(inputs):
        candidates = [v for v in scope.get(kinds[position], []) if v != op.operands[position]][-6:]
        for value in candidates:
            operands = list(op.operands)
            operands[position] = value
            found.append(("input", f"line {op.index}, input {position}: {op.operands[position]} becomes {value}",
                          [(op.index, op.text(operands=operands))]))
    maps = re.findall(r"affine_map<\(([^)]*)\) -> \(([^)]*)\)>", op.rest)
    for position, (dims, results) in enumerate(maps):
        results = [r.strip() for r in results.split(",") if r.strip()]
        for i in range(len(results)):
            for other in [d.strip() for d in dims.split(",")] + ["0"]:
                # A result's map is only permuted: every element is written once.
                if other == results[i] or position >= inputs and other not in results:
                    continue
                changed = list(results)
                if other in changed:  # exchange two dimensions
                    changed[changed.index(other)] = changed[i]
                changed[i] = other
                rest = replace_nth(op.rest, r"affine_map<[^>]*-> \([^)]*\)>", position,
                                   f"affine_map<({dims}) -> ({', '.join(changed)})>")
                found.append(("map", f"line {op.index}, map {position}: ({', '.join(results)}) becomes "
                                     f"({', '.join(changed)})", [(op.index, op.text(rest=rest))]))
    return found


def replace_nth(text, pattern, n, new):
    match = list(re.finditer(pattern, text))[n]
    return text[:match.start()] + new + text[match.end():]


def apply(text, change):
    lines = text.splitlines()
    for index, line in change:
        lines[index] = line
    if any("%mutant_zero" in line for _, line in change):
        entry = next(i for i, line in enumerate(lines) if line.lstrip().startswith("^bb0("))
        lines.insert(entry + 1, '    %mutant_zero = "arith.constant"() <{value = 0.0 : f32}> : () -> f32')
    return "\n".join(lines) + "\n"


def split(text):
    return re.split(rf"^{SEPARATOR}$", text, flags=re.M)


def check_all(texts):
    """Which of the texts parse and verify. One process for all: a chunk with an error prints nothing."""
    if len(texts) > 50:  # --split-input-file is not linear
        return check_all(texts[:50]) + check_all(texts[50:])
    done = subprocess.run([mlir_exec.find_tool("abn-opt"), "--allow-unregistered-dialect", "--split-input-file"],
                          input=f"\n{SEPARATOR}\n".join(texts), capture_output=True, text=True)
    parts = split(done.stdout)
    if len(parts) != len(texts):
        raise RuntimeError(f"{len(texts)} modules in, {len(parts)} out: {done.stderr[-500:]}")
    return [bool(p.strip()) for p in parts]


def mutants(text, rng, count):
    """[(what changed, text)], at most `count`, each valid and different from the others."""
    text = generic_form(text)
    by_kind = {}
    for kind, what, change in changes(text):
        by_kind.setdefault(kind, []).append((f"{kind}: {what}", change))
    for group in by_kind.values():
        rng.shuffle(group)
    # In turn from each kind, until there are enough.
    picked, seen = [], {text}
    while len(picked) < 3 * count and any(by_kind.values()):
        for kind in sorted(by_kind):
            if by_kind[kind]:
                what, change = by_kind[kind].pop()
                mutant = apply(text, change)
                if mutant not in seen:
                    seen.add(mutant)
                    picked.append((what, mutant))
    valid = check_all([m for _, m in picked])
    return [m for m, good in zip(picked, valid) if good][:count]


def main():
    for name in sys.argv[1:]:
        text = judge.read(pathlib.Path(__file__).parent / "Inputs" / f"{name}.mlir.gz")
        for what, mutant in mutants(text, random.Random(name), 1000):
            print(f"// {name}, {what}\n{mutant}{SEPARATOR}")


if __name__ == "__main__":
    main()
