"""Is a result that looks like a parameter its new value, or its gradient?

An updated parameter is the parameter plus something; a gradient comes out of convolutions, products and sums, and the
parameter is not among its elementwise ancestors (but for weight decay, where it is multiplied).  So: `additive` are the
arguments that reach a result through sums, conversions and choices only, `elementwise` those that reach it through any
elementwise operations; None where a loop hides them.
"""

_ADDITIVE = {"add", "add_any", "convert_element_type", "copy", "copy_p", "select_n", "optimization_barrier", "sub"}
_ELEMENTWISE = {
    *("mul", "div", "neg", "abs", "sign", "integer_pow", "pow", "sqrt", "rsqrt", "square", "exp", "log", "tanh"),
    *("logistic", "max", "min", "clamp", "cbrt", "exp2", "log1p", "expm1", "round", "floor", "ceil", "nextafter"),
}
_NOTHING = (frozenset(), frozenset())


def _union(flows, additive):
    first = frozenset().union(*(flow[0] for flow in flows)) if additive else frozenset()
    if any(flow[1] is None for flow in flows):
        return first, None
    return first, frozenset().union(*(flow[1] for flow in flows))


def _inner(params):
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if key in params:
            return getattr(params[key], "jaxpr", params[key])
    return None


def _of_equation(equation, read):
    name = equation.primitive.name
    if name in _ADDITIVE or name in _ELEMENTWISE:
        shape = getattr(equation.outvars[0].aval, "shape", None)
        inputs = [read(v) for v in equation.invars if getattr(v.aval, "shape", None) == shape]
        if name == "sub" and len(inputs) == 2:
            additive, rest = inputs[0][0], _union(inputs, False)
            return [(additive, rest[1])]
        if name == "optimization_barrier":
            return [read(v) for v in equation.invars]
        return [_union(inputs, name in _ADDITIVE)]
    if name == "cond":
        operands = [read(v) for v in equation.invars[1:]]
        branches = [_of_jaxpr(branch.jaxpr, operands) for branch in equation.params["branches"]]
        return [_union(flows, True) for flows in zip(*branches)]
    inner = None if name in ("scan", "while", "shard_map") else _inner(equation.params)
    if inner is not None and len(inner.invars) == len(equation.invars):
        return _of_jaxpr(inner, [read(v) for v in equation.invars])
    opaque = inner is not None or name in ("scan", "while", "shard_map", "pure_callback", "custom_call", "ffi_call")
    return [(frozenset(), None) if opaque else _NOTHING] * len(equation.outvars)


def _of_jaxpr(jaxpr, inputs):
    found = dict(zip(jaxpr.invars, inputs))

    def read(variable):
        return _NOTHING if hasattr(variable, "val") else found.get(variable, _NOTHING)

    for equation in jaxpr.eqns:
        found.update(zip(equation.outvars, _of_equation(equation, read)))
    return [read(variable) for variable in jaxpr.outvars]


def flows(jaxpr):
    """For each result of a jaxpr: (additive, elementwise), sets of argument numbers."""
    return _of_jaxpr(jaxpr, [(frozenset([i]), frozenset([i])) for i in range(len(jaxpr.invars))])
