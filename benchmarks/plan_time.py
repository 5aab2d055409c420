"""How long planning takes: rewrite, plan and pack, and how that grows with depth.

Prints the wall time (best of three, parsing and printing included) of
abn-opt --abn-import-aten --abn-optimize --abn-plan for the ResNet-50 step that ships with the project, which has
two versions, for bottleneck networks 1 to 20 times as deep, and for chains of light ops, whose every value can be
computed again (abn-optimize and abn-plan alone); and the fitted exponents. Fails if ResNet-50 or the chain of 2,500
ops takes more than 3 s, or an exponent is 1.3 or more. The packer alone: ./dev bench pack.
"""

import os
import subprocess
import sys
import tempfile
import time

from light_chain import light_chain
from optimize_time import ABN_OPT, ROOT, best_time, best_time_of_start, fitted_exponent, time_depths

PASSES = ("--abn-optimize", "--abn-plan")
CHAINS = (500, 1000, 2500, 5000, 10000, 20000)


def time_chains():
    """Seconds by ops of chains of light ops; prints them."""
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        for ops in CHAINS:
            path = os.path.join(folder, f"chain{ops}.mlir")
            with open(path, "w") as file:
                file.write(light_chain(ops // 2))
            start = time.perf_counter()
            subprocess.run([ABN_OPT, path, *PASSES, "-o", os.devnull], check=True)
            times[ops] = time.perf_counter() - start
            print(f"light chain {ops:6d} ops      {times[ops]:7.3f} s" + ("   (at most 3 s)" if ops == 2500 else ""))
    return times


def main():
    start_up = min(best_time_of_start() for _ in range(3))
    resnet50 = best_time(os.path.join(ROOT, "examples", "resnet50_leaky.mlir"), PASSES)
    print(f"start-up of abn-opt        {start_up:7.3f} s")
    print(f"resnet50_leaky             {resnet50:7.3f} s   (at most 3 s)")
    sizes, times = time_depths(PASSES)
    exponent = fitted_exponent(sizes, [t - start_up for t in times])
    print(f"exponent without start-up  {exponent:7.2f}     (below 1.3)")
    chains = time_chains()
    of_chains = fitted_exponent(list(chains), [t - start_up for t in chains.values()])
    print(f"exponent of the chains     {of_chains:7.2f}     (below 1.3)")
    return 0 if max(resnet50, chains[2500]) <= 3 and max(exponent, of_chains) < 1.3 else 1


if __name__ == "__main__":
    sys.exit(main())
