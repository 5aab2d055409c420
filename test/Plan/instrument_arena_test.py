"""What the instrumented arena shows when a small step runs: a read of dead bytes is NaN; a slot over
live bytes, a write behind a slot's end and a write where no slot is live stop the program, each with
the slot's number and place. Views without abn.slot stand for code that writes where it should not."""
import re

import numpy as np

import planned_step

HEADER = """
func.func @main(%x: memref<8xf32>, %arena: memref<256xi8> {abn.arena}) -> memref<8xf32>
    attributes {abn.plan = {arena_bytes = 256 : i64, canary_bytes = 16 : i64}} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %c160 = arith.constant 160 : index
  %c192 = arith.constant 192 : index
  %one = arith.constant 1.0 : f32
"""


def slot(number, offset, name=None):
    attributes = f" {{abn.slot = {number} : i64}}" if number is not None else ""
    return (f"  %{name or f's{number}'} = memref.view %arena[%c{offset}][]{attributes} : memref<256xi8> "
            "to memref<8xf32>\n")


def copy(source, target):
    return f"  memref.copy %{source}, %{target} : memref<8xf32> to memref<8xf32>\n"


END = "  return %s1 : memref<8xf32>\n}\n"
STRAY = "  linalg.fill ins(%one : f32) outs(%stray : memref<8xf32>)\n"
# Name: body, the expected outcome (`right`, `NaN`, or what the program says).
CASES = {
    "right": (slot(0, 0) + copy("x", "s0") + slot(1, 128) + copy("s0", "s1"), "right"),
    "bytes_used_again": (slot(0, 0) + copy("x", "s0") + slot(1, 128) + copy("s0", "s1") + slot(2, 0) +
                         copy("s1", "s2") + copy("s2", "s1"), "right"),
    "read_of_what_nobody_wrote": (slot(0, 0) + slot(1, 128) + copy("s0", "s1"), "NaN"),
    # Slot 0 has had its last use as far as its own views say; the stray view still reads it.
    "read_of_a_dead_slot": (slot(0, 0) + copy("x", "s0") + slot(None, 0, "stray") + slot(1, 128) +
                            copy("stray", "s1"), "NaN"),
    "slot_over_live_bytes": (slot(0, 0) + copy("x", "s0") + slot(2, 0) + copy("x", "s2") + slot(1, 128) +
                             copy("s0", "s1"),
                             r"abn: slot 2 \(.*:\d+\): another slot was live in its bytes"),
    "write_behind_the_end": (slot(0, 0) + copy("x", "s0") + slot(None, 32, "stray") + STRAY +
                             slot(1, 128) + copy("s0", "s1"),
                             r"abn: slot 0 \(.*:\d+\): the bytes behind it were overwritten"),
    "write_behind_a_result": (slot(1, 128) + copy("x", "s1") + slot(None, 160, "stray") + STRAY,
                              r"abn: slot 1 \(.*:\d+\): the bytes behind it were overwritten"),
    "write_where_nothing_is_live": (slot(1, 128) + copy("x", "s1") + slot(None, 192, "stray") + STRAY,
                                    r"abn: bytes \[176, 256\) of the arena were written when no slot"),
}


def main():
    x = np.arange(8, dtype=np.float32)
    for name, (body, expected) in CASES.items():
        step = planned_step.PlannedStep(HEADER + body + END, instrumented=True)
        results, said = planned_step.run_apart(step, [x])
        if expected == "right":
            assert results is not None and (results[0] == x).all(), f"{name}: {results} {said}"
        elif expected == "NaN":
            assert results is not None and np.isnan(results[0]).all(), f"{name}: {results} {said}"
        else:
            assert results is None and re.search(expected, said), f"{name}: {results} {said}"
    print(f"{len(CASES)} steps behave")


main()
