"""What the suites of small functions share, whatever made the graph: their tables, and compiling many cases at once.

A suite's harness has Case, prepare(case, dtype) that gives an object with `upstream`, the lowered module's generic
text, arguments(prepared) that gives what to call it with, and check(prepared, results).
"""

import importlib
import pathlib

import mlir_exec
import pytest

SIZE = 32
# Relative L2 error that is always allowed; beside it MARGIN times the framework's own error in that type.
TOLERANCE = {"f64": 1e-12, "f32": 2e-6, "f16": 2e-3, "bf16": 1.6e-2}
MARGIN = 20


def parameters(folder):
    """The (case, dtype) pairs of every table in `folder`."""
    for path in sorted((pathlib.Path(__file__).parent / folder).glob("*.py")):
        for one in importlib.import_module(f"{folder}.{path.stem}").CASES:
            for dtype in one.dtypes:
                yield pytest.param((one, dtype), id=f"{path.stem}-{one.name}-{dtype}".replace(" ", "_"))


def as_tuple(outputs):
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def opt(text, passes):
    """`text` after abn-opt's passes, in generic form."""
    printing = ["--mlir-print-op-generic", "--mlir-print-local-scope"]
    return mlir_exec.tool([mlir_exec.find_tool("abn-opt"), *passes, *printing], text)


def body(module, name):
    """The functions of a module's generic text, @main renamed."""
    lines = module.strip().split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith('"builtin.module"'))
    return "\n".join(lines[start + 1 : -1]).replace('sym_name = "main"', f'sym_name = "{name}"') + "\n"


class Batch:
    """Compiles many prepared cases as functions of one module: a compiler's start costs more than a small function."""

    def __init__(self, prepared):
        self.functions = {id(one): f"case{i}" for i, one in enumerate(prepared)}
        bodies = [body(one.upstream, self.functions[id(one)]) for one in prepared]
        try:
            text = '"builtin.module"() ({\n' + "".join(bodies) + "}) : () -> ()\n"
            self.program = mlir_exec.compile_module(text, optimize="-O0")
        except mlir_exec.ToolError:
            # One of them does not compile: each for itself, so that only that one fails.
            self.program = None

    def run(self, prepared, arguments):
        if self.program is None:
            return mlir_exec.run(prepared.upstream, [], arguments, optimize="-O0")
        return self.program.call(self.functions[id(prepared)], arguments)


class Results:
    """Prepares and compiles the selected cases in batches, when the first of a batch is asked for."""

    def __init__(self, harness, items):
        keys = [item.callspec.params["key"] for item in items if "key" in getattr(item, "fixturenames", ())]
        selected = [key for key in keys if isinstance(key[0], harness.Case)]
        self.harness = harness
        self.batches = [selected[i : i + SIZE] for i in range(0, len(selected), SIZE)]
        self.done = {}

    def check(self, key):
        """Raises what went wrong with the case, or AssertionError with what differs."""
        if key not in self.done:
            self._prepare(next(batch for batch in self.batches if key in batch))
        found = self.done[key]
        if isinstance(found, Exception):
            raise found
        prepared, batch = found
        self.harness.check(prepared, batch.run(prepared, self.harness.arguments(prepared)))

    def _prepare(self, batch):
        prepared = {}
        for key in batch:
            try:
                prepared[key] = self.harness.prepare(*key)
            except Exception as error:  # this case's own failure, raised again in its test
                self.done[key] = error
        compiled = Batch(list(prepared.values()))
        for key, one in prepared.items():
            self.done[key] = one, compiled
