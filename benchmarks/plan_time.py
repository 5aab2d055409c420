"""How long planning takes: rewrite, plan and pack, and how that grows with depth.

Prints the wall time (best of three, parsing and printing included) of
abn-opt --abn-import-aten --abn-optimize --abn-plan for the ResNet-50 step that ships with the project, which has
two versions, and for bottleneck networks 1 to 20 times as deep; and the fitted exponent. Fails if ResNet-50
takes more than 3 s or the exponent is 1.3 or more. The packer alone: ./dev bench pack.
"""

import os
import sys

from optimize_time import ROOT, best_time, best_time_of_start, fitted_exponent, time_depths

PASSES = ("--abn-optimize", "--abn-plan")


def main():
    start_up = min(best_time_of_start() for _ in range(3))
    resnet50 = best_time(os.path.join(ROOT, "examples", "resnet50_leaky.mlir"), PASSES)
    print(f"start-up of abn-opt        {start_up:7.3f} s")
    print(f"resnet50_leaky             {resnet50:7.3f} s   (at most 3 s)")
    sizes, times = time_depths(PASSES)
    exponent = fitted_exponent(sizes, [t - start_up for t in times])
    print(f"exponent without start-up  {exponent:7.2f}     (below 1.3)")
    return 0 if resnet50 <= 3 and exponent < 1.3 else 1


if __name__ == "__main__":
    sys.exit(main())
