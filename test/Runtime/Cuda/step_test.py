"""A whole planned training step through the CUDA runtime, on a fake GPU that executes its kernels (the emulator)
and fakes of cuDNN and cuBLAS: results within the tolerances of f64, the launches and the memory of the emulator's own run.

    step_test.py GRAPH.mlir       # a step of test/Integration/Networks/Inputs, beside its GRAPH.npz
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cuda_runtime
from cuda_runtime import FAKES, LIBRARY, mlir_exec

sys.path.insert(0, str(pathlib.Path(mlir_exec.__file__).parent / "Networks"))
import reference


def plan(graph):
    text = pathlib.Path(graph).read_text()
    importer = "--abn-import-aten" if '"aten.' in text else "--abn-import-stablehlo"
    return mlir_exec.abn_opt(text, [importer, "--abn-optimize=gamma-policy=trust", "--abn-plan=chip=sm_80"])


def run_here(graph, kind):
    """In a process of its own: what was counted, and how the results agree with f64."""
    import ctypes
    import gpu_exec
    image = "format=offload"
    if kind == "fatbin":
        image = f"format=fatbin toolkit={os.environ['ABN_CUDA_TOOLKIT']}"
    step = gpu_exec.GpuStep(plan(graph), instrument=False, image=image)
    expected = reference.Reference.load(pathlib.Path(graph).with_suffix(".npz"))
    results = step.call("main", expected.arguments)
    worst, problems = reference.compare(expected, results)
    counted = {"kernels": {each["name"]: each["launches"] for each in step.report["kernels"]},
               "worst": worst, "problems": problems, "bytes": step.taken_bytes}
    if kind != "emulator":
        runtime = cuda_runtime.Runtime()
        assert runtime.error() is None and runtime.dnn_error() is None, (runtime.error(), runtime.dnn_error())
        counted["report"] = runtime.report()
    print(json.dumps(counted))


def run(graph, kind):
    """(counts, the fakes' log)"""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        environment = dict(os.environ)
        if kind != "emulator":
            environment.update(FAKES, ABN_FAKE_LOG=log, ABN_GPU_LIBRARY=LIBRARY, ABN_DNN_LIBRARY=LIBRARY)
        done = subprocess.run([sys.executable, __file__, graph, kind], env=environment,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{kind}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        lines = open(log).read().splitlines() if os.path.exists(log) else []
        return json.loads(done.stdout.splitlines()[-1]), lines


def launches(log):
    counts = {}
    for line in log:
        if line.startswith("cuLaunchKernel "):
            name = line.split(" ")[1]
            counts[name] = counts.get(name, 0) + 1
    return counts


def own(name):
    """Whether a kernel is the runtime's, not the step's."""
    return bool(re.fullmatch(r"(max|average)_pool\w*|resize\w*|shift_b\d+|convolution\w*", name))


def check_memory(report, planned):
    """The step takes its arena, and the constants of its module, no more than on the emulator; what the primitives
    keep beside it is counted apart. Results lie in the arena: it is the caller's to free."""
    memory = report["memory"]
    assert memory["high_water_bytes"] == planned and 0 < memory["live_bytes"] <= planned, (report, planned)


def check_streams(log):
    """All launches, copies and primitives are on one stream, which is waited for at the end. Streams beside it are
    those of allocations."""
    first = next(line for line in log if line.startswith("cuStreamCreate")).split(" ")[-1]
    wrong = [line for line in log if line.startswith(("cuLaunch", "cuMemcpy", "cuMemset"))
             and not line.endswith(f"stream {first}")]
    assert not wrong, wrong
    ends = [line for line in log if line.split(" ")[0] in ("cuStreamSynchronize", "cuStreamDestroy")]
    assert ends[-2:] == [f"cuStreamSynchronize stream {first}", f"cuStreamDestroy stream {first}"], ends[-4:]


def main():
    graph = sys.argv[1]
    counted, _ = run(graph, "emulator")
    through_cuda, log = run(graph, "cuda")
    assert not counted["problems"] and not through_cuda["problems"], (counted["problems"], through_cuda["problems"])
    emulated = {name: count for name, count in launches(log).items() if not own(name)}
    assert emulated == counted["kernels"], (emulated, counted["kernels"])
    check_memory(through_cuda["report"], counted["bytes"])
    check_streams(log)
    calls = {(each["function"], each["path"]): each["count"] for each in through_cuda["report"]["calls"]}
    assert not [path for _, path in calls if path.startswith("own kernel:")], calls
    print(f"{sum(emulated.values())} launches of {len(emulated)} kernels, {sum(calls.values())} primitives, "
          f"{counted['bytes']} bytes: within {through_cuda['worst']:.1e} of f64")
    if "ABN_CUDA_TOOLKIT" not in os.environ:
        print("machine code not tried: no CUDA toolkit")
        return
    _, machine_log = run(graph, "fatbin")
    keep = lambda lines: [line for line in lines if not line.startswith("cuModule")]
    assert keep(machine_log) == keep(log), "machine code is launched otherwise than bitcode"
    print(f"machine code for sm_80: the same {len(keep(log))} calls")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_here(*sys.argv[1:])
    else:
        main()
