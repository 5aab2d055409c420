"""Every aten operation that the importer knows, one small function each: see harness.py for how, cases/ for what."""

import importlib
import pathlib

import harness
import pytest

TABLES = sorted(path.stem for path in (pathlib.Path(__file__).parent / "cases").glob("*.py"))
BATCH = 32


def parameters():
    for table in TABLES:
        for case in importlib.import_module(f"cases.{table}").CASES:
            for dtype in case.dtypes:
                yield pytest.param((case, dtype), id=f"{table}-{case.name}-{dtype}".replace(" ", "_"))


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
                prepared[key] = harness.prepare(*key)
            except Exception as error:  # this case's own failure, raised again in its test
                self.done[key] = error
        compiled = harness.Batch(list(prepared.values()))
        for key, one in prepared.items():
            self.done[key] = one, compiled


@pytest.fixture(scope="session")
def results(request):
    selected = [
        item.callspec.params["key"] for item in request.session.items if "key" in getattr(item, "fixturenames", ())
    ]
    return Results(selected)


@pytest.mark.parametrize("key", list(parameters()))
def test_agrees_with_pytorch(key, results):
    found = results.of(key)
    if isinstance(found, Exception):
        raise found
    prepared, batch = found
    harness.check(prepared, batch.run(prepared))
