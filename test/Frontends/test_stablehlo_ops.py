"""Every StableHLO operation that the importer knows, small functions each: see jax_harness.py for how, jax_cases/ for
what."""

import re

import batches
import jax_harness
import mlir_exec
import pytest

# test/Import has these: their results are no function of their operands.
ELSEWHERE = {"stablehlo.rng"}


@pytest.fixture(scope="session")
def results(request):
    return batches.Results(jax_harness, request.session.items)


@pytest.mark.parametrize("key", list(batches.parameters("jax_cases")))
def test_agrees_with_jax(key, results):
    results.check(key)


def test_every_known_op_has_a_case():
    listed = mlir_exec.tool([mlir_exec.find_tool("abn-opt"), "--abn-import-stablehlo=list-ops"], "module {}")
    known = set(re.findall(r"^((?:stablehlo|chlo)\.\w+)$", listed, re.M))
    seen = set()
    for parameter in batches.parameters("jax_cases"):
        one, dtype = parameter.values[0]
        seen |= set(re.findall(r'"((?:stablehlo|chlo)\.\w+)"', jax_harness.lower(one, dtype)))
    assert known and known - seen - ELSEWHERE == set()
