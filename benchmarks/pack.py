"""How small an arena abn-pack finds, how long it takes, and how that grows with the number of buffers.

Prints for each problem of google/minimalloc and cappadokes/idealloc that ships with the tests: max-live (the
bound), the arena of the usual heuristic (the largest buffer first, best fit) and abn-pack's with their excess
over max-live, and the wall time (best of three). Then the time at minimalloc's capacity, and the times, with and
without the exact search, on generated training steps of 1,000 to 100,000 buffers with the fitted exponent.
Fails if a problem of minimalloc is not solved at its capacity in 10 s, if one of idealloc takes more than 5 s or
exceeds its bound (0, 0 and 1 %), or if an exponent is 1.3 or more.
"""

import gzip
import os
import random
import subprocess
import sys
import time

from optimize_time import ROOT, fitted_exponent

ABN_PACK = os.path.join(os.environ.get("ABN_BIN", os.path.join(ROOT, "build", "bin")), "abn-pack")
INPUTS = os.path.join(ROOT, "test", "Pack", "Inputs")
CAPACITY = 1 << 20
MINIMALLOC = [f"minimalloc/{letter}.{CAPACITY}.csv" for letter in "ACDEFGK"]
# The largest excess over max-live, in percent.
IDEALLOC = {"idealloc/G_1.csv": 0, "idealloc/resnet50.csv": 0, "idealloc/S_1.csv.gz": 1}


def read(name):
    path = os.path.join(INPUTS, name)
    with gzip.open(path) if name.endswith(".gz") else open(path, "rb") as file:
        return file.read()


def pack(problem, *arguments, repeats=3):
    """(statistics, seconds)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run([ABN_PACK, "-", "--stats", "-o", os.devnull, *arguments], input=problem,
                              stderr=subprocess.PIPE, check=True)
        times.append(time.perf_counter() - start)
    return dict(line.split(": ", 1) for line in done.stderr.decode().splitlines()), min(times)


def excess(stats):
    live = int(stats["max-live"])
    return 100 * (int(stats["arena"]) - live) / live


def training_step(count, seed=1):
    """The lifetimes of a training step: parameters live throughout, activations from the forward to the
    mirrored moment of the backward, and for each of them gradients and scratch of a few steps."""
    rng = random.Random(seed)
    layers = count // 8
    end, rows = 4 * layers, []
    for layer in range(layers):
        forward, backward = 2 * layer, end - 2 * layer
        scale = 1 << rng.randint(8, 16)
        rows.append((0, end + 1, scale * rng.randint(1, 9)))
        for step in range(2):
            rows.append((forward + step, backward - step + 1, scale * rng.randint(16, 96)))
            rows.append((backward - step - 1, backward - step + 2, scale * rng.randint(16, 96)))
        for at in (forward, backward - 1, backward - 2):
            rows.append((at, at + rng.randint(1, 2), scale * rng.randint(1, 64)))
    lines = [f"{index},{lower},{upper},{size}" for index, (lower, upper, size) in enumerate(rows)]
    return ("id,lower,upper,size\n" + "\n".join(lines) + "\n").encode()


def print_arenas():
    good = True
    print(f"{'problem':24} {'buffers':>7} {'max-live':>12} {'by size':>12} {'%':>7} {'abn-pack':>12} {'%':>7} "
          f"{'seconds':>8}")
    for name in [*MINIMALLOC, *IDEALLOC]:
        problem = read(name)
        naive, _ = pack(problem, "--by-size", repeats=1)
        stats, seconds = pack(problem)
        print(f"{name:24} {stats['buffers']:>7} {stats['max-live']:>12} {naive['arena']:>12} {excess(naive):7.2f} "
              f"{stats['arena']:>12} {excess(stats):7.2f} {seconds:8.3f}")
        if name in IDEALLOC:
            good = good and excess(stats) <= IDEALLOC[name] and seconds <= 5
    return good


def print_capacities():
    good = True
    print(f"\nat a capacity of {CAPACITY} (at most 10 s)")
    for name in MINIMALLOC:
        stats, seconds = pack(read(name), f"--capacity={CAPACITY}")
        print(f"{name:24} {stats['nodes']:>9} nodes {seconds:8.3f} s")
        good = good and seconds <= 10
    return good


def print_growth(*arguments):
    print(f"\ntraining steps{' '.join(['', *arguments])}")
    sizes, times = [1000, 10_000, 100_000], []
    for count in sizes:
        stats, seconds = pack(training_step(count), *arguments)
        times.append(seconds)
        print(f"{count:7d} buffers {excess(stats):7.3f} % {seconds:8.3f} s")
    exponent = fitted_exponent(sizes, times)
    print(f"exponent {exponent:24.2f}     (below 1.3)")
    return exponent < 1.3


def main():
    results = [print_arenas(), print_capacities(), print_growth(), print_growth("--fast")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
