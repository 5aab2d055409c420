"""The problems of google/minimalloc and cappadokes/idealloc: solved at their capacity or near max-live, in
time, and refuted below. Each solution is checked by the reference."""

import csv
import gzip
import io
import os
import time

from pack_reference import find_error, max_live, read_offsets, read_stats, run_pack

INPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Inputs")
CAPACITY = 1 << 20
# A quarter to a fiftieth of it is usual.
SECONDS = 10


def read(name):
    path = os.path.join(INPUTS, name)
    with gzip.open(path, "rt") if name.endswith(".gz") else open(path, encoding="utf-8") as file:
        text = file.read()
    buffers = [{key: int(row[key]) for key in ("lower", "upper", "size")}
               for row in csv.DictReader(io.StringIO(text))]
    return text, buffers


def solve(name, *arguments):
    """(statistics, max-live) of a solution that is checked."""
    text, buffers = read(name)
    start = time.monotonic()
    done = run_pack(text, "--stats", *arguments)
    seconds = time.monotonic() - start
    assert done.returncode == 0, (name, done.stderr)
    assert seconds <= SECONDS, (name, seconds)
    stats = read_stats(done.stderr)
    assert find_error(buffers, read_offsets(done.stdout), int(stats["arena"])) is None, name
    assert int(stats["max-live"]) == max_live(buffers), name
    print(f"{name}: arena {stats['arena']}, lower bound {stats['lower bound']}, {seconds:.2f} s")
    return stats


def test_minimalloc():
    for letter in "ACDEFGK":
        assert int(solve(f"minimalloc/{letter}.{CAPACITY}.csv", f"--capacity={CAPACITY}")["arena"]) <= CAPACITY
    assert solve("minimalloc/input.12.csv", "--capacity=12")["arena"] == "12"


def test_refutations():
    """Max-live is the capacity: one byte less is refuted without a search."""
    for letter in "AEFGK":
        text, _ = read(f"minimalloc/{letter}.{CAPACITY}.csv")
        done = run_pack(text, f"--capacity={CAPACITY - 1}", timeout=5)
        assert done.returncode == 1 and not done.stdout
        assert f"infeasible: proved, max-live {CAPACITY} > capacity {CAPACITY - 1}" in done.stderr, done.stderr


def test_least_arena():
    for letter in "ACEFGK":
        stats = solve(f"minimalloc/{letter}.{CAPACITY}.csv")
        assert stats["status"] == "optimal" and stats["arena"] == stats["max-live"], (letter, stats)
    # The least arena of D is not known.
    stats = solve(f"minimalloc/D.{CAPACITY}.csv")
    assert stats["status"] == "feasible" and int(stats["lower bound"]) < int(stats["arena"]) < CAPACITY


def test_idealloc():
    for name, excess in (("G_1.csv", 0), ("resnet50.csv", 0), ("S_1.csv.gz", 0.01)):
        stats = solve(f"idealloc/{name}")
        assert int(stats["arena"]) <= (1 + excess) * int(stats["max-live"]), (name, stats)


if __name__ == "__main__":
    for test_name, test in list(globals().items()):
        if test_name.startswith("test_"):
            test()
