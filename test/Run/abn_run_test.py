"""abn-run's files: arrays in, results out, references, errors, and the report.

    abn_run_test.py types          element types, names and layouts of arrays
    abn_run_test.py judge          what agrees with a reference, and what does not
    abn_run_test.py errors         each message
    abn_run_test.py report FILE    prints what a report says
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np

INPUTS = pathlib.Path(__file__).parent / "Inputs"
TYPES = str(INPUTS / "types.mlir")
DYNAMIC = str(INPUTS / "dynamic.mlir")
BF16 = ml_dtypes.bfloat16
ASSERTION = """func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
  %no = arith.constant false
  cf.assert %no, "the host says no"
  return %x : memref<4xf32>
}
"""


def run(*arguments):
    return subprocess.run(["abn-run", *map(str, arguments)], capture_output=True, text=True, timeout=300)


def arrays(**changes):
    """Arguments of types.mlir by name."""
    made = {"x": np.array([[1, 2, 3], [-4, 5.5, 1e-3]], np.float32), "h": np.array([0.5, -1, 2], np.float16),
            "b": np.array([1, 2.5, -3], BF16).view(np.uint16),
            "n": np.array([2**62 - 1, -5, 0], np.int64), "k": np.array([7, -(2**30), 1], np.int32),
            "flag": np.array([True, False, True])}
    return {**made, **changes}


def expected(given):
    """The results of types.mlir, in f64 where they are floating."""
    x, h = given["x"].astype(np.float64), given["h"].astype(np.float64)
    b = np.asarray(given["b"])
    b = (b.view(BF16) if b.dtype == np.uint16 else b.astype(BF16)).astype(np.float64)
    y = np.where(given["flag"], 2 * x + h + b, 2 * x)
    return [y, 2 * h, 2 * b, 2 * given["n"], 2 * given["k"]]


def positional(given):
    return {f"arg{i}": array for i, array in enumerate(given.values())}


def check_types(folder):
    file, out = folder / "in.npz", folder / "out.npz"
    given = arrays()
    swapped = dict(reversed(list(given.items())))
    single = arrays(b=np.array([1, 2.5, -3], np.float32))
    rounded = arrays(b=np.array([1 + 2**-8, 1 + 3 * 2**-8, -1e38], np.float32))
    cases = [(np.savez, given), (np.savez_compressed, given), (np.savez, swapped),
             (np.savez, positional(given)), (np.savez, single), (np.savez, rounded),
             (np.savez, arrays(b=given["b"].view(BF16))),
             (np.savez, arrays(x=np.asfortranarray(given["x"]))),
             (np.savez, arrays(n=given["n"].astype(np.uint64), flag=np.array([2, 0, 1], np.uint8)))]
    for save, content in cases:
        save(file, **content)
        done = run(TYPES, f"--inputs={file}", "-o", out)
        assert done.returncode == 0, done.stderr
        source = single if content is single else rounded if content is rounded else given
        with np.load(out) as results:
            assert list(results.files) == [f"result{i}" for i in range(5)], results.files
            got = [results[name] for name in results.files]
        kinds = [array.dtype for array in got]
        assert kinds == [np.float32, np.float16, np.uint16, np.int64, np.int32], kinds
        got[2] = got[2].view(BF16).astype(np.float64)
        for i, (result, wanted) in enumerate(zip(got, expected(source))):
            close = np.allclose(result, wanted, rtol=1e-6, atol=0)
            assert close and result.shape == wanted.shape, (i, result, wanted)
    for rows in (1, 7):
        x = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
        np.savez(file, arg0=x, arg1=2 * x)
        np.savez(out, ref0=3.0 * x.astype(np.float64))
        done = run(DYNAMIC, f"--inputs={file}", f"--compare={out}")
        assert done.returncode == 0 and "1 of 1 results agree" in done.stdout, done
    print(f"{len(cases)} files, and sizes that are open: ok")


def check_judge(folder):
    file, reference = folder / "in.npz", folder / "ref.npz"
    nan, inf = np.float32("nan"), np.float32("inf")
    given = arrays()
    special = arrays(x=np.array([[nan, inf, 3], [-inf, 5, 6]], np.float32))

    def judge(content, change=lambda refs: None, *options, native=None, meta=None):
        refs = expected(content)
        change(refs)
        extra = {f"native{i}": array for i, array in enumerate(native or [])}
        if meta:
            extra["meta"] = np.array(json.dumps(meta))
        np.savez(file, **content)
        np.savez(reference, **{f"ref{i}": array for i, array in enumerate(refs)}, **extra)
        done = run(TYPES, f"--inputs={file}", f"--compare={reference}", f"--json={folder / 'out.json'}",
                   *options)
        report = json.loads((folder / "out.json").read_text())
        differing = [r["index"] for r in report["results"] if not r["comparison"]["agrees"]]
        assert done.returncode == (1 if differing else 0), (done.stdout, done.stderr)
        assert report["passed"] == (not differing)
        assert done.stderr.count(" differs: ") == done.stdout.count("DIFFERS") == len(differing)
        return differing

    def put(result, index, value):
        def change(refs):
            refs[result][index] = value
        return change

    assert judge(given) == []
    assert judge(special) == []
    # NaN is equal to NaN only, an infinity to itself.
    assert judge(special, put(0, (0, 0), 1)) == [0]
    assert judge(special, put(0, (0, 2), nan)) == [0]
    assert judge(special, put(0, (0, 1), -inf)) == [0]
    assert judge(special, put(0, (0, 1), nan)) == [0]
    assert judge(given, put(3, 0, 2**63 - 4)) == [3]
    assert judge(given, put(4, 2, 3)) == [4]
    # A thousandth of the norm is too much, unless the caller or the framework's own run says otherwise.
    off = put(0, (1, 1), 2 * 5.5 * 1.001)
    assert judge(given, off) == [0]
    assert judge(given, off, "--rtol=1e-2") == []
    assert judge(given, off, "--atol=1e-2") == []
    native = expected(given)
    native[0] = native[0] * 1.001
    assert judge(given, off, native=native) == []
    assert judge(given, off, "--native-factor=0.01", native=native) == [0]
    # Of an updated argument counts how far it moved.
    moved = put(0, (0, 0), 2 * given["x"][0, 0] + 0.5 + 1 + 3e-4)
    assert judge(given, moved, "--rtol=3e-5") == []
    assert judge(given, moved, "--rtol=3e-5", meta={"updated_of": {"0": 0}}) == [0]
    print("the judge: ok")


def check_errors(folder):
    sound, reference, bad = folder / "sound.npz", folder / "ref.npz", folder / "bad.npz"
    np.savez(sound, **arrays())
    np.savez(reference, **{f"ref{i}": array for i, array in enumerate(expected(arrays()))})
    text = folder / "text.mlir"

    def source(content):
        text.write_text(content)
        return [text]

    def inputs(save=np.savez, **changes):
        save(bad, **changes)
        return [TYPES, f"--inputs={bad}"]

    def without(name):
        return {key: value for key, value in arrays().items() if key != name}

    def damaged():
        content = bytearray(sound.read_bytes())
        content[content.index(b"\x93NUMPY") + 130] ^= 1
        bad.write_bytes(content)
        return [TYPES, f"--inputs={bad}"]

    def compare(**changes):
        refs = {f"ref{i}": array for i, array in enumerate(expected(arrays()))}
        np.savez(bad, **{key: value for key, value in {**refs, **changes}.items() if value is not None})
        return [TYPES, f"--inputs={sound}", f"--compare={bad}"]

    def uneven():
        """The second argument has fewer rows than the kernel reads."""
        np.savez(bad, arg0=np.ones((9, 4), np.float32), arg1=np.ones((3, 4), np.float32))
        return bad

    def no_library():
        (folder / "lib").mkdir()
        (folder / "lib" / "libabn_runtime_emulator.so").write_text("text")
        return [TYPES, f"--runtime={folder}/lib"]

    # The case makes its files when it runs: a message and a function of none.
    cases = [
        ("No such file or directory", lambda: [folder / "none.mlir"]),
        ("error: expected attribute name", lambda: source("module attributes {")),
        ("could not be read as MLIR", lambda: source("module attributes {")),
        ("expected a step, got a module without a public function", lambda: source("module {}")),
        ("expected a step, got a function `f` without results", lambda: source("func.func @f() { return }")),
        ("expected argument 0 to be a tensor or a buffer of known rank, got `i32`",
         lambda: source("func.func @f(%x: i32) -> i32 { return %x : i32 }")),
        ("there is no function `step` with a body", lambda: [TYPES, "--function=step"]),
        ("expected a function `main` or only one public function, got 2; name one by --function",
         lambda: source("func.func @f() { return }\nfunc.func @g() { return }")),
        ("expected a step on tensors or buffers, got a host module in the LLVM dialect",
         lambda: source("llvm.func @main() { llvm.return }")),
        ("the step stopped: the host says no", lambda: source(ASSERTION)),
        ("4 bytes are loaded outside of the memref that is indexed", lambda: [DYNAMIC, f"--inputs={uneven()}"]),
        ("argument 0 has the shape ?x4: give it by --inputs", lambda: [DYNAMIC]),
        ("unknown target `tpu`; expected `emulator` or `cuda`", lambda: [TYPES, "--target=tpu"]),
        ("target `cuda` needs --chip, such as sm_90", lambda: [TYPES, "--target=cuda"]),
        ("target `cuda` needs --toolkit, the folder of a CUDA toolkit",
         lambda: [TYPES, "--target=cuda", "--chip=sm_90"]),
        (f"target `emulator` needs the library `libabn_runtime_emulator.so`, which is not in `{folder}`",
         lambda: [TYPES, f"--runtime={folder}"]),
        (f"target `cuda` needs the library `libabn_runtime_cuda.so`, which is not in `{folder}`",
         lambda: [TYPES, "--target=cuda", "--chip=sm_90", f"--toolkit={folder}", f"--runtime={folder}"]),
        (f"cannot load `{folder}/lib/libabn_runtime_emulator.so`: ", no_library),
        ("unknown chip `sm_1`", lambda: [TYPES, "--chip=sm_1", f"--inputs={sound}"]),
        ("expected options of `abn-plan`, got", lambda: [TYPES, "--plan=colour=red"]),
        ("expected options of `abn-optimize`, got", lambda: [TYPES, "--optimize=numerics=some"]),
        ("expected --schedules of at least 1, got 0", lambda: [TYPES, "--schedules=0"]),
        ("expected --classes of at least 1, got -1", lambda: [TYPES, "--classes=-1"]),
        ("expected --rtol of at least 0", lambda: [TYPES, "--rtol=-1"]),
        ("expected --atol of at least 0", lambda: [TYPES, "--atol=nan"]),
        ("--classes and --seed are for pseudo-random arguments",
         lambda: [TYPES, "--seed=1", f"--inputs={sound}"]),
        ("argument 3 (`n`) holds integers, and the step does not say which are valid", lambda: [TYPES]),
        (f"cannot read `{folder / 'none.npz'}` as an archive of arrays (.npz): No such file",
         lambda: [TYPES, f"--inputs={folder / 'none.npz'}"]),
        (f"cannot read `{TYPES}` as an archive of arrays (.npz): Not a zip archive",
         lambda: [TYPES, f"--inputs={TYPES}"]),
        ("array `x`: ", damaged),
        ("has no array `n` for argument 3 (`n`)", lambda: inputs(**without("n"))),
        ("has no array `arg5` for argument 5 (`flag`)",
         lambda: inputs(**dict(list(positional(arrays()).items())[:5]))),
        ("argument 0 (`x`): expected the shape 2x3, got float32[3, 2]",
         lambda: inputs(**arrays(x=np.zeros((3, 2), np.float32)))),
        ("argument 1 (`h`): expected elements of type float16, got float32",
         lambda: inputs(**arrays(h=np.zeros(3, np.float32)))),
        ("argument 2 (`b`): expected elements of type uint16 (the bits of bf16) or float32, got float64",
         lambda: inputs(**arrays(b=np.zeros(3)))),
        ("argument 3 (`n`): expected elements of type int64, got int32",
         lambda: inputs(**arrays(n=np.zeros(3, np.int32)))),
        ("argument 5 (`flag`): expected elements of type bool, got float32",
         lambda: inputs(**arrays(flag=np.zeros(3, np.float32)))),
        ("array `x`: the array holds Python objects, which are not read",
         lambda: inputs(**arrays(x=np.array([[None] * 3] * 2)))),
        ("array `x`: expected little-endian elements, got `>f4`",
         lambda: inputs(**arrays(x=np.zeros((2, 3), ">f4")))),
        ("has no array `ref3` for result 3 (`n`)", lambda: compare(ref3=None)),
        ("array `ref0`: expected the shape of result 0 (`y`), float64[2, 3], got float64[6]",
         lambda: compare(ref0=np.zeros(6))),
        ("array `ref3`: expected integers for result 3 (`n`), got float64", lambda: compare(ref3=np.zeros(3))),
        ("array `ref1`: expected numbers, got <U1", lambda: compare(ref1=np.array(["a", "b", "c"]))),
        ("result 1 (`h`) differs: relative error", lambda: compare(ref1=np.array([1, -2, 4.1]))),
        ("cannot write the report and the results to", lambda: [TYPES, f"--inputs={sound}", "-o", f"{folder}/a/b"]),
    ]
    for message, make in cases:
        out, report = folder / "out.npz", folder / "out.json"
        arguments = make()
        if "-o" not in arguments:
            arguments += ["-o", out, f"--json={report}"]
        done = run(*arguments)
        assert done.returncode == 1 and message in done.stderr, (message, done)
        assert "abn-run: error: " in done.stderr, done.stderr
        # What ran to its end has results, and what was found in a run is reported; nothing else leaves a file.
        has_ended, has_run = "differs" in message, "differs" in message or "outside" in message
        assert (out.exists(), report.exists()) == (has_ended, has_run), message
        for path in (out, report):
            path.unlink(missing_ok=True)
    print(f"{len(cases)} messages: ok")


def check_report(path):
    report = json.loads(pathlib.Path(path).read_text())
    total, memory = report["total"], report["memory"]
    print(f"block1: chip {report['chip']}, schedules {', '.join(report['schedules'])}; "
          f"{'passed' if report['passed'] else 'failed'}")
    for key in ("launches", "blocks", "global_loaded_bytes", "global_stored_bytes", "transactions",
                "barriers", "branches", "divergent_branches"):
        assert total[key] == sum(kernel[key] for kernel in report["kernels"]), key
    print(f"{total['launches']} launches: the kernels' sum")
    print(f"{total['global_loaded_bytes']} bytes loaded, {total['global_stored_bytes']} stored, "
          f"{total['transactions']} transactions, {total['barriers']} barriers")
    assert memory["arena_bytes"] <= memory["step_bytes"] and memory["step_bytes"] in memory["planned_bytes"]
    print(f"device memory: an arena of {memory['arena_bytes']} bytes, "
          f"{'as' if memory['as_planned'] else 'not'} planned")
    comparisons = [result["comparison"] for result in report["results"]]
    assert all(each["agrees"] for each in comparisons)
    assert any(0 < each.get("error", 0) <= each["tolerance"] for each in comparisons)
    assert report["errors"] == report["problems"] == []


if __name__ == "__main__":
    if sys.argv[1] == "report":
        check_report(sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            {"types": check_types, "judge": check_judge, "errors": check_errors}[sys.argv[1]](
                pathlib.Path(temporary))
