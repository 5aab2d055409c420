"""Do two modules compute the same? By running both; shares nothing with the recogniser.

    python judge.py before.mlir after.mlir

Functions are paired by name. Both modules are lowered to upstream dialects, then each is compiled
twice by MLIR's own pipeline and clang: as it is, and with every float type replaced by f64. Exit
status 1 if a result differs anywhere.

In f64 rounding is no excuse: what may differ are constants that one side holds rounded to f32 and
polynomials for erf of that accuracy, so a result may move as far as it does when every input and
constant moves by a few f32 units. The inputs are moved by that factor's measure: `before` is run
again on inputs perturbed by 1e-9, which gives the amplification. NaN and infinities must be at the
same places, with the same sign.

As it is, `after` is compared with the f64 results of `before`: its error may be a small multiple of
the error that `before` itself makes, or of the type's rounding. Where `before` overflows in its own
type and f64 does not, `after` may do either.

Inputs have scales from 0.03 to 3 along every axis, and all of them are small or large in some draws.
"""

import pathlib
import re
import struct
import sys
import gzip

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Integration"))
import mlir_exec  # noqa: E402

FLOATS = r"(?:(?<=x)|\b)(?:bf16|f16|f32)\b"
UNIT = {"f64": 2.0**-53, "f32": 2.0**-24, "f16": 2.0**-11, "bf16": 2.0**-8}
# (scale of full tensors, scale of vectors and scalars)
DRAWS = [(1, 1), (1, 1), (0.01, 1), (100, 1), (1, 30), (1, 1e-3)]
NATIVE_DRAWS = 2
LOWER = ["--allow-unregistered-dialect", "--convert-abn-to-linalg", "--convert-dnn-to-linalg"]


def read(path):
    data = pathlib.Path(path).read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()


def lowered(text):
    """Upstream dialects in the generic form, barriers taken out."""
    text = mlir_exec.tool([mlir_exec.find_tool("abn-opt"), *LOWER, "--mlir-print-op-generic",
                           "--mlir-print-local-scope"], text)
    barriers = re.compile(r'^ *(%\w+) = "(?:util|stablehlo)\.optimization_barrier"\((%\w+)\).*\n', re.M)
    while (found := barriers.search(text)):
        text = text[:found.start()] + text[found.end():]
        text = re.sub(re.escape(found[1]) + r"\b", found[2], text)
    return text


def to_f64(text):
    """Every float type is f64; casts between floats become copies."""
    widths = {"f32": ("<f", "I"), "f16": ("<e", "H")}

    def constant(match):
        bits, element = match[1], match[2]
        if element == "bf16":
            value = struct.unpack("<f", struct.pack("<I", int(bits, 16) << 16))[0]
        else:
            unpack, pack = widths[element]
            value = struct.unpack(unpack, struct.pack("<" + pack, int(bits, 16)))[0]
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X} : f64"

    def blob(match):
        element = match[3]
        raw = bytes.fromhex(match[1])
        if element == "bf16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"f32": "<f4", "f16": "<f2"}[element])
        return f'dense<"0x{values.astype("<f8").tobytes().hex().upper()}"> : tensor<{match[2]}f64>'

    text = re.sub(r"\b0x([0-9A-Fa-f]+) : (bf16|f16|f32)\b", constant, text)
    text = re.sub(r"dense<0x([0-9A-Fa-f]+)> : tensor<((?:\d+x)*)(bf16|f16|f32)>",
                  lambda m: "dense<" + constant((None, m[1], m[3])).split(" ")[0] + f"> : tensor<{m[2]}f64>", text)
    text = re.sub(r'dense<"0x([0-9A-Fa-f]+)"> : tensor<((?:\d+x)*)(bf16|f16|f32)>', blob, text)
    text = re.sub(FLOATS, "f64", text)
    return re.sub(r'"arith\.(?:extf|truncf)"\((%\w+)\)(?: <\{[^}]*\}>)? : \(f64\) -> f64',
                  r'"arith.maximumf"(\1, \1) <{fastmath = #arith.fastmath<none>}> : (f64, f64) -> f64', text)


def renamed(text, prefix):
    """The functions of a generic module, their names prefixed."""
    names = re.findall(r'sym_name = "([^"]+)", sym_visibility|sym_name = "([^"]+)"\}> \(\{\n +\^bb', text)
    body = text[text.index("\n", text.index('"builtin.module"')) + 1:text.rindex("}) :")]
    for name in {a or b for a, b in names} | set(re.findall(r'"func\.func"\(\) <\{[^\n]*?sym_name = "([^"]+)"', text)):
        body = re.sub(rf'sym_name = "{re.escape(name)}"', f'sym_name = "{prefix}{name}"', body)
        body = re.sub(rf"@{re.escape(name)}\b", f"@{prefix}{name}", body)
    return body


def arguments_of(text):
    """{function: [(shape, element)]} of generic IR; an unknown size is 4."""
    found = {}
    for properties in re.findall(r'"func\.func"\(\) <\{(.*?)\}> \(\{', text, re.S):
        name = re.search(r'sym_name = "([^"]+)"', properties)[1]
        kind = re.search(r"function_type = \((.*?)\) -> ", properties, re.S)[1]
        found[name] = [shape_of(t) for t in re.findall(r"tensor<([^<>]*)>", kind)]
    return found


def shape_of(text):
    *sizes, element = text.split(",")[0].split("x")
    return tuple(4 if s == "?" else int(s) for s in sizes), element


def draw(rng, shape, element, full, small):
    if not element.startswith(("f", "bf")):
        return rng.integers(0, 2 if element == "i1" else 3, shape)
    if sum(s > 1 for s in shape) < 2:
        values = rng.uniform(0.4, 1.9, shape) * small
        if values.size > 1:  # one channel is negative
            values.reshape(-1)[-1] *= -1
        return values
    values = rng.standard_normal(shape)
    for axis, size in enumerate(shape):
        along = [size if a == axis else 1 for a in range(len(shape))]
        values = values * 10**rng.uniform(-0.5, 0.2, along) + rng.uniform(-0.3, 0.3, along)
    return values * full


def differs(got, expected, tolerance):
    """What is wrong with `got`, or None."""
    finite = np.isfinite(expected)
    if not np.array_equal(np.where(finite, 0, expected), np.where(np.isfinite(got), 0, got), equal_nan=True):
        return "NaN or infinity at other places"
    error = np.abs(np.where(finite, got - expected, 0))
    if not np.all(error <= tolerance):
        return f"off by {np.max(error):.3g}, allowed {np.max(np.broadcast_to(tolerance, error.shape)):.3g}, " \
               f"largest value {size_of(expected):.3g}, {np.sum(error > tolerance)} of {error.size} elements"
    return None


def size_of(values):
    values = np.abs(values[np.isfinite(values)])
    return float(values.max()) if values.size else 0.0


class Judge:
    """Both modules compiled; `differences(seed)` compares them."""

    def __init__(self, before, after):
        before, after = lowered(before), lowered(after)
        self.shapes = arguments_of(before)
        if self.shapes != arguments_of(after):
            raise ValueError("the modules' functions have different names or types")
        self.elements = {e for types in mlir_exec.signatures(before).values() for _, e in types[1]}
        self.narrow = "bf16" in before + after or re.search(r"\bf16\b|xf16\b", before + after)
        functions = [renamed(to_f64(before), "before64_"), renamed(to_f64(after), "after64_"),
                     renamed(before, "before_"), renamed(after, "after_")]
        module = '"builtin.module"() ({\n' + "".join(functions) + "}) : () -> ()\n"
        # arith.truncf of constants and the like: nothing to fold before mlir-opt sees it.
        self.program = mlir_exec.compile_module(module, ["--allow-unregistered-dialect"], optimize="-O0")

    @np.errstate(all="ignore")
    def differences(self, seed=0):
        return [f"@{name}, {problem}" for name in self.shapes for problem in self.of_function(name, seed)]

    def of_function(self, name, seed):
        rng, problems = np.random.default_rng(seed), []
        for index, (full, small) in enumerate(DRAWS):
            inputs = [draw(rng, shape, element, full, small) for shape, element in self.shapes[name]]
            inputs = [mlir_exec.round_to(v, e).astype(np.float64) if e in UNIT else v
                      for v, (_, e) in zip(inputs, self.shapes[name])]
            moved = [v * (1 + 1e-9 * rng.choice([-1, 1], v.shape)) if e in UNIT else v
                     for v, (_, e) in zip(inputs, self.shapes[name])]
            expected = self.call("before64_" + name, inputs)
            perturbed = self.call("before64_" + name, moved)
            got = self.call("after64_" + name, inputs)
            # A gradient that is 0 in exact arithmetic (of a bias before the norm) is noise on both sides.
            noise = 1e-11 * max(size_of(e) for e in [np.zeros(1), *expected] if np.issubdtype(e.dtype, np.floating))
            for result, (e, p, g) in enumerate(zip(expected, perturbed, got)):
                wrong = differs(g, e, self.allowed(e, p) + noise)
                if wrong:
                    problems.append(f"draw {index}, result {result}, in f64: {wrong}")
            if index < NATIVE_DRAWS:
                problems += self.native(name, index, inputs, expected)
        return problems

    @staticmethod
    def allowed(expected, perturbed):
        """16 units of f32 times how much a relative change of the inputs is amplified."""
        if not np.issubdtype(expected.dtype, np.floating):
            return 0
        size = size_of(expected)
        both = np.isfinite(expected) & np.isfinite(perturbed)
        moved = np.max(np.abs(np.where(both, expected - perturbed, 0)), initial=0.0)
        amplified = min(max(1.0, moved / (1e-9 * size) if size else 1.0), 1e3)
        return 16 * UNIT["f32"] * amplified * size + 1e-300

    def native(self, name, index, inputs, expected):
        before, after = self.call("before_" + name, inputs), self.call("after_" + name, inputs)
        problems = []
        for result, (b, a, e) in enumerate(zip(before, after, expected)):
            if not np.issubdtype(np.asarray(b).dtype, np.floating):
                continue
            b, a = b.astype(np.float64), a.astype(np.float64)
            usable = np.isfinite(b) & np.isfinite(e) | ~np.isfinite(e)
            usable |= np.isfinite(a)
            b, a, e = b[usable], a[usable], e[usable]
            unit = UNIT["bf16"] if self.narrow else UNIT["f32"]
            own = np.max(np.abs(np.where(np.isfinite(b) & np.isfinite(e), b - e, 0)), initial=0.0)
            wrong = differs(a, e, 32 * own + 256 * unit * size_of(e) + 1e-300)
            if wrong:
                problems.append(f"draw {index}, result {result}, as it is: {wrong}")
        return problems

    def call(self, name, inputs):
        return [np.asarray(r) for r in self.program.call(name, inputs)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    problems = Judge(read(sys.argv[1]), read(sys.argv[2])).differences()
    print("\n".join(problems) or "equal")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
