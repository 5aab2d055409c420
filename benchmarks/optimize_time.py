"""How long abn-opt's import and rewrite take (--abn-optimize=plan=false), and how that grows with depth.

Prints the wall time (best of three, parsing and printing included) for the ResNet-50 step that ships
with the project and for bottleneck networks 1 to 20 times as deep, and the fitted exponent. Fails if
ResNet-50 takes more than 1 s, the deepest more than 10 s, or the exponent is above 1.2.
"""

import math
import os
import subprocess
import sys
import tempfile
import time

from deep_resnet import deep_resnet

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ABN_OPT = os.path.join(os.environ.get("ABN_BIN", os.path.join(ROOT, "build", "bin")), "abn-opt")
DEPTHS = (1, 2, 5, 10, 20)
REWRITE = ("--abn-optimize=plan=false",)


def best_time(path, passes, repeats=3):
    """Seconds of the fastest run."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([ABN_OPT, path, "--abn-import-aten", *passes, "-o", os.devnull], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def fitted_exponent(sizes, times):
    """The slope of the least-squares line through (log size, log time)."""
    xs, ys = [math.log(size) for size in sizes], [math.log(t) for t in times]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return (sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x)**2 for x in xs))


def time_depths(passes):
    """Ops and seconds of networks of each depth; prints them."""
    times, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for depth in DEPTHS:
            path = os.path.join(folder, f"depth{depth}.mlir")
            text = deep_resnet(depth)
            with open(path, "w") as file:
                file.write(text)
            sizes.append(text.count("aten."))
            times.append(best_time(path, passes))
            print(f"depth {depth:3d}  {sizes[-1]:7d} ops     {times[-1]:7.3f} s")
    return sizes, times


def main():
    start_up = min(best_time_of_start() for _ in range(3))
    resnet50 = best_time(os.path.join(ROOT, "examples", "resnet50_leaky.mlir"), REWRITE)
    print(f"start-up of abn-opt        {start_up:7.3f} s")
    print(f"resnet50_leaky             {resnet50:7.3f} s   (at most 1 s)")
    sizes, times = time_depths(REWRITE)
    exponent = fitted_exponent(sizes, [t - start_up for t in times])
    print(f"exponent without start-up  {exponent:7.2f}     (at most 1.2)")
    return 0 if resnet50 <= 1 and times[-1] <= 10 and exponent <= 1.2 else 1


def best_time_of_start():
    start = time.perf_counter()
    subprocess.run([ABN_OPT, os.devnull, "-o", os.devnull], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
