"""Mutants of the cases: whatever a change makes of a batch norm, the rewrite keeps every result.

    python mutations_test.py [--judged N] [--jobs N] [--seed S] [--keep DIR]

Every mutant goes through abn-recognize with `verify-equivalence`, which compares the function before
and after inside the tool; a sample of those that were rewritten is run natively too (judge.py). With
--keep, mutants that fail stay in DIR.
"""

import argparse
import concurrent.futures
import pathlib
import random
import re
import subprocess
import sys

import judge
import mlir_exec
import mutate

HERE = pathlib.Path(__file__).parent
# (case, how many mutants): forms of the statistics, of the activation, of the backward, of the layout.
CASES = {
    "act_leaky_nn": 120, "act_prelu": 60, "act_silu_nn": 60, "act_elu_nn": 60, "act_relu6_nn": 60,
    "act_softplus_stable": 60, "act_gelu_tanh_nn": 50, "act_hardswish_nn": 50, "norm_stats_moments_clamped": 70,
    "norm_scale_shift": 60, "norm_frozen_both": 60, "norm_no_affine": 50, "layout_nc_square": 80,
    "layout_all_equal": 80, "net_y_skip": 60, "net_x_skip": 60, "net_bn_on_bn": 60, "net_residual_post": 60,
    "net_two_of_one_x": 60, "net_running_unbiased": 60, "net_hand_written_backward": 60,
    "fused_act_leaky_nn": 60, "never_bessel": 30, "backward_stopped_mean": 30,
}
CHUNK = 30
FLAGS = ["--allow-unregistered-dialect", "--split-input-file", "--abn-recognize=verify-equivalence"]
REWRITTEN = re.compile(r"= abn\.batch_norm\b")


def recognize_chunk(texts):
    """[(output, error)] of each text; a process that dies is repeated on the halves."""
    done = subprocess.run([mlir_exec.find_tool("abn-opt"), *FLAGS], input=f"\n{mutate.SEPARATOR}\n".join(texts),
                          capture_output=True, text=True)
    outputs = mutate.split(done.stdout)
    if done.returncode in (0, 1) and len(outputs) == len(texts):
        failed = [not o.strip() for o in outputs]
        if done.returncode == 0 and not any(failed):
            return [(o, None) for o in outputs]
        if done.returncode == 1 and any(failed) and len(texts) > 1:
            # An error's own text is wanted: each failing mutant again, by itself.
            return [(o, None) if not f else recognize_chunk([t])[0] for o, f, t in zip(outputs, failed, texts)]
    if len(texts) == 1:
        error = re.search(r"error: (.*)", done.stderr)
        return [("", error[1][:400] if error else f"exit {done.returncode}: {done.stderr[:400]}")]
    half = len(texts) // 2
    return recognize_chunk(texts[:half]) + recognize_chunk(texts[half:])


def mutants_of(job):
    """[(name, what, text, output, error)]"""
    name, count, seed = job
    text = judge.read(HERE / "Inputs" / f"{name}.mlir.gz")
    made = mutate.mutants(text, random.Random(f"{seed} {name}"), count)
    found = []
    for start in range(0, len(made), CHUNK):
        chunk = made[start:start + CHUNK]
        results = recognize_chunk([t for _, t in chunk])
        found += [(name, what, t, output, error) for (what, t), (output, error) in zip(chunk, results)]
    return found


def verdict(mutant):
    """What the judge says of a rewrite that the tool's own check refuses: is it wrong, or the check?"""
    name, what, text, _, error = mutant
    if not error.startswith("the rewrite changes"):
        return ""
    try:
        output = mlir_exec.tool([mlir_exec.find_tool("abn-opt"), "--allow-unregistered-dialect", "--abn-recognize"],
                                text)
        problems = judge.Judge(text, output).differences(seed=1)
    except mlir_exec.ToolError as problem:
        return f" (not judged: {str(problem)[:200]})"
    return f" (judge: {problems[0] if problems else 'equal'})"


def judged(mutant):
    name, what, text, output, _ = mutant
    try:
        return judge.Judge(text, output).differences(seed=1)
    except mlir_exec.ToolError as error:
        return [f"cannot be judged: {str(error)[:400]}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--judged", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    failures = []
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = [(name, count, options.seed) for name, count in CASES.items()]
        mutants = [m for found in pool.map(mutants_of, jobs) for m in found]
        refused = [m for m in mutants if m[4] is not None]
        failures += [(m, m[4] + said) for m, said in zip(refused, pool.map(verdict, refused))]
        rewritten = [m for m in mutants if m[4] is None and REWRITTEN.search(m[3])]
        sample = random.Random(options.seed).sample(rewritten, min(options.judged, len(rewritten)))
        for mutant, problems in zip(sample, pool.map(judged, sample)):
            if problems:
                failures.append((mutant, f"judge: {problems[0]}"))
    for index, (mutant, problem) in enumerate(failures):
        print(f"FAIL {mutant[0]}, {mutant[1]}: {problem}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{index:03}_{mutant[0]}.mlir").write_text(f"// {mutant[1]}: {problem.splitlines()[0]}\n{mutant[2]}")
    distinct = len({m[2] for m in mutants})
    print(f"{distinct} mutants, {len(rewritten)} rewritten, {len(sample)} of them judged, {len(failures)} failures")
    return 1 if failures or distinct < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
