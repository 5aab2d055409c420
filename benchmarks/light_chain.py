"""Writes a step of light ops only: a chain of sin, exp and tanh, and its gradient, in linalg on tensors.

No value has to be kept, since each can be computed again from the one before: the most work that a planner can
have with so many ops.
"""

TYPE = "tensor<64x1024xf32>"
# Each forward op, what its gradient reads of it (its input or its output), and the gradient's body.
LAYERS = [("math.sin", "input", ["%d = math.cos %v : f32"]), ("math.exp", "output", ["%d = math.absf %v : f32"]),
          ("math.tanh", "output", ["%s = arith.mulf %v, %v : f32", "%d = arith.subf %one, %s : f32"])]


def generic(result, ins, outs, body, kind="parallel", out_map="#id"):
    """The text of a linalg.generic; `ins` are pairs of a tensor and the name of its element, of TYPE."""
    maps = ", ".join(["#id"] * len(ins) + [out_map])
    names, types = ", ".join(name for name, _ in ins), ", ".join([TYPE] * len(ins))
    elements = "".join(f"{element}: f32, " for _, element in ins)
    destination, type_ = outs
    return [f'  {result} = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["{kind}", "{kind}"]}}',
            f"      ins({names} : {types}) outs({destination} : {type_}) {{", f"  ^bb0({elements}%o: f32):",
            *(f"    {line}" for line in body), f"    linalg.yield %r : f32", f"  }} -> {type_}"]


def light_chain(layers):
    """The text of a chain of `layers` ops and as many gradients."""
    lines, value, read = [], "%x", []
    for i in range(layers):
        op, kept, _ = LAYERS[i % len(LAYERS)]
        lines += generic(f"%y{i}", [(value, "%v")], ("%empty", TYPE), [f"%r = {op} %v : f32"])
        read.append(value if kept == "input" else f"%y{i}")
        value = f"%y{i}"
    lines += generic("%loss", [(value, "%v")], ("%zero", "tensor<f32>"), ["%r = arith.addf %v, %o : f32"],
                     "reduction", "#scalar")
    lines.append(f"  %seed = linalg.fill ins(%one : f32) outs(%empty : {TYPE}) -> {TYPE}")
    gradient = "%seed"
    for i in reversed(range(layers)):
        body = [*LAYERS[i % len(LAYERS)][2], "%r = arith.mulf %g, %d : f32"]
        lines += generic(f"%g{i}", [(gradient, "%g"), (read[i], "%v")], ("%empty", TYPE), body)
        gradient = f"%g{i}"
    return "\n".join([
        "#id = affine_map<(d0, d1) -> (d0, d1)>", "#scalar = affine_map<(d0, d1) -> ()>",
        f"func.func @main(%x: {TYPE}) -> (tensor<f32>, {TYPE}) {{", "  %one = arith.constant 1.0 : f32",
        "  %zero = arith.constant dense<0.0> : tensor<f32>", f"  %empty = tensor.empty() : {TYPE}", *lines,
        f"  return %loss, {gradient} : tensor<f32>, {TYPE}", "}", ""
    ])
