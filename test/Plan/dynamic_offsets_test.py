"""Random buffers, sized by constants and up to two sizes that are known at run time, placed by
abn-assign-offsets. The offsets are computed here from the printed arithmetic, at many sizes: what lives
together is disjoint, aligned and within the arena. abn-verify-plan accepts every plan, and refuses those in
which a slot is moved onto one that lives with it.
"""

import random
import re

from planned_step import ToolError, abn_opt

PLANS, SIZES = 30, [(0, 0), (0, 7), (1, 1), (8, 8), (1, 900), (900, 1), (3, 40), (77, 5), (640, 480)]
SHAPES = {"": ["64", "1000", "40000"], "n": ["?x16", "?x999", "?x64x64"], "h": ["?x3", "?x512"],
          "nh": ["?x?x2", "?x?x77"]}


def make_step(rng, kinds):
    """(text, [(lower, upper, dynamic sizes, static elements)]) of a function that writes and reads
    buffers."""
    count, steps = rng.randrange(2, 40), 60
    buffers = []
    for _ in range(count):
        kind = rng.choice(kinds)
        lower = rng.randrange(steps - 1)
        buffers.append((lower, min(steps - 1, lower + 1 + rng.randrange(rng.choice([3, 50]))), kind,
                        rng.choice(SHAPES[kind])))
    lines = ["func.func @main(%x: memref<?x?xf32>) {", "  %c0 = arith.constant 0 : index",
             "  %c1 = arith.constant 1 : index", "  %n = memref.dim %x, %c0 : memref<?x?xf32>",
             "  %h = memref.dim %x, %c1 : memref<?x?xf32>", "  %f = arith.constant 0.0 : f32"]
    for number, (_, _, kind, shape) in enumerate(buffers):
        sizes = ", ".join(f"%{size}" for size in kind)
        lines.append(f"  %b{number} = memref.alloc({sizes}) : memref<{shape}xf32>")
    for step in range(steps):
        for number, (lower, upper, _, shape) in enumerate(buffers):
            if step == lower:
                lines.append(f"  linalg.fill ins(%f : f32) outs(%b{number} : memref<{shape}xf32>)")
            if step == upper:
                lines.append(f'  "test.read"(%b{number}) : (memref<{shape}xf32>) -> ()')
    return "\n".join([*lines, "  return", "}"]), buffers


def evaluate(text, n, h):
    """What each index value of the printed function is."""
    values, dims = {}, [n, h]
    for line in text.split("\n"):
        if match := re.match(r"\s*(%\w+) = arith\.constant (\d+) : index", line):
            values[match[1]] = int(match[2])
        elif match := re.match(r"\s*(%\w+) = memref\.dim %arg0, (%\w+)", line):
            values[match[1]] = dims[values[match[2]]]
        elif match := re.match(r"\s*(%\w+) = arith\.(addi|muli|maxsi) (%\w+), (%\w+)", line):
            a, b = values[match[3]], values[match[4]]
            values[match[1]] = {"addi": a + b, "muli": a * b, "maxsi": max(a, b)}[match[2]]
    return values


def places(text, buffers, n, h):
    """([(begin, end)] by slot, the arena's size)"""
    values = evaluate(text, n, h)
    if match := re.search(r"memref\.alloc\((%\w+)\) \{abn\.arena", text):
        arena = values[match[1]]
    else:
        arena = int(re.search(r"memref\.alloc\(\) \{abn\.arena[^\n]*memref<(\d+)xi8>", text)[1])
    found = {}
    for match in re.finditer(r"memref\.view %\w+\[(%\w+)\]\[([^\]]*)\] \{abn\.slot = (\d+) : i64\} : "
                             r"memref<[^>]*> to memref<([^>]*)xf32>", text):
        size = 4
        for extent in match[4].split("x"):
            size *= 1 if extent == "?" else int(extent)
        for extent in filter(None, match[2].split(", ")):
            size *= values[extent]
        found[int(match[3])] = (values[match[1]], values[match[1]] + size)
    return [found[slot] for slot in range(len(found))], arena


def moved(text, slot, other):
    """The plan with the offset of one slot for another."""
    view = lambda number: re.search(rf"memref\.view %\w+\[(%\w+)\]\[[^\]]*\] \{{abn\.slot = {number} :", text)
    start, end = view(slot).span(1)
    return text[:start] + view(other)[1] + text[end:]


def is_refused(text):
    try:
        abn_opt(text, ["--abn-verify-plan", "--allow-unregistered-dialect"])
    except ToolError as error:
        assert "(plan_c" in str(error), error
        return True
    return False


def main():
    rng, refused = random.Random(5), 0
    for plan in range(PLANS):
        kinds = [["", "n"], ["", "n", "h"], ["", "n", "h", "nh"]][plan % 3]
        step, buffers = make_step(rng, kinds)
        text = abn_opt(step, ["--abn-form-pack-problem", "--abn-assign-offsets", "--abn-materialize-arena",
                              "--abn-verify-plan", "--allow-unregistered-dialect"])
        together = [(i, j) for i, a in enumerate(buffers) for j, b in enumerate(buffers[:i])
                    if a[0] < b[1] and b[0] < a[1]]
        for sizes in SIZES:
            slots, arena = places(text, buffers, *sizes)
            assert len(slots) == len(buffers)
            for begin, end in slots:
                assert begin % 256 == 0 and end <= arena, (plan, sizes, begin, end, arena)
            for i, j in together:
                assert slots[i][1] <= slots[j][0] or slots[j][1] <= slots[i][0] or \
                    slots[i][0] == slots[i][1] or slots[j][0] == slots[j][1], (plan, sizes, i, j)
        planned = int(re.search(r"arena_bytes = (\d+)", text)[1])
        assert planned == places(text, buffers, 8, 8)[1]
        if together:
            i, j = rng.choice(together)
            # The one that is written first is read after the other was written, or at the same time.
            assert is_refused(moved(text, i, j)), (plan, i, j)
            refused += 1
    print(f"ok: {PLANS} plans at {len(SIZES)} sizes, {refused} wrong ones refused")


if __name__ == "__main__":
    main()
