"""The judge itself: spellings of one step are equal, planted faults are not.

    python judge_test.py
"""

import pathlib
import re
import sys

import judge

INPUTS = pathlib.Path(__file__).parent / "Inputs"
# Pairs that compute the same by other roads.
EQUAL = [("norm_root_rsqrt", other) for other in [
    "norm_root_exp_log", "norm_root_eps_times_m", "norm_divide", "norm_stats_moments_clamped",
    "norm_stats_total_variance", "norm_stats_bessel_undone", "norm_scale_shift", "norm_offset_input",
    "judge_stats_merged", "net_remat", "net_hand_written_backward"]] + [
        ("act_gelu_nn", "act_gelu_erf"), ("act_sigmoid_nn", "act_sigmoid_tanh"), ("act_silu_nn", "act_silu_divide"),
        ("act_elu_nn", "act_elu_exp"), ("act_leaky_nn", "fused_act_leaky_nn"),
        ("net_running_unbiased", "fused_net_running_unbiased"), ("type_bf16_f32", "type_bf16_f32"),
        ("dynamic_batch", "dynamic_batch"), ("module_two_functions", "module_two_functions")]
# Pairs that nearly do.
DIFFERENT = [("norm_root_rsqrt", other) for other in [
    "norm_eps_1e-8", "never_bessel", "never_wrong_count", "never_clipped_above", "never_eps_outside_small",
    "never_eps_clamped_deviation", "backward_count", "backward_twice_dgamma", "backward_no_mean_term"]]
# (case, what is replaced, by what): one fault each, the first match.
PLANTED = [
    ("act_leaky_nn", r"arith\.subf (%\w+), (%\w+)", r"arith.subf \2, \1"),
    ("act_leaky_nn", r"= arith\.constant 1\.200000e\+02", "= arith.constant 1.190000e+02"),
    ("act_leaky_nn", r"arith\.cmpf oge", "arith.cmpf ole"),
    ("act_leaky_nn", r"2\.000000e-01 : f32", "2.000010e-01 : f32"),
    ("act_relu6_nn", r"6\.000000e\+00 : f32", "6.000100e+00 : f32"),
    ("type_bf16_f32", r"arith\.subf (%\w+), (%\w+)", r"arith.subf \2, \1"),
]


def compare(before, after):
    return judge.Judge(before, after).differences()


def main():
    read = lambda name: judge.read(INPUTS / f"{name}.mlir.gz")
    failures = 0
    for pairs, equal in ((EQUAL, True), (DIFFERENT, False)):
        for one, other in pairs:
            problems = compare(read(one), read(other))
            if bool(problems) == equal:
                print(f"FAIL {one}, {other}: {problems[:2] or 'equal'}")
                failures += 1
    for name, old, new in PLANTED:
        text = read(name)
        faulty = re.sub(old, new, text, count=1)
        if faulty == text or not compare(text, faulty):
            print(f"FAIL {name}: planted {old} -> {new}: {'no such text' if faulty == text else 'not seen'}")
            failures += 1
    print(f"{len(EQUAL)} equal, {len(DIFFERENT) + len(PLANTED)} different pairs, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
