"""Matrix products, added to what the result holds, against numpy's in f64."""
import itertools
import sys

import numpy as np

from dnn_harness import Suite, tensor

SIZES = [(4, 10, 32), (1, 1, 1), (7, 13, 5), (64, 33, 129), (1, 17, 8), (9, 1, 6)]
# What linalg computes in the result's type, the library computes in f32.
ELEMENTS = {"linalg": [("f32", "f32")],
            "calls": [("f32", "f32"), ("f16", "f16"), ("bf16", "bf16"), ("f16", "f32")]}
BATCH = 3


def add(suite, sizes, batched, transposed, elements):
    """`batched` says whether each operand is of a batch; None: a plain matmul."""
    m, n, k = sizes
    element, result_element = elements
    names = ["m", "n", "k"] if batched is None else ["b", "m", "n", "k"]
    extents = dict(zip(names, [m, n, k] if batched is None else [BATCH, m, n, k]))
    accesses, operands, wide = [], [], []
    for i, rows in enumerate(["mk", "kn"]):
        stored = rows[::-1] if transposed[i] else rows
        access = ["b"] * bool(batched and batched[i]) + list(stored)
        accesses.append(access)
        value = suite.values([extents[d] for d in access], element)
        operands.append(value)
        wide.append(np.swapaxes(value, -1, -2) if transposed[i] else value)
    accesses.append(names[:-1])
    held = suite.values([extents[d] for d in names[:-1]], result_element)
    expected = held + wide[0] @ wide[1]
    kinds = [tensor(v.shape, e) for v, e in zip([*operands, held], [element, element, result_element])]
    maps = ", ".join(f"affine_map<({', '.join(names)}) -> ({', '.join(a)})>" for a in accesses)
    op = "matmul" if batched is None else "batch_matmul"
    suite.add_function(
        f"{op} {sizes} batched {batched} transposed {transposed} from {element}",
        f"func.func @NAME(%a: {kinds[0]}, %b: {kinds[1]}, %c: {kinds[2]}) -> {kinds[2]} {{\n"
        f"  %r = linalg.{op} indexing_maps = [{maps}] ins(%a, %b : {kinds[0]}, {kinds[1]}) "
        f"outs(%c : {kinds[2]}) -> {kinds[2]}\n  return %r : {kinds[2]}\n}}\n",
        [*operands, held], [expected], result_element)


def main(route):
    suite = Suite(seed=4, route=route)
    for sizes, elements in itertools.product(SIZES, ELEMENTS[route]):
        for transposed in itertools.product([False, True], repeat=2):
            for batched in [None, (True, True), (False, True), (True, False)]:
                # linalg has no transposed operand that is the same for the whole batch.
                if batched and any(t and not b for t, b in zip(transposed, batched)):
                    continue
                add(suite, sizes, batched, transposed, elements)
    suite.check()


main(sys.argv[1])
