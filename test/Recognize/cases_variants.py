"""The same cases in other dress: fused, generalised, named, without unit dimensions, several functions
in one module, a dynamic batch."""

import re
import subprocess

import cases_never  # the originals must be in the table
import cases_parts
import cases_whole
from case_table import CASES, case

MLIR_OPT = "/usr/lib/llvm-22/bin/mlir-opt"


NAMED = "--linalg-morph-ops=generic-to-named"


def mlir_opt(text, *flags):
    done = subprocess.run([MLIR_OPT, "--allow-unregistered-dialect", *flags], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[:2000])
    return done.stdout


def variant(prefix, name, why, *flags):
    """`prefix_name`: the case `name` after upstream passes, with the same expectation."""
    original = CASES[name]
    def text(read):
        return mlir_opt(read(name), *flags)
    text.__doc__ = f"{name}, {why}"
    case(f"{prefix}_{name}", original.activations, original.forward, original.backward, original.expect, text=True)(text)
    CASES[f"{prefix}_{name}"].forward = original.forward
    CASES[f"{prefix}_{name}"].backward = original.backward


for _name in ["act_leaky_nn", "act_silu_nn", "act_prelu", "act_hardswish_nn", "norm_stats_moments_clamped", "net_residual_post",
              "net_x_skip", "net_running_unbiased", "layout_nchw", "never_bessel", "never_blended",
              "backward_stopped_statistics"]:
    variant("fused", _name, "after elementwise fusion", "--linalg-fuse-elementwise-ops", "--canonicalize", "--cse")
for _name in ["act_leaky_nn", "act_elu_nn", "net_residual_pre", "never_bessel"]:
    variant("named", _name, "as named ops where there are any", NAMED, "--cse")
for _name in ["act_leaky_nn", "act_gelu_erf", "layout_ncw"]:
    variant("generalised", _name, "convolutions too as generics", "--linalg-generalize-named-ops", "--canonicalize", "--cse")
for _name in ["act_leaky_nn", "act_tanh", "layout_one_position", "never_instance_norm"]:
    variant("unit", _name, "unit dimensions folded away", "--linalg-fold-unit-extent-dims", "--canonicalize", "--cse")
for _name in ["act_leaky_nn", "never_instance_norm"]:
    variant("clean", _name, "canonical, no common subexpressions", "--canonicalize", "--cse", "--symbol-dce")
for _name in ["act_leaky_nn", "net_residual_down"]:
    variant("barriers", _name, "loop-invariant code moved, then sunk", "--loop-invariant-code-motion", "--control-flow-sink",
            "--canonicalize")


def function_of(text, name):
    """The function of a one-function module in the generic form, renamed."""
    body = mlir_opt(text, "--mlir-print-op-generic", "--mlir-print-local-scope")
    body = body[body.index("\n") + 1:body.rindex("})")]
    return body.replace('sym_name = "main"', f'sym_name = "{name}"')


@case("module_two_functions", ["leaky_relu", "tanh"], forward=2, text=True)
def _(read):
    """Two training steps in one module."""
    return '"builtin.module"() ({\n' + function_of(read("act_leaky_nn"), "first") + function_of(
        read("act_tanh"), "second") + "}) : () -> ()\n"


@case("module_one_of_two", ["leaky_relu"], forward=1, text=True)
def _(read):
    """A training step beside one with nothing to find."""
    return '"builtin.module"() ({\n' + function_of(read("act_leaky_nn"), "first") + function_of(
        read("never_bessel"), "second") + "}) : () -> ()\n"


@case("remat_without_barrier", ["leaky_relu"], forward=[1, 2], backward=1, text=True)
def _(read):
    """Checkpointed, the barriers gone."""
    return mlir_opt(re.sub(r'(%\w+) = "util.optimization_barrier"\(%\w+\) : \((\S+)\) -> \S+\n', "", rename_barriers(
        read("net_remat"))), "--canonicalize")


def rename_barriers(text):
    """Readers of a barrier read its operand."""
    for result, operand in re.findall(r'(%\w+) = "util.optimization_barrier"\((%\w+)\)', text):
        text = re.sub(re.escape(result) + r"\b(?! =)", operand, text)
    return text


def dynamic(text):
    """A training step that does not contract anything, for any batch: 4x6x5xC becomes ?x6x5xC, and
    1/M is computed from the size."""
    generic = mlir_opt(text, "--mlir-print-op-generic", "--mlir-print-local-scope")
    lines, count = [], 0
    for line in generic.splitlines():
        line = line.replace("tensor<4x6x5x8xf32>", "tensor<?x6x5x8xf32>").replace("tensor<4x6x5x8xi1>", "tensor<?x6x5x8xi1>")
        line = re.sub(r'"tensor.empty"\(\) : \(\) -> (tensor<\?x)', r'"tensor.empty"(%size) : (index) -> \1', line)
        constant = re.match(r'(\s*)(%\w+) = "arith.constant"\(\) <\{value = 1\.200000e\+02 : f32\}>', line)
        if constant:
            lines += [f'{constant[1]}%per = "arith.constant"() <{{value = 3.0e+01 : f32}}> : () -> f32',
                      f'{constant[1]}%size_i = "arith.index_cast"(%size) : (index) -> i64',
                      f'{constant[1]}%size_f = "arith.sitofp"(%size_i) : (i64) -> f32',
                      f'{constant[1]}{constant[2]} = "arith.mulf"(%size_f, %per) : (f32, f32) -> f32']
            continue
        lines.append(line)
        if re.match(r"\s*\^bb0\(", line) and not count:
            argument = re.search(r"(%\w+): tensor<\?x6x5x8xf32>", line)[1]
            lines += ['    %zero = "arith.constant"() <{value = 0 : index}> : () -> index',
                      f'    %size = "tensor.dim"({argument}, %zero) : (tensor<?x6x5x8xf32>, index) -> index']
            count = 1
    return mlir_opt("\n".join(lines))


@case("dynamic_batch", ["leaky_relu|none"], forward=[0, 1], backward=[0, 1], text=True)
def _(read):
    """The batch is not known: found or left alone, not miscounted."""
    return dynamic(read("net_dynamic_source"))
