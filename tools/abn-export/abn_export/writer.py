"""A traced step as generic-form MLIR text.

One operation per aten overload, named "aten.<name>.<overload>".  Its `args` property lists every positional argument of
the overload's schema in order, "%k" standing for operand k; keyword-only arguments are further properties.
"""

import operator

import torch

from . import ExportError, text

_IGNORED = {"aten._assert_tensor_metadata.default", "aten._assert_async.msg", "aten._assert_scalar.default"}


def roles_attribute(roles):
    entries = (f"{{abn.role = {text.string(r.kind)}, abn.name = {text.string(r.name)}}}" for r in roles)
    return "[" + ", ".join(entries) + "]"


def full_arguments(node):
    """Every positional argument of the node's overload with defaults filled in, and the keyword-only ones given."""
    schema = node.target._schema.arguments
    positional = [a for a in schema if not a.kwarg_only]
    values = list(node.args)
    for argument in positional[len(values) :]:
        values.append(node.kwargs.get(argument.name, argument.default_value))
    names = {a.name for a in positional}
    keywords = {k: v for k, v in node.kwargs.items() if k not in names and v is not None}
    return values, keywords


class StepWriter:
    """Writes one step.  `names` maps each graph node to its SSA text."""

    def __init__(self, step):
        self.step = step
        self.names = {}
        self.next_value = 0

    def module(self):
        loc = f"loc({text.string(self.step.name)})"
        return f'"builtin.module"() ({{\n{self.function(loc)}}}) : () -> () {loc}\n'

    def function(self, loc):
        arguments, results = self.step.arguments, self.step.results
        for index, (node, _) in enumerate(arguments):
            self.names[node] = f"%arg{index}"
        in_types = [text.value_type(node.meta["val"]) for node, _ in arguments]
        out_types = [text.value_type(node.meta["val"]) for node, _ in results]
        properties = ", ".join(
            (
                'sym_name = "main"',
                f"function_type = ({', '.join(in_types)}) -> ({', '.join(out_types)})",
                f"arg_attrs = {roles_attribute([role for _, role in arguments])}",
                f"res_attrs = {roles_attribute([role for _, role in results])}",
            )
        )
        block = ", ".join(
            f"{self.names[node]}: {kind} loc({text.string(role.name)})"
            for (node, role), kind in zip(arguments, in_types)
        )
        body = "".join(self.operations())
        returned = ", ".join(self.names[node] for node, _ in results)
        return (
            f'  "func.func"() <{{{properties}}}> ({{\n  ^bb0({block}):\n{body}'
            f'    "func.return"({returned}) : ({", ".join(out_types)}) -> () {loc}\n'
            f"  }}) : () -> () {loc}\n"
        )

    def operations(self):
        for node in self.step.graph.nodes:
            if node.op == "get_attr":
                yield self.constant(node)
            elif node.op == "call_function" and node.target is operator.getitem:
                source, index = node.args
                self.names[node] = f"{self.names[source]}#{index}"
            elif node.op == "call_function" and str(node.target) not in _IGNORED:
                yield self.operation(node)

    def place(self, node):
        return text.location(self.step.places.get(node))

    def new_name(self, node, count=1):
        # A list of results is always numbered, even a list of one, for the getitem nodes index it.
        name = f"%{self.next_value}"
        self.next_value += 1
        self.names[node] = name
        return name if count is None else f"{name}:{count}"

    def constant(self, node):
        value = node.meta["val"]
        name, kind = self.new_name(node, None), text.tensor_type(value)
        return f'    {name} = "arith.constant"() <{{value = {text.dense(value)}}}> : () -> {kind} {self.place(node)}\n'

    def operation(self, node):
        if not isinstance(node.target, torch._ops.OpOverload):
            raise ExportError(f"{self.step.name}: the graph calls {node.target}, which is not an operator overload")
        operands = []

        def operand(value):
            operands.append(value)
            return f"%{len(operands) - 1}"

        try:
            values, keywords = full_arguments(node)
            properties = [f"args = {text.attribute(values, operand)}"]
            properties += [f"{key} = {text.attribute(value, operand)}" for key, value in keywords.items()]
            val = node.meta["val"]
            several = isinstance(val, (list, tuple))
            results = [text.value_type(item) for item in (val if several else [val])]
        except TypeError as error:
            raise ExportError(f"{self.step.name}: {node.target}: {error}") from error
        name = self.new_name(node, len(results) if several else None)
        ins = ", ".join(self.names[value] for value in operands)
        in_types = ", ".join(text.value_type(value.meta["val"]) for value in operands)
        out = f"({', '.join(results)})" if several else results[0]
        head = f'    {name} = "{node.target}"({ins}) <{{{", ".join(properties)}}}>'
        return f"{head} : ({in_types}) -> {out} {self.place(node)}\n"


def write(step):
    """The text of `step`, a complete module with one function @main."""
    return StepWriter(step).module()
