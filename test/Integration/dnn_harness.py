"""Builds one module from many dnn cases, compiles it once and compares every case.

A case is a function of one op whose destinations are arguments full of garbage: a lowering that
read them would show it. References take and give channels-first arrays.

`route` says how the ops are lowered: `linalg`, or `calls` of the runtime's library, which must then
take every case but those that it is documented to leave (f64, open sizes).
"""

import sys

import numpy as np

import mlir_exec

# Largest error relative to the largest magnitude of the reference: for f16 and bf16 that of one
# rounding (2^-11, 2^-8) and no more, which a sum in those types exceeds.
TOLERANCE = {"f64": 1e-13, "f32": 3e-6, "f16": 5.2e-4, "bf16": 4.2e-3}


def attribute(value):
    if isinstance(value, bool):
        return "unit"
    if isinstance(value, int):
        return f"{value} : i64"
    if isinstance(value, str):
        return value
    if isinstance(value[0], float):
        return "array<f64: " + ", ".join(map(repr, value)) + ">"
    return "array<i64: " + ", ".join(map(str, value)) + ">"


def attributes(values):
    return "{" + ", ".join(f"{name} = {attribute(value)}" for name, value in values.items()
                           if value is not None and value is not False) + "}"


def tensor(shape, element, dynamic=()):
    sizes = ["?" if i in dynamic else str(size) for i, size in enumerate(shape)]
    return "tensor<" + "x".join([*sizes, element]) + ">"


PASSES = {
    "linalg": ["--convert-dnn-to-linalg"],
    "calls": ["--one-shot-bufferize=bufferize-function-boundaries "
              "function-boundary-type-conversion=identity-layout-map", "--convert-dnn-to-calls"],
}


class Suite:
    """Collects cases; `check` runs them and exits with 1 if one is wrong."""

    def __init__(self, seed, route="linalg"):
        self.random = np.random.default_rng(seed)
        self.route = route
        self.functions, self.cases = [], []

    def values(self, shape, element):
        """Random values that `element` holds exactly."""
        return mlir_exec.round_to(self.random.standard_normal(shape), element).astype(np.float64)

    def add(self, label, op, attrs, operands, results, expected, element, layout="channels_first",
            dynamic=(), exact=False):
        """`operands` are (keyword, array) pairs, keyword `ins` or `bias`; `results` the element
        types of the results. Full-size arrays (rank > 1) are channels-first and are transposed for
        channels_last; `dynamic` names the dimensions that the types leave open."""
        if self.route == "calls" and (element == "f64" or dynamic):
            return
        last = layout == "channels_last"
        turn = lambda a: np.moveaxis(a, 1, -1) if last and a.ndim > 1 else a
        expected = [turn(np.asarray(e)) for e in expected]
        arguments, groups, names = [], {}, []
        for keyword, value in operands:
            value = turn(value)
            kind = "i64" if value.dtype == np.int64 else element
            groups.setdefault(keyword, []).append(
                (f"%a{len(arguments)}", tensor(value.shape, kind, dynamic)))
            arguments.append(value)
        for kind, value in zip(results, expected):
            names.append((f"%a{len(arguments)}", tensor(value.shape, kind, dynamic)))
            arguments.append(np.full(value.shape, 12345 if kind == "i64" else np.nan))
        if last:
            attrs = {**attrs, "layout": "#dnn.layout<channels_last>"}
        flat = [pair for group in groups.values() for pair in group]
        listed = lambda pairs: (", ".join(n for n, _ in pairs) + " : " +
                                ", ".join(t for _, t in pairs))
        types = ", ".join(t for _, t in names)
        name = f"case{len(self.cases)}"
        self.functions.append(
            f"func.func @{name}(" + ", ".join(f"{n}: {t}" for n, t in flat + names) +
            f") -> ({types}) {{\n  %r:{len(names)} = dnn.{op} {attributes(attrs)} " +
            " ".join(f"{keyword}({listed(pairs)})" for keyword, pairs in groups.items()) +
            f" outs({listed(names)}) -> {types}\n  return " +
            ", ".join(f"%r#{i}" for i in range(len(names))) + f" : {types}\n}}\n")
        self.cases.append((name, f"{label} {op} {element} {layout}", arguments, expected,
                           0.0 if exact else TOLERANCE[element]))

    def add_function(self, label, text, arguments, expected, element):
        """A case of its own text: a function @NAME on arrays as they are."""
        name = f"case{len(self.cases)}"
        self.functions.append(text.replace("@NAME", f"@{name}"))
        self.cases.append((name, f"{label} {element}", arguments, expected, TOLERANCE[element]))

    def check(self, keep=None):
        text, runtime = "".join(self.functions), None
        if self.route == "calls":
            runtime = mlir_exec.DnnLibrary()
            calls = mlir_exec.abn_opt(text, PASSES["calls"]).count("llvm.call @abnDnn")
            assert calls == len(self.cases), f"{len(self.cases)} cases, {calls} calls"
        # Compiling hundreds of functions takes longer than running them: no optimisation.
        program = mlir_exec.compile_module(text, PASSES[self.route], optimize="-O0", keep=keep)
        wrong, worst = 0, 0.0
        for name, label, arguments, expected, tolerance in self.cases:
            results = program.call(name, arguments)
            if runtime and (error := runtime.take_error()):
                wrong += 1
                print(f"WRONG {name} {label}: {error}")
                continue
            for i, (got, want) in enumerate(zip(results, expected)):
                error = relative_error(got, want)
                worst = max(worst, error / tolerance if tolerance else 0.0)
                if not error <= tolerance:
                    wrong += 1
                    print(f"WRONG {name} {label}, result {i}: relative error {error:.2e}, "
                          f"allowed {tolerance:.0e}")
        print(f"{len(self.cases)} cases, {wrong} wrong results, "
              f"worst error {worst:.2f} of the tolerance")
        sys.exit(1 if wrong else 0)


def relative_error(got, want):
    """The largest difference over the largest finite magnitude of `want`; infinite where NaNs,
    infinities or shapes differ."""
    if got.shape != want.shape:
        return np.inf
    got, want = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        return np.inf
    if not np.isfinite(got[finite]).all():
        return np.inf
    scale = np.abs(want[finite]).max(initial=0.0)
    difference = np.abs(got[finite] - want[finite]).max(initial=0.0)
    return difference / scale if scale else difference
