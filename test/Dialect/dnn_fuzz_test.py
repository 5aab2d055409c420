"""Random dnn ops, sensible and absurd: each is accepted or diagnosed at its place, never a crash;
what the verifiers accept can be lowered, canonicalized and bufferized.

Fixed seeds: a failure names the op that caused it.
"""

import random
import re
import subprocess
import sys

CASES = 1500
HUGE = [2**31 - 1, 2**31, 2**62, 2**63 - 1, -2**63]
SEPARATOR = "// -----\n"


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, low, high, odd):
        """Mostly within [low, high]; with probability `odd` anything."""
        if self.random.random() < odd:
            return self.random.choice([0, -1, -3, 1, 2, 7, *HUGE])
        return self.random.randint(low, high)

    def type(self, shape, element, odd):
        sizes = []
        for size in shape:
            if self.random.random() < 0.1:
                size = "?"
            elif self.random.random() < odd:
                size = max(0, self.number(0, 9, 0.5))
            sizes.append(str(size))
        if self.random.random() < odd:
            sizes = sizes[:-1]
        if self.random.random() < odd:
            element = self.random.choice(["f16", "f64", "i64", "i32", "index", "complex<f32>"])
        kind = self.kind
        if self.random.random() < odd:
            kind = self.random.choice(["tensor", "memref"])
        return f"{kind}<{'x'.join([*sizes, element])}>"

    def case(self):
        odd = self.random.choice([0.0, 0.0, 0.02, 0.1])
        self.kind = self.random.choice(["tensor"] * 7 + ["memref"])
        pick = self.random.choice
        op = pick(["convolution", "convolution_input_grad", "convolution_weight_grad", "max_pool",
                   "max_pool_grad", "avg_pool", "avg_pool_grad", "resize", "resize_grad"])
        spatial, last = pick([1, 2, 2, 3]), pick([False, True])
        element = pick(["f32", "f32", "f16", "bf16", "f64"])
        sizes = [pick([1, 2, 5, 8, 9]) for _ in range(spatial)]
        kernel = [pick([1, 2, 3, 4]) for _ in range(spatial)]
        strides, dilations = ([pick([1, 1, 2, 3]) for _ in range(spatial)] for _ in range(2))
        low, high = ([pick([0, 1, 2, 4]) for _ in range(spatial)] for _ in range(2))
        if op.startswith(("avg", "resize")):
            dilations = [1] * spatial
        round_up = "pool" in op and pick([False, True])
        outputs = [max(1, (n + a + b - d * (k - 1) - 1 + (s - 1) * round_up) // s + 1)
                   for n, k, s, d, a, b in zip(sizes, kernel, strides, dilations, low, high)]
        groups = pick([1, 1, 2, 3])
        channels, filters = groups * pick([1, 2]), groups * pick([1, 3])
        full = lambda batch, c, space: [batch, *space, c] if last else [batch, c, *space]
        x = self.type(full(2, channels, sizes), element, odd)
        w = self.type(full(filters, channels // groups, kernel), element, odd)
        y = self.type(full(2, filters if "conv" in op else channels, outputs), element, odd)
        i = self.type(full(2, channels, outputs), "i64", odd)
        operands = {"convolution": [x, w, y], "convolution_input_grad": [y, w, x],
                    "convolution_weight_grad": [y, x, w], "max_pool": [x, y, i],
                    "max_pool_grad": [y, i, x]}.get(op, [y, x] if "grad" in op else [x, y])
        given = lambda name, values, least: self.entries(name, values, least, odd)
        if op.startswith("resize"):
            attributes = [f"mode = #dnn.resize_mode<{pick(['nearest', 'linear'])}>",
                          "coordinates = #dnn.coordinates<"
                          f"{pick(['asymmetric', 'half_pixel', 'align_corners'])}>"]
            if pick([False, False, True]):
                scales = ", ".join(pick(["0.5", "2.0", "1.0e-300", "1.0e300"] +
                                        ["0.0", "-1.0", "0x7FF8000000000000"] * (odd > 0))
                                   for _ in range(spatial))
                attributes.append(f"scales = array<f64: {scales}>")
        else:
            attributes = [given("strides", strides, 1), given("padding_low", low, 0),
                          given("padding_high", high, 0)]
            if not op.startswith("avg"):
                attributes.append(given("dilations", dilations, 1))
            if "pool" in op:
                attributes.append(given("kernel_size", kernel, 1))
        if "conv" in op:
            attributes.append(f"groups = {self.number(groups, groups, odd)} : i64")
        if op.startswith("avg") and pick([False, True]):
            attributes.append(pick(["count_include_pad", "divisor_override = 3 : i64",
                                    f"divisor_override = {self.number(1, 9, odd)} : i64"]))
        if last:
            attributes.append("layout = #dnn.layout<channels_last>")
        if op == "convolution":
            attributes.append("operandSegmentSizes = array<i32: 1, 1, 0, 1>")
        results = operands[-2:] if op == "max_pool" else operands[-1:]
        if any("memref" in t for t in results) or self.random.random() < odd:
            results = []
        self.random.shuffle(attributes)
        return self.function(op, operands, attributes, results)

    def entries(self, name, values, least, odd):
        values = [v if self.random.random() >= odd else self.number(least, 9, 0.7)
                  for v in values]
        if self.random.random() < odd:
            values = values[:-1] + [1] * self.random.choice([0, 2])
        return f"{name} = array<i64{': ' if values else ''}{', '.join(map(str, values))}>"

    def function(self, op, operands, attributes, results):
        names = [f"%a{i}" for i in range(len(operands))]
        arguments = ", ".join(f"{n}: {t}" for n, t in zip(names, operands))
        bound = f"%r:{len(results)} = " if results else ""
        values = ", ".join(f"%r#{i}" for i in range(len(results)))
        types = ", ".join(results)
        back = f"return {values} : {types}" if results else "return"
        return (f"func.func @f({arguments}) -> ({types}) {{\n"
                f'  {bound}"dnn.{op}"({", ".join(names)}) <{{{", ".join(attributes)}}}>\n'
                f"    : ({', '.join(operands)}) -> ({types})\n  {back}\n}}\n")


def abn_opt(chunks, *flags):
    done = subprocess.run(["abn-opt", "-split-input-file", *flags, "-o", "/dev/null"],
                          input=SEPARATOR.join(chunks), capture_output=True, text=True)
    return done.returncode, done.stderr


def isolate(chunks, flags, bad):
    """The first chunk on which `bad(exit status, diagnostics)` holds by itself."""
    for chunk in chunks:
        if bad(*abn_opt([chunk], *flags)):
            return chunk
    return SEPARATOR.join(chunks)


def fail(what, chunk, errors=""):
    print(f"{what}:\n{chunk}\n{errors[:2000]}")
    sys.exit(1)


def main():
    generator = Generator(seed=7)
    chunks = [generator.case() for _ in range(CASES)]
    crashed = lambda status, errors: status not in (0, 1) or "PLEASE submit" in errors
    status, errors = abn_opt(chunks)
    if crashed(status, errors):
        fail("crash in the verifier", isolate(chunks, [], crashed))
    located = re.findall(r"^<stdin>:(\d+):\d+: error: (.*)$", errors, re.M)
    if len(located) != len(re.findall(r"\berror: ", errors)):
        fail("an error without a place", "", errors)

    # Lines on which an error was reported, to the chunks that they belong to.
    ends, line = [], 0
    for chunk in chunks:
        line += chunk.count("\n") + 1
        ends.append(line)
    wrong = {next(i for i, end in enumerate(ends) if int(at) <= end) for at, _ in located}
    accepted = [chunk for i, chunk in enumerate(chunks) if i not in wrong]
    if not CASES // 4 < len(accepted) < 3 * CASES // 4:
        fail(f"{len(accepted)} of {CASES} accepted: the generator tests one side only", "")

    tensors = [chunk for chunk in accepted if "memref" not in chunk]
    failed = lambda status, errors: status != 0
    for flags in (["-canonicalize", "-convert-dnn-to-linalg", "-canonicalize", "-cse"],
                  ["-one-shot-bufferize=bufferize-function-boundaries"]):
        status, errors = abn_opt(tensors, *flags)
        if status != 0:
            fail(f"accepted, but {flags} failed", isolate(tensors, flags, failed), errors)
    print(f"{len(accepted)} of {CASES} accepted, {len(tensors)} lowered and bufferized")


main()
