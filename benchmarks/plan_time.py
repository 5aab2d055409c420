"""How long planning takes: rewrite, plan and pack, and how that grows with depth.

Prints the wall time (best of three, parsing and printing included) of
abn-opt --abn-import-aten --abn-optimize --abn-plan for the ResNet-50 step that ships with the project, which has
two versions, and for bottleneck networks 1 to 20 times as deep; and the fitted exponent. Fails if ResNet-50
takes more than 3 s or the exponent is 1.3 or more. The packer alone: ./dev bench pack.
"""

import os
import sys
import tempfile

from deep_resnet import deep_resnet
from optimize_time import DEPTHS, ROOT, best_time, best_time_of_start, fitted_exponent

PASSES = ("--abn-optimize", "--abn-plan")


def main():
    start_up = min(best_time_of_start() for _ in range(3))
    resnet50 = best_time(os.path.join(ROOT, "examples", "resnet50_leaky.mlir"), PASSES)
    print(f"start-up of abn-opt        {start_up:7.3f} s")
    print(f"resnet50_leaky             {resnet50:7.3f} s   (at most 3 s)")
    times, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for depth in DEPTHS:
            path = os.path.join(folder, f"depth{depth}.mlir")
            text = deep_resnet(depth)
            with open(path, "w") as file:
                file.write(text)
            sizes.append(text.count("aten."))
            times.append(best_time(path, PASSES))
            print(f"depth {depth:3d}  {sizes[-1]:7d} ops     {times[-1]:7.3f} s")
    exponent = fitted_exponent(sizes, [t - start_up for t in times])
    print(f"exponent without start-up  {exponent:7.2f}     (below 1.3)")
    return 0 if resnet50 <= 3 and exponent < 1.3 else 1


if __name__ == "__main__":
    sys.exit(main())
