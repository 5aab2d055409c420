"""A Keras model's training step as TensorFlow's XLA bridge writes it: StableHLO."""

import re

import tensorflow as tf

from . import roles


def _flat(trainer):
    """(role, name, value with shape and dtype) of every argument, in the function's order."""
    for role, prefix, variables in (
        ("param", "params", trainer.params),
        ("buffer", "buffers", trainer.buffers),
        ("state", "opt_state", trainer.opt_state),
    ):
        for name, variable in variables.items():
            yield role, f"{prefix}.{name}", variable
    for role, root, tree in (("input", "x", trainer.x), ("label", "y", trainer.y)):
        for path, leaf in trainer.keras.tree.flatten_with_path(tree):
            yield role, ".".join(str(key) for key in (root, *path)), leaf


def _step(trainer):
    keras = trainer.keras
    counts = [len(trainer.params), len(trainer.buffers), len(trainer.opt_state), len(keras.tree.flatten(trainer.x))]

    def split(values):
        parts, start = [], 0
        for count in counts:
            parts.append(values[start : start + count])
            start += count
        return (*parts, values[start:])

    @tf.function(jit_compile=True, autograph=False)
    def step(*values):
        params, buffers, opt_state, x, y = split(values)
        params, buffers = dict(zip(trainer.params, params)), dict(zip(trainer.buffers, buffers))
        opt_state = dict(zip(trainer.opt_state, opt_state))
        x, y = keras.tree.pack_sequence_as(trainer.x, x), keras.tree.pack_sequence_as(trainer.y, y)
        with tf.GradientTape() as tape:
            tape.watch(list(params.values()))
            loss, new_buffers = trainer.loss(params, buffers, x, y)
        found = tape.gradient(loss, params, unconnected_gradients="zero")
        new = found
        if trainer.update:
            new, opt_state = trainer.apply(params, found, opt_state)
        # An argument that is returned as it is would be no result of XLA's.
        values = (loss, *new.values(), *new_buffers.values(), *opt_state.values())
        return [tf.convert_to_tensor(value) for value in values]

    return step


def _stateless_optimizer(optimizer):
    """Keras' TensorFlow optimizer writes through tf.distribute, which cannot be traced without variables.

    The class that all its optimizers share does the same arithmetic on Keras' own variables: its methods are put in
    the place of TensorFlow's.
    """
    common = next(c for c in type(optimizer).__mro__ if c.__name__ == "BaseOptimizer")
    for owner in type(optimizer).__mro__:
        if owner.__name__ == "TFOptimizer":
            for name in set(vars(owner)) & set(vars(common)) - {"__init__", "__module__", "__doc__", "__dict__"}:
                if callable(vars(common)[name]):
                    setattr(optimizer, name, vars(common)[name].__get__(optimizer))
    # Built with TensorFlow's keys.
    variables = optimizer._trainable_variables
    optimizer._trainable_variables_indices = {optimizer._var_key(v): i for i, v in enumerate(variables)}


def text(trainer):
    from . import stablehlo

    if trainer.update:
        _stateless_optimizer(trainer.model.optimizer)

    arguments = list(_flat(trainer))
    specs = [tf.TensorSpec(tuple(v.shape), v.dtype) for _, _, v in arguments]
    step = _step(trainer)
    found = step.experimental_get_compiler_ir(*specs)(stage="stablehlo", platform_name="CPU")
    named = [roles.Value((), (), None, name=name, role=role) for role, name, _ in arguments]
    new = {"param": "updated_param" if trainer.update else "grad", "buffer": "buffer", "state": "state"}
    results = [roles.Value((), (), None, name="loss", role="loss")]
    results += [roles.Value((), (), None, name=v.name, role=new[v.role]) for v in named if v.role in new]
    # The only source line that TensorFlow names is one of its own; the operations' names say more.
    module = stablehlo.parse(re.sub(r'loc\("[^"]*":\d+:\d+\)', "loc(unknown)", found))
    # TensorFlow's name has numbers that count what the process did before.
    stablehlo.rename(module, "step")
    return stablehlo.write(stablehlo.without_unused_functions(module), named, results)
