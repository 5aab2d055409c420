"""How long it takes to compile all kernels of a ResNet-50 training step for one chip.

    compile_time.py [CHIP ...]        # sm_80 and sm_90 without

Prints, for each chip, the launches of the step (both versions, the one that inverts and the exact one), the kernels that they
share, and the CPU seconds of abn-to-gpu (best of three), machine code by ptxas included. Needs a CUDA toolkit (CUDA_HOME). Fails if a
chip takes more than 5 s, or two kernels have the same text.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile

from kernel_figures import ABN_OPT, ROOT, TOOLKIT

STEP = os.path.join(ROOT, "examples", "resnet50_leaky.mlir")
LIMIT = 5.0


def cpu_seconds(arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([ABN_OPT, *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def texts_of_kernels(module):
    """The text of each gpu.func, its name left out."""
    return [re.sub(r"@\w+", "", text, count=1) for text in re.findall(r"^ +gpu\.func .*?^    }$", module, re.S | re.M)]


def measure(chip, folder):
    planned, host = os.path.join(folder, "planned.mlir"), os.path.join(folder, "host.mlir")
    kernels = os.path.join(folder, "kernels.mlir")
    cpu_seconds([STEP, "--abn-import-aten", "--abn-optimize", f"--abn-plan=chip={chip}", "-o", planned])
    # The machine does other things too.
    seconds = min(cpu_seconds([planned, f"--abn-to-gpu=chips={chip} toolkit={TOOLKIT}", "-o", host])
                  for _ in range(3))
    # The same kernels before they are compiled, as the pipeline's last pass on launches leaves them.
    with open(kernels, "w") as file:
        subprocess.run([ABN_OPT, planned, f"--abn-to-gpu=chips={chip} toolkit={TOOLKIT}", "-o", os.devnull,
                        "--mlir-print-ir-after=abn-order-stream"], stderr=file, check=True)
    with open(kernels) as file:
        module = file.read()
    texts = texts_of_kernels(module)
    launches = len(re.findall(r"gpu\.launch_func", module))
    repeated = len(texts) - len(set(texts))
    good = seconds <= LIMIT and texts and not repeated
    print(f"{chip:8s} {launches:4d} launches of {len(texts):3d} kernels ({repeated} repeated): {seconds:5.2f} s of CPU "
          f"(at most {LIMIT:.0f} s)", flush=True)
    return good


def main():
    if not os.path.exists(os.path.join(TOOLKIT, "bin", "ptxas")):
        print(f"no CUDA toolkit at {TOOLKIT} (set CUDA_HOME): nothing to compile with", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(chip, folder) for chip in sys.argv[1:] or ["sm_80", "sm_90"]]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
