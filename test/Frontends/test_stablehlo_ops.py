"""Every StableHLO operation that the importer knows, small functions each: see jax_harness.py for how, jax_cases/ for
what."""

import importlib
import pathlib
import re

import jax_harness
import mlir_exec
import pytest

TABLES = sorted(path.stem for path in (pathlib.Path(__file__).parent / "jax_cases").glob("*.py"))
BATCH = 32
# test/Import has these: their results are no function of their operands.
ELSEWHERE = {"stablehlo.rng"}


def parameters():
    for table in TABLES:
        for one in importlib.import_module(f"jax_cases.{table}").CASES:
            for dtype in one.dtypes:
                yield pytest.param((one, dtype), id=f"{table}-{one.name}-{dtype}".replace(" ", "_"))


class Results:
    """Prepares and compiles the selected cases in batches, when the first of a batch is asked for."""

    def __init__(self, selected):
        self.batches = [selected[i : i + BATCH] for i in range(0, len(selected), BATCH)]
        self.done = {}

    def of(self, key):
        if key not in self.done:
            self._run(next(batch for batch in self.batches if key in batch))
        return self.done[key]

    def _run(self, batch):
        prepared = {}
        for key in batch:
            try:
                prepared[key] = jax_harness.prepare(*key)
            except Exception as error:  # this case's own failure, raised again in its test
                self.done[key] = error
        compiled = jax_harness.Batch(list(prepared.values()))
        for key, one in prepared.items():
            self.done[key] = one, compiled


@pytest.fixture(scope="session")
def results(request):
    selected = [
        item.callspec.params["key"] for item in request.session.items if "key" in getattr(item, "fixturenames", ())
    ]
    return Results([key for key in selected if isinstance(key[0], jax_harness.Case)])


@pytest.mark.parametrize("key", list(parameters()))
def test_agrees_with_jax(key, results):
    found = results.of(key)
    if isinstance(found, Exception):
        raise found
    prepared, batch = found
    jax_harness.check(prepared, batch.run(prepared))


def test_every_known_op_has_a_case():
    listed = mlir_exec.tool([mlir_exec.find_tool("abn-opt"), "--abn-import-stablehlo=list-ops"], "module {}")
    known = set(re.findall(r"^((?:stablehlo|chlo)\.\w+)$", listed, re.M))
    seen = set()
    for parameter in parameters():
        one, dtype = parameter.values[0]
        seen |= set(re.findall(r'"((?:stablehlo|chlo)\.\w+)"', jax_harness.lower(one, dtype)))
    assert known and known - seen - ELSEWHERE == set()
