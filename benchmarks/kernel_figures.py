"""What the kernels of convert-abn-to-gpu need of a chip: registers, spills, workgroup memory, occupancy, as ptxas
says, and the time that the bandwidth of a GPU allows for what they read and write.

    kernel_figures.py [--write | --all]

Prints docs/KernelFigures.md (writes it with --write); --all counts the spills of every activation in every type, which
takes minutes. Needs a CUDA toolkit. Fails if a kernel spills, or a streaming
kernel has less than 75 % of a processor's threads on sm_80 or sm_90.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ABN_OPT = os.path.join(ROOT, "build", "bin", "abn-opt")
TOOLKIT = os.environ.get("CUDA_HOME", "/usr/local/cuda")
# Resident threads, blocks and registers of a processor, and its shared memory in bytes: the CUDA C++
# Programming Guide's table of compute capabilities.
CHIPS = {"sm_75": (1024, 16, 65536, 64 << 10), "sm_80": (2048, 32, 65536, 164 << 10),
         "sm_86": (1536, 16, 65536, 100 << 10), "sm_89": (1536, 24, 65536, 100 << 10),
         "sm_90": (2048, 32, 65536, 228 << 10), "sm_100": (2048, 32, 65536, 228 << 10),
         "sm_120": (1536, 24, 65536, 100 << 10)}
BANDWIDTH = {"A100": 2039e9, "H100": 3350e9, "H200": 4800e9}
# name: shape, channel dimension, element type
CASES = {
    "32x64x112x112 f32": ((32, 64, 112, 112), 1, "f32"), "32x256x56x56 f32": ((32, 256, 56, 56), 1, "f32"),
    "32x512x28x28 f16": ((32, 512, 28, 28), 1, "f16"), "32x1024x14x14 f16": ((32, 1024, 14, 14), 1, "f16"),
    "8x2048x7x7 f32": ((8, 2048, 7, 7), 1, "f32"), "32x56x56x256 f16": ((32, 56, 56, 256), 3, "f16"),
    "32x112x112x64 f32": ((32, 112, 112, 64), 3, "f32"), "8x7x7x2048 bf16": ((8, 7, 7, 2048), 3, "bf16"),
}


def step(shape, channel, element):
    """Forward and backward of one chain, in place."""
    full = f"memref<{'x'.join(map(str, shape))}x{element}>"
    vector = f"memref<{shape[channel]}xf32>"
    attributes = (f"{{epsilon = 1.0e-5 : f64, channel_dim = {channel} : i64, "
                  "gamma_policy = #abn.gamma_policy<trust>}")
    return f"""
func.func @step(%g: {vector}, %b: {vector}, %m: {vector}, %v: {vector}, %dg: {vector}, %db: {vector}) {{
  %x = memref.alloc() {{alignment = 256}} : {full}
  %dz = memref.alloc() {{alignment = 256}} : {full}
  abn.inplace_forward #abn.leaky_relu<0.01> {attributes} gamma(%g : {vector}) beta(%b : {vector})
      outs(%x, %m, %v : {full}, {vector}, {vector})
  abn.inplace_backward #abn.leaky_relu<0.01> {attributes} ins(%x : {full}) stats(%v : {vector})
      gamma(%g : {vector}) beta(%b : {vector}) outs(%dz, %dg, %db : {full}, {vector}, {vector})
  return
}}
"""


def assemble(text, chip):
    """{kernel: (threads per block, registers, spilled bytes, workgroup bytes)}."""
    module = subprocess.run([ABN_OPT, f"--abn-to-gpu=chips={chip} format=isa toolkit={TOOLKIT}"], input=text,
                            capture_output=True, text=True, check=True).stdout
    escaped = re.search(r'assembly = "(.*?)(?<!\\)"', module, re.S)[1]
    ptx = re.sub(r"\\([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), escaped).rstrip("\0")
    threads = {name: int(count) for name, count in
               re.findall(r"\.entry (\w+)\(.*?\.(?:maxntid|reqntid) (\d+)", ptx, re.S)}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernels.ptx")
        with open(path, "w") as file:
            file.write(ptx)
        said = subprocess.run([os.path.join(TOOLKIT, "bin", "ptxas"), f"-arch={chip}", "-v", path, "-o",
                               os.path.join(folder, "kernels.cubin")], capture_output=True, text=True, check=True).stderr
    kernels = {}
    for part in said.split("Compiling entry function '")[1:]:
        name = part.split("'")[0]
        spilled = sum(map(int, re.findall(r"(\d+) bytes spill", part)))
        registers = int(re.search(r"Used (\d+) registers", part)[1])
        shared = re.search(r"(\d+) bytes smem", part)
        kernels[name] = (threads[name], registers, spilled, int(shared[1]) if shared else 0)
    return kernels


def all_activations():
    """Forward and backward of every activation that is inverted, in place, on shapes of each kind."""
    sys.path.insert(0, os.path.join(ROOT, "test", "Integration"))
    from abn_programs import Chain
    from abn_reference import INVERTIBLE
    shapes = [((32, 56, 56, 256), 3), ((32, 64, 56, 56), 1), ((32, 1024, 14, 14), 1), ((256, 256, 7, 7), 1),
              ((8, 7, 7, 2048), 3)]
    chains = [(activation, element, shape, channel) for activation in INVERTIBLE
              for element in ("f32", "f16", "bf16") for shape, channel in shapes]
    return "\n".join(Chain(f"chain{index}", *chain, "inplace", policy="trust").buffers_text()
                     for index, chain in enumerate(chains))


def occupancy(chip, threads, registers, shared):
    """The share of a processor's threads that are resident: registers come in eights per thread and 256 per
    warp, from the quarter of a processor that the warp is on, and a block takes 1 KiB of shared memory beside its own."""
    most, blocks, file, memory = CHIPS[chip]
    warps = -(-threads // 32)
    per_warp = -(-(-(-registers // 8) * 8 * 32) // 256) * 256
    resident = 4 * (file // 4 // per_warp)
    fitting = min(blocks, most // (warps * 32), resident // warps, memory // (shared + 1024))
    return fitting * threads / most


def find_spills():
    """(what was looked at, what is wrong)."""
    text, wrong, counts = all_activations(), [], set()
    for chip in CHIPS:
        kernels = assemble(text, chip)
        counts.add(len(kernels))
        wrong += [f"{name} spills {spilled} bytes on {chip}" for name, (_, _, spilled, _) in kernels.items() if spilled]
    return f"{min(counts)} kernels of all activations in f32, f16 and bf16, channels first and last, on {len(CHIPS)} chips", wrong


def is_streaming(name):
    return name.endswith(("_statistics", "_sum", "_map"))


def figures():
    """The page, and what is wrong."""
    rows, times, wrong = [], [], []
    for case, (shape, channel, element) in CASES.items():
        measured = {chip: assemble(step(shape, channel, element), chip) for chip in CHIPS}
        for kernel in measured["sm_80"]:
            stage = "".join(part.replace("inplace_", "") for part in re.split(r"_[\dx]+b?f\d+", kernel))
            cells = []
            for chip in CHIPS:
                # Another chip may have another tiling, and so another set of kernels.
                if kernel not in measured[chip]:
                    cells.append("-")
                    continue
                threads, registers, spilled, shared = measured[chip][kernel]
                share = occupancy(chip, threads, registers, shared)
                cells.append(f"{registers} / {share:.0%}")
                if spilled:
                    wrong.append(f"{case} {stage} spills {spilled} bytes on {chip}")
                if chip in ("sm_80", "sm_90") and is_streaming(kernel) and share < 0.75:
                    wrong.append(f"{case} {stage} has {share:.0%} of the threads of {chip}")
            rows.append(f"| {case} | {stage} | {measured['sm_80'][kernel][3]} | " + " | ".join(cells) + " |")
        names = " ".join(measured["sm_80"])
        forward = 2 if "forward" in names and re.search(r"forward\S*_fused", names) else 3
        backward = 3 if re.search(r"backward\S*_fused", names) else 5
        elements = 1
        for size in shape:
            elements *= size
        width = {"f32": 4, "f16": 2, "bf16": 2}[element]
        moved = elements * width * (forward + backward)
        times.append(f"| {case} | {forward} + {backward} | {width * (forward + backward)} | {moved / 2**20:.0f} | "
                     + " | ".join(f"{moved / rate * 1e6:.0f}" for rate in BANDWIDTH.values()) + " |")
    return rows, times, wrong


PAGE = """# Figures of the kernels

Made by `./dev bench kernel_figures --write`; not edited by hand. In-place forward and backward of one chain with
leaky_relu; [Kernels](Kernels.md) says how they are cut.

## Registers per thread / share of a processor's threads that are resident

As `ptxas` counts them; none of these spills. "Shared" is bytes of workgroup memory per block. The fused kernels keep their
group there: they read once what the streaming ones (statistics, sum, map) read twice, with fewer threads.

| tensor | kernel | shared | {chips} |
|---|---|---|{lines}|
{rows}

## Bytes, and the time that the bandwidth allows

Full-size tensors that are read or written, forward + backward (counted by the emulator:
`test/Integration/abn-gpu-traffic.test`), and microseconds at the bandwidth of the data sheets ({rates}).

| tensor | passes | bytes per element | MiB | {gpus} |
|---|---|---|---|{gpu_lines}|
{times}
"""


def main():
    if not os.path.exists(os.path.join(TOOLKIT, "bin", "ptxas")):
        print(f"no CUDA toolkit at {TOOLKIT} (set CUDA_HOME): nothing to assemble with", file=sys.stderr)
        return 1
    if "--all" in sys.argv[1:]:
        looked_at, wrong = find_spills()
        print("\n".join(wrong + [f"{len(wrong)} spills among {looked_at}"]))
        return 1 if wrong else 0
    rows, times, wrong = figures()
    page = PAGE.format(chips=" | ".join(CHIPS), lines="---|" * len(CHIPS), rows="\n".join(rows),
                       rates=", ".join(f"{name} {rate / 1e9:.0f} GB/s" for name, rate in BANDWIDTH.items()),
                       gpus=" | ".join(f"{name} us" for name in BANDWIDTH), gpu_lines="---|" * len(BANDWIDTH),
                       times="\n".join(times)).replace("||\n", "|\n")
    if "--write" in sys.argv[1:]:
        with open(os.path.join(ROOT, "docs", "KernelFigures.md"), "w") as file:
            file.write(page)
    else:
        print(page)
    for problem in wrong:
        print(f"wrong: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
