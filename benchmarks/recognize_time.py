"""How long abn-recognize takes, and how that grows with depth.

Prints the wall time of the pass alone (best of five, from --mlir-timing) for the ResNet-50 step that JAX
wrote, and for bottleneck networks 1 to 20 times as deep whose batch norms are lowered to linalg first,
with the number of batch norms that were found, and the fitted exponent. Fails if ResNet-50 takes more
than 0.3 s, the exponent is above 1.2, or a batch norm is not found.
"""

import gzip
import os
import re
import subprocess
import sys
import tempfile

from deep_resnet import deep_resnet
from optimize_time import ABN_OPT, DEPTHS, ROOT, fitted_exponent

JAX_RESNET50 = os.path.join(ROOT, "test", "Integration", "Inputs", "jax_resnet50_leaky_b8_224.mlir.gz")


def abn_opt(source, *passes):
    """(what the tool wrote, what it said)."""
    done = subprocess.run([ABN_OPT, "-", *passes], input=source, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def recognize(text, repeats=5):
    """(seconds, batch norms found with their gradients)."""
    times = []
    for _ in range(repeats):
        output, timing = abn_opt(text, "--abn-recognize", "--mlir-timing")
        times.append(float(re.search(r"([\d.]+) \([^)]*\)\s+Recognize", timing)[1]))
    return min(times), len(re.findall(r"= abn\.batch_norm_grad", output))


def main():
    with gzip.open(JAX_RESNET50, "rt") as file:
        text, _ = abn_opt(file.read(), "--abn-import-stablehlo")
    resnet50, found = recognize(text)
    good = resnet50 <= 0.3 and found == 53
    print(f"JAX resnet50_leaky          {resnet50:7.3f} s   {found:5d} of   53 (at most 0.3 s)")
    times, sizes = [], []
    for depth in DEPTHS:
        text, _ = abn_opt(deep_resnet(depth), "--abn-import-aten", "--convert-abn-to-linalg")
        seconds, found = recognize(text)
        sizes.append(text.count(" = "))
        times.append(seconds)
        good = good and found == 54 * depth
        print(f"depth {depth:3d}  {sizes[-1]:7d} ops     {seconds:7.3f} s   {found:5d} of {54 * depth:4d}")
    exponent = fitted_exponent(sizes, times)
    print(f"exponent                    {exponent:7.2f}     (at most 1.2)")
    return 0 if good and exponent <= 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
