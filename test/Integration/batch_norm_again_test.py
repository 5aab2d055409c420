"""What a plan computes again has the bits of the first time: abn.batch_norm's y and, from its mean and
variance, abn.batch_norm_inference's; in all element types, with and without gamma and beta, channels
first and last, and where |mean| is a thousand deviations."""
import numpy as np

import mlir_exec

SHAPES = {"2d": ((64, 5), 1), "first": ((6, 5, 9, 7), 1), "last": ((6, 9, 7, 5), 3),
          "long": ((2, 3, 40, 50), 1), "one": ((1, 4, 1, 1), 1)}


def function(name, shape, channel, element, affine, dynamic):
    stat = "f64" if element == "f64" else "f32"
    sizes = ["?"] * len(shape) if dynamic else list(map(str, shape))
    full = f"tensor<{'x'.join(sizes)}x{element}>"
    vector, parameter = (f"tensor<{sizes[channel]}x{kind}>" for kind in (stat, element))
    attributes = f"{{epsilon = 1.0e-5 : f64, channel_dim = {channel} : i64}}"
    clauses = (f"gamma(%g : {parameter}) " if "g" in affine else "") + (
        f"beta(%b : {vector}) " if "b" in affine else "")
    return (f"func.func @{name}(%x: {full}, %g: {parameter}, %b: {vector}, %e: {full}, %s: {vector}) "
            f"-> ({full}, {full}) {{\n"
            f"  %y, %m, %v = abn.batch_norm {attributes} ins(%x : {full}) {clauses}"
            f"outs(%e, %s, %s : {full}, {vector}, {vector}) -> {full}, {vector}, {vector}\n"
            f"  %again = abn.batch_norm_inference {attributes} ins(%x : {full}) "
            f"stats(%m, %v : {vector}, {vector}) {clauses}outs(%e : {full}) -> {full}\n"
            f"  return %y, %again : {full}, {full}\n}}\n")


def main():
    random, cases, text = np.random.default_rng(3), [], ""
    for label, (shape, channel) in SHAPES.items():
        for element in ("f32", "f64", "f16", "bf16"):
            for affine in ("", "g", "b", "gb"):
                for dynamic in (False, True):
                    name = f"bn_{label}_{element}_{affine}_{'dynamic' if dynamic else 'static'}"
                    text += function(name, shape, channel, element, affine, dynamic)
                    cases.append((name, shape, channel, element))
    program = mlir_exec.compile_module(text, ["--convert-abn-to-linalg"])
    elements = 0
    for name, shape, channel, element in cases:
        channels = shape[channel]
        for offset in (0.0, 1000.0):
            x = random.standard_normal(shape) + offset
            arguments = [x, random.uniform(-2, 2, channels), random.uniform(-2, 2, channels),
                         np.zeros(shape), np.zeros(channels)]
            y, again = program.call(name, arguments)
            assert np.isfinite(y.astype(np.float64)).all(), name
            assert y.tobytes() == again.tobytes(), f"{name}, mean {offset}: {np.sum(y != again)} differ"
            elements += y.size
    print(f"{len(cases)} functions, {elements} elements with the same bits")


main()
