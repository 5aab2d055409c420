"""What an exported StableHLO text says of its arguments and results, and what XLA computes from it."""

import jax
import numpy as np
from jax._src.lib import xla_client
from jax.interpreters import mlir as jax_mlir
from jaxlib._jax import DeviceList
from jaxlib.mlir import ir


class Signature:
    """What the text says of @main: (name, role) of every argument and result, their types, what is donated."""

    def __init__(self, text):
        with jax_mlir.make_ir_context():
            module = ir.Module.parse(text)
            module.operation.verify()
            (main,) = (op for op in module.body.operations if ir.StringAttr(op.attributes["sym_name"]).value == "main")
            get = lambda d, key: ir.StringAttr(d[key]).value if key in d else None
            arguments = [ir.DictAttr(d) for d in main.attributes["arg_attrs"]]
            results = [ir.DictAttr(d) for d in main.attributes["res_attrs"]]
            kind = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
            self.arguments = [(get(d, "abn.name"), get(d, "abn.role")) for d in arguments]
            self.donated = [get(d, "abn.name") for d in arguments if "abn.donated" in d]
            self.results = [(get(d, "abn.name"), get(d, "abn.role")) for d in results]
            # (shape, element) as MLIR spells it.
            self.argument_types, self.result_types = (
                [(tuple(t.shape), str(t.element_type)) for t in map(ir.RankedTensorType, types)]
                for types in (kind.inputs, kind.results)
            )

    def named(self, role, of="results"):
        return [name for name, found in getattr(self, of) if found == role]


def compiled(text):
    """A function of the text's arguments, compiled from the text, not from what it was made of."""
    device = jax.devices("cpu")[0]
    with jax_mlir.make_ir_context():
        module = ir.Module.parse(text)
        program = device.client.compile_and_load(
            module, executable_devices=DeviceList((device,)), compile_options=xla_client.CompileOptions()
        )

    def run(arguments):
        # Copies, for a donated argument is gone afterwards.
        with jax.enable_x64(True):
            buffers = [jax.device_put(np.array(a), device) for a in arguments]
        return [np.asarray(out[0]) for out in program.execute_sharded(buffers).disassemble_into_single_device_arrays()]

    return run


def execute(text, arguments):
    return compiled(text)(arguments)
