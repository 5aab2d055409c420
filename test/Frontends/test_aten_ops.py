"""Every aten operation that the importer knows, one small function each: see harness.py for how, cases/ for what."""

import batches
import harness
import pytest


@pytest.fixture(scope="session")
def results(request):
    return batches.Results(harness, request.session.items)


@pytest.mark.parametrize("key", list(batches.parameters("cases")))
def test_agrees_with_pytorch(key, results):
    results.check(key)
