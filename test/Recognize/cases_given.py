"""The cases that came with the project, made as these here: 8x16x16x3 input, JAX through IREE."""

from case_table import given

NAMES = []


def g(name, *args, **keywords):
    NAMES.append(name)
    given(name, *args, **keywords)


LEAKY = ["leaky_relu"]
FLAX = {"elu": "elu", "gelu": "gelu", "leaky": "leaky_relu", "leaky_max": "leaky_relu", "maxrelu": "relu",
        "relu": "relu", "relu6": "hardtanh", "sigmoid": "sigmoid", "silu": "silu", "softplus": "softplus",
        "tanh": "tanh", "slowvar": "leaky_relu"}
for _name, _activation in FLAX.items():
    g(f"flax_{_name}", "flax's BatchNorm, three times", [_activation] * 3, forward=3)
g("flax_none", "flax's BatchNorm without activation", [], forward=3)
for _name in ["eval", "groupnorm", "instnorm", "layernorm"]:
    g(f"flax_{_name}", "not batch norm in training", expect="never")
g("fused_flax_leaky", "after elementwise fusion", LEAKY * 3, forward=3)
g("fused_flax_silu", "after elementwise fusion", ["silu"] * 3, forward=3)
g("fused_pos_fast", "after elementwise fusion", LEAKY)
for _name in ["absgamma", "bn1d", "convbias", "div", "fast", "frozen", "noaffine", "nobeta", "nogamma", "pow",
              "rsqrt", "sums"]:
    g(f"pos_{_name}", "batch norm in this spelling", LEAKY)
g("act_then_bn", "the activation comes before", [])
g("preact_2blocks", "pre-activation residual blocks", LEAKY * 2, forward=2)
g("preact_x_sum", "dx is a term of a cotangent sum", LEAKY)
g("remat", "recomputed behind a barrier", LEAKY, forward=[1, 2])
g("two_bn_one_x", "two batch norms of one x", LEAKY * 2, forward=2)
g("x_second_user", "x is read again", LEAKY)
g("y_second_user", "y is read again: the cotangent of y is a sum", ["leaky_relu|none"])
g("z_second_user", "z is read again", LEAKY)
for _name in ["axis012of_n", "bessel", "eval", "groupnorm", "instnorm", "layernorm"]:
    g(f"neg_{_name}", "not batch norm", expect="never")
g("neg_layernorm_hwc", "one batch norm over another axis, by policy not taken", expect="never")
g("neg_groupnorm_batch", "one batch norm over another axis, by policy not taken", expect="never")
g("neg_stopgrad_stats", "statistics without gradient: the backward is not batch norm's", forward=[0, 1], backward=0)
for _name in ["auxloss", "dropoutmask", "eps0", "eps1e-3", "gammaclip", "gelu_vs_quick", "gradclip_z", "gradscale_y",
              "nchw_transposed", "varclamp", "yclip100"]:
    g(f"adv_{_name}", "equal results are all that is asked", expect="judge")
