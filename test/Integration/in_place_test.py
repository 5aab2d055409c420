"""Ops on memrefs against the same ops on tensors, bit for bit: in place (a destination is also an
operand), through another view of the same buffer, and apart from it.

The tensor path computes every result beside its operands; what the memref path has already
overwritten it must not read again.
"""
import numpy as np

import mlir_exec
from mlir_exec import Owned

SHAPE, CHANNELS = (4, 6, 5, 7), 6
BATCH_NORM = "epsilon = 1.0e-5 : f64, channel_dim = 1 : i64"
INPLACE = BATCH_NORM + ", gamma_policy = #abn.gamma_policy<trust>"
STATS, GAMMA, BETA = "stats(%mean, %var) ", "gamma(%g) ", "beta(%b) "
ELU = "#abn.elu<1.0, scale = 1.0, input_scale = 1.0>"
WINDOW = ("strides = array<i64: 2, 1>, padding_low = array<i64: 1, 0>, padding_high = array<i64: 1, 1>, "
          "dilations = array<i64: 1, 1>")
POOL = "kernel_size = array<i64: 2, 3>, " + WINDOW
AVERAGE = POOL.replace(", dilations = array<i64: 1, 1>", "")
RESIZE = "mode = #dnn.resize_mode<linear>, coordinates = #dnn.coordinates<half_pixel>"

# Name: op and attributes, operands by clause, destinations. x and d are of full size, the others per
# channel; om and ov are destinations of their own, any other destination is an operand too.
FULL_OPS = {
    "batch_norm": ("abn.batch_norm {%s}" % BATCH_NORM, "ins(x) gamma(g) beta(b)", "x om ov"),
    "batch_norm_no_gamma": ("abn.batch_norm {%s}" % BATCH_NORM, "ins(x)", "x om ov"),
    "batch_norm_inference": ("abn.batch_norm_inference {%s}" % BATCH_NORM,
                             "ins(x) stats(mean, var) gamma(g) beta(b)", "x"),
    "grad_over_dy": ("abn.batch_norm_grad {%s}" % BATCH_NORM,
                     "ins(d, x) stats(mean, var) gamma(g)", "d om ov"),
    "grad_over_x": ("abn.batch_norm_grad {%s}" % BATCH_NORM,
                    "ins(d, x) stats(mean, var) gamma(g)", "x om ov"),
    "grad_over_both": ("abn.batch_norm_grad {%s}" % BATCH_NORM,
                       "ins(x, x) stats(mean, var) gamma(g)", "x om ov"),
    "frozen_grad_over_dy": ("abn.batch_norm_inference_grad {%s}" % BATCH_NORM,
                            "ins(d, x) stats(mean, var) gamma(g)", "d om ov"),
    "frozen_grad_over_x": ("abn.batch_norm_inference_grad {%s}" % BATCH_NORM,
                           "ins(d, x) stats(mean, var) gamma(g)", "x om ov"),
    "activation": ("abn.activation #abn.silu", "ins(x)", "x"),
    "prelu": ("abn.activation #abn.prelu {channel_dim = 1 : i64}", "ins(x) params(a)", "x"),
    "activation_inverse": ("abn.activation_inverse #abn.leaky_relu<0.1>", "ins(x)", "x"),
    "activation_grad_over_dz": ("abn.activation_grad #abn.gelu", "ins(d, x)", "d"),
    "activation_grad_over_y": ("abn.activation_grad #abn.gelu", "ins(d, x)", "x"),
    "activation_grad_over_z": (f"abn.activation_grad {ELU} {{from_output}}", "ins(d, x)", "x"),
    "recover": (f"abn.recover #abn.leaky_relu<0.1> {{{INPLACE}}}",
                "ins(x) stats(mean, var) gamma(g) beta(b)", "x"),
    "inplace_forward": (f"abn.inplace_forward {ELU} {{{INPLACE}}}", "gamma(g) beta(b)", "x om ov"),
    "inplace_backward": (f"abn.inplace_backward {ELU} {{{INPLACE}}}",
                         "ins(x) stats(var) gamma(g) beta(b)", "d om ov"),
    "inplace_inference": (f"abn.inplace_inference #abn.relu {{{BATCH_NORM}}}",
                          "stats(mean, var) gamma(g) beta(b)", "x"),
    "inplace_inference_backward": (f"abn.inplace_inference_backward #abn.relu {{{BATCH_NORM}}}",
                                   "ins(x) stats(var) gamma(g) beta(b)", "d om ov"),
}
# Statistics over parameters and the other way round: they are read again after they were written.
VECTOR_OPS = {
    "mean_over_gamma": ("abn.batch_norm {%s}" % BATCH_NORM, "ins(x) gamma(g) beta(b)", "x g ov"),
    "dgamma_over_gamma": ("abn.batch_norm_grad {%s}" % BATCH_NORM,
                          "ins(d, x) stats(mean, var) gamma(g)", "d g mean"),
}
# dnn ops have no destination among their operands: name: op, operand shapes, destination shapes.
CONVOLUTION = [(2, 4, 5, 7), (6, 4, 2, 3), (2, 6, 3, 6)]
POOLED = (4, 6, 3, 6)
INDICES = {"max_pool": 2, "max_pool_grad": 1} # the operand that holds positions
DNN_OPS = {
    "convolution": ("dnn.convolution {%s}" % WINDOW, CONVOLUTION[:2], CONVOLUTION[2:]),
    "input_grad": ("dnn.convolution_input_grad {%s}" % WINDOW, CONVOLUTION[:0:-1], CONVOLUTION[:1]),
    "weight_grad": ("dnn.convolution_weight_grad {%s}" % WINDOW, CONVOLUTION[::-2], CONVOLUTION[1:2]),
    "max_pool": ("dnn.max_pool {%s}" % POOL, [SHAPE], [POOLED, POOLED]),
    "max_pool_grad": ("dnn.max_pool_grad {%s}" % POOL, [POOLED, POOLED], [SHAPE]),
    "avg_pool": ("dnn.avg_pool {%s}" % AVERAGE, [SHAPE], [POOLED]),
    "avg_pool_grad": ("dnn.avg_pool_grad {%s}" % AVERAGE, [POOLED], [SHAPE]),
    "resize": ("dnn.resize {%s}" % RESIZE, [SHAPE], [(4, 6, 9, 4)]),
    "resize_grad": ("dnn.resize_grad {%s}" % RESIZE, [(4, 6, 9, 4)], [SHAPE]),
}


def kind(container, shape, element):
    return f"{container}<{'x'.join(map(str, shape))}x{element}>"


def statistics_type(element):
    return "f64" if element == "f64" else "f32"


class Types:
    """The MLIR types of the names that FULL_OPS uses."""

    def __init__(self, container, element):
        full = kind(container, SHAPE, element)
        vector = kind(container, [CHANNELS], statistics_type(element))
        self.of = {name: full if name in ("x", "d") else vector
                   for name in ("x", "d", "g", "b", "mean", "var", "a", "om", "ov")}

    def signature(self):
        return ", ".join(f"%{name}: {self.of[name]}" for name in self.of)

    def clause(self, text, rename):
        """`ins(x, d)` with the names' values and types."""
        keyword, names = text.rstrip(")").split("(")
        names = names.split(", ")
        values = ", ".join(rename.get(name, "%" + name) for name in names)
        return f"{keyword}({values} : {', '.join(self.of[name] for name in names)})"


def split_clauses(text):
    return [part + ")" for part in text.split(") ")] if text else []


def op_text(op, clauses, outs, types, rename=None):
    parts = [part.replace("))", ")") for part in split_clauses(clauses)]
    return (f"{op} " + " ".join(types.clause(part, rename or {}) for part in parts) + " " +
            types.clause(f"outs({', '.join(outs)})", {}))


def functions(name, op, clauses, outs, element):
    """@NAME_tensor returns the results; @NAME_place writes them over its arguments; @NAME_view
    also does, and reads its operands through other views of the same buffers."""
    outs = outs.split()
    tensors, memrefs = Types("tensor", element), Types("memref", element)
    results = ", ".join(tensors.of[out] for out in outs)
    values = ", ".join(f"%r#{i}" if len(outs) > 1 else "%r" for i in range(len(outs)))
    count = f":{len(outs)}" if len(outs) > 1 else ""
    text = (f"func.func @{name}_tensor({tensors.signature()}) -> ({results}) {{\n"
            f"  %r{count} = {op_text(op, clauses, outs, tensors)} -> {results}\n"
            f"  return {values} : {results}\n}}\n"
            f"func.func @{name}_place({memrefs.signature()}) {{\n"
            f"  {op_text(op, clauses, outs, memrefs)}\n  return\n}}\n")
    flat = kind("memref", [SHAPE[0], CHANNELS, SHAPE[2] * SHAPE[3]], element)
    views, rename = "", {}
    for operand in ("x", "d"):
        views += (f"  %{operand}1 = memref.collapse_shape %{operand} [[0], [1], [2, 3]] : "
                  f"{memrefs.of[operand]} into {flat}\n"
                  f"  %{operand}2 = memref.expand_shape %{operand}1 [[0], [1], [2, 3]] "
                  f"output_shape [{', '.join(map(str, SHAPE))}] : {flat} into {memrefs.of[operand]}\n")
        rename[operand] = f"%{operand}2"
    row = kind("memref", [CHANNELS, 1], statistics_type(element))
    for operand in ("g", "mean"):
        views += (f"  %{operand}1 = memref.expand_shape %{operand} [[0, 1]] "
                  f"output_shape [{CHANNELS}, 1] : {memrefs.of[operand]} into {row}\n"
                  f"  %{operand}2 = memref.collapse_shape %{operand}1 [[0, 1]] : "
                  f"{row} into {memrefs.of[operand]}\n")
        rename[operand] = f"%{operand}2"
    return text + (f"func.func @{name}_view({memrefs.signature()}) {{\n{views}"
                   f"  {op_text(op, clauses, outs, memrefs, rename)}\n  return\n}}\n")


def dnn_functions(name, op, operands, destinations, element):
    text = ""
    for container, suffix in (("tensor", "tensor"), ("memref", "place")):
        kinds = [kind(container, shape, element) for shape in operands + destinations]
        if name in INDICES:
            kinds[INDICES[name]] = kind(container, POOLED, "i64")
        names = [f"%a{i}" for i in range(len(kinds))]
        ins, outs = len(operands), kinds[len(operands):]
        head = ", ".join(f"{n}: {k}" for n, k in zip(names, kinds))
        body = (f"{op} ins({', '.join(names[:ins])} : {', '.join(kinds[:ins])}) "
                f"outs({', '.join(names[ins:])} : {', '.join(outs)})")
        if suffix == "tensor":
            count = f":{len(outs)}" if len(outs) > 1 else ""
            values = ", ".join(f"%r#{i}" if count else "%r" for i in range(len(outs)))
            text += (f"func.func @{name}_tensor({head}) -> ({', '.join(outs)}) {{\n  %r{count} = {body} "
                     f"-> {', '.join(outs)}\n  return {values} : {', '.join(outs)}\n}}\n")
        else:
            text += f"func.func @{name}_place({head}) {{\n  {body}\n  return\n}}\n"
    return text


def stored(values, element):
    """`values` as an array of the element type that compiled code may overwrite."""
    return (mlir_exec.to_bf16(values) if element == "bf16" else
            np.array(values, mlir_exec.NUMPY_TYPES[element]))


def read(array, element):
    return mlir_exec.from_bf16(array) if element == "bf16" else array


def compare(program, name, suffix, arguments, elements, outs):
    """The results' positions among the arguments are `outs`."""
    wanted = program.call(name + "_tensor", arguments)
    owned = [stored(argument, element) for argument, element in zip(arguments, elements)]
    program.call(name + suffix, [Owned(array) for array in owned])
    for out, want in zip(outs, wanted):
        got = read(owned[out], elements[out])
        assert not np.isnan(want.astype(np.float64)).any(), f"{name} {elements[0]}: NaN"
        assert got.tobytes() == want.tobytes(), (
            f"{name}{suffix} {elements[0]}, argument {out}: {np.count_nonzero(got != want)} of "
            f"{want.size} elements differ")


def main():
    random, compared = np.random.default_rng(7), 0
    for element in ("f32", "f64", "f16", "bf16"):
        ops = {**FULL_OPS, **({} if element == "f16" else VECTOR_OPS)}
        text = "".join(functions(name, *ops[name], element) for name in ops)
        text += "".join(dnn_functions(name, *DNN_OPS[name], element) for name in DNN_OPS)
        program = mlir_exec.compile_module(text, ["--convert-abn-to-linalg", "--convert-dnn-to-linalg"],
                                           optimize="-O0")
        full = lambda: mlir_exec.round_to(random.uniform(-0.9, 2.0, SHAPE), element)
        vector = lambda low: random.uniform(low, 2.0, CHANNELS)
        names = list(Types("tensor", element).of)
        elements = [element if name in ("x", "d") else statistics_type(element) for name in names]
        arguments = [full(), full(), vector(0.5), vector(-1), vector(-1), vector(0.1), vector(0.1),
                     np.full(CHANNELS, 77.0), np.full(CHANNELS, 77.0)]
        for name, (_, _, outs) in ops.items():
            for suffix in ("_place", "_view"):
                compare(program, name, suffix, arguments, elements,
                        [names.index(out) for out in outs.split()])
                compared += 1
        for name, (_, operands, destinations) in DNN_OPS.items():
            kinds = [element] * (len(operands) + len(destinations))
            if name in INDICES:
                kinds[INDICES[name]] = "i64"
            arguments = [mlir_exec.round_to(random.standard_normal(shape), element)
                         for shape in operands] + [np.full(shape, 77) for shape in destinations]
            if name == "max_pool_grad":
                arguments[1] = random.integers(0, SHAPE[2] * SHAPE[3], POOLED)
            compare(program, name, "_place", arguments, kinds,
                    range(len(operands), len(kinds)))
            compared += 1
    print(f"{compared} calls on memrefs give the bits of the tensor path")


main()
