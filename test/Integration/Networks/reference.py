"""The reference beside a graph, and when a result agrees with it.

NAME.npz holds arg0.. (the function's arguments in order), ref0.. (its results in order, computed in
f64), native0.. (the exporting framework's own run in the graph's dtype) and meta (JSON: roles and
dtypes). bf16 arrays are stored as their 16 bits.
"""

import json

import ml_dtypes
import numpy as np

# A result may be this many times as far from f64 as the framework's own run was, plus the share of
# its scale that another order of summation costs. Half precision is mostly native error already.
NATIVE_FACTOR = 20.0
NATIVE_FACTOR_HALF = 3.0
RELATIVE = 1e-4
# What is zero in exact arithmetic is compared with the typical size of a result instead.
FLOOR = 1e-6
DEGENERATE = 1e-5


def decode(array, dtype):
    """The stored array as the values it stands for."""
    if dtype == "bf16":
        return array.view(ml_dtypes.bfloat16)
    return array.astype(np.bool_) if dtype == "i1" else array


def norm(array):
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


class Reference:
    """Arguments, f64 results and tolerances of one graph."""

    def __init__(self, arguments, results, native, meta):
        self.arguments, self.results, self.native, self.meta = arguments, results, native, meta
        self.dtypes = meta["result_dtypes"]
        self.floating = [r.dtype == np.float64 for r in self.results]
        sizes = [np.sqrt(np.mean(r**2)) for r, f in zip(self.results, self.floating) if f]
        self.typical = float(np.median(sizes)) if sizes else 0.0
        half = any(dtype in ("f16", "bf16") for dtype in self.dtypes)
        self.factor = NATIVE_FACTOR_HALF if half else NATIVE_FACTOR

    @classmethod
    def load(cls, path):
        stored = np.load(path, allow_pickle=False)
        meta = json.loads(str(stored["meta"]))
        read = lambda what, kinds: [decode(stored[f"{what}{i}"], kind) for i, kind in enumerate(kinds)]
        results = [stored[f"ref{i}"] for i in range(len(meta["result_dtypes"]))]
        return cls(read("arg", meta["arg_dtypes"]), results, read("native", meta["result_dtypes"]), meta)

    def role(self, i):
        role = self.meta["result_roles"][i]
        return " ".join(role) if isinstance(role, list) else role

    def scale(self, i):
        """The size that errors of result i are relative to. An updated parameter counts by how far
        it moved: its gradient could be wrong by far and not show beside the parameter itself."""
        moved_from = self.meta.get("updated_of", {}).get(str(i))
        role = self.meta["result_roles"][i]
        if moved_from is None and isinstance(role, list) and role[0] == "updated_param":
            parameters = [r[1] if r[0] == "param" else None for r in self.meta["arg_roles"]]
            moved_from = parameters.index(role[1])
        if moved_from is None:
            return norm(self.results[i])
        return norm(self.results[i] - self.arguments[moved_from].astype(np.float64))

    def tolerance(self, i):
        """How far, in the Euclidean norm, result i may be from its reference."""
        native = norm(self.native[i].astype(np.float64) - self.results[i])
        floor = FLOOR * self.typical * np.sqrt(self.results[i].size)
        return self.factor * native + RELATIVE * self.scale(i) + floor

    def is_degenerate(self, i):
        return self.scale(i) < DEGENERATE * self.typical * np.sqrt(self.results[i].size)


def compare(reference, results, against=None):
    """Compares `results` with the reference, or with another run's results within the same
    tolerances. Returns the worst relative error and a line for each result that disagrees."""
    wanted = reference.results if against is None else against
    if len(results) != len(wanted):
        return 0.0, [f"{len(results)} results, expected {len(wanted)}"]
    worst, problems = 0.0, []
    for i, (got, want) in enumerate(zip(results, wanted)):
        label = f"result {i} ({reference.role(i)})"
        if got.shape != want.shape:
            problems.append(f"{label}: shape {got.shape}, expected {want.shape}")
        elif not reference.floating[i]:
            if not np.array_equal(got, want):
                problems.append(f"{label}: integers differ")
        else:
            got = got.astype(np.float64)
            error, tolerance = norm(got - want.astype(np.float64)), reference.tolerance(i)
            scale = max(reference.scale(i), 1e-300)
            if not reference.is_degenerate(i):
                worst = max(worst, error / scale)
            if not (np.isfinite(got).all() and error <= tolerance):
                problems.append(f"{label}: relative error {error / scale:.2e}, "
                                f"tolerance {tolerance / scale:.2e}")
    return worst, problems
