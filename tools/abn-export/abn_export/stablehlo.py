"""A StableHLO module as text: roles on the signature of @main, no traces of JAX's sharding, everything written out."""

from jax.interpreters import mlir as jax_mlir
from jaxlib.mlir import ir, passmanager

from . import ExportError


def parse(text):
    with jax_mlir.make_ir_context():
        return ir.Module.parse(text)


def rename(module, name):
    with module.context:
        module.operation.attributes["sym_name"] = ir.StringAttr.get(name)


def without_unused_functions(module):
    with module.context:
        passmanager.PassManager.parse("builtin.module(symbol-dce)").run(module.operation)
    return module


def _main(module):
    for operation in module.body.operations:
        if "sym_name" in operation.attributes and ir.StringAttr(operation.attributes["sym_name"]).value == "main":
            return operation
    raise ExportError("the lowered module has no function 'main'")


def _remove_shardings(module):
    """One device computes the step: constraints on how to spread values over devices say nothing."""
    found = []

    def visit(operation):
        if operation.name == "sdy.sharding_constraint":
            operation.results[0].replace_all_uses_with(operation.operands[0])
        if operation.name in ("sdy.sharding_constraint", "sdy.mesh"):
            found.append(operation)
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    for operation in found:
        operation.erase()


def _attributes(old, value):
    new = {entry.name: entry.attr for entry in ir.DictAttr(old)} if old is not None else {}
    new = {name: attribute for name, attribute in new.items() if not name.startswith("sdy.")}
    if value.role:
        new["abn.role"] = ir.StringAttr.get(value.role)
    new["abn.name"] = ir.StringAttr.get(value.name)
    if value.donated:
        new["abn.donated"] = ir.UnitAttr.get()
    return ir.DictAttr.get(new)


def _set_roles(function, key, values):
    old = function.attributes[key] if key in function.attributes else [None] * len(values)
    function.attributes[key] = ir.ArrayAttr.get([_attributes(o, v) for o, v in zip(old, values)])


def write(module, arguments, results, place=None):
    """The text of `module`, whose @main has these arguments and results (roles.Value) in this order and stands at
    `place` (file, line)."""
    with module.context:
        function = _main(module)
        kind = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        for values, types, what in ((arguments, kind.inputs, "arguments"), (results, kind.results, "results")):
            if len(values) != len(types):
                raise ExportError(f"the lowered function has {len(types)} {what}, expected {len(values)}")
        _set_roles(function, "arg_attrs", arguments)
        _set_roles(function, "res_attrs", results)
        _remove_shardings(module)
        if place:
            function.location = module.operation.location = ir.Location.file(*place, 0)
        module.operation.verify()
        # Without a limit on elements: every constant is complete.
        return module.operation.get_asm(print_generic_op_form=True, enable_debug_info=True) + "\n"
