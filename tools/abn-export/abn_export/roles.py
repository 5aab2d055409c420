"""What the arguments and results of a JAX step are: `abn.role` and `abn.name`, read from the trees they stand in.

The rule, for an argument; the first that applies decides:

1. A flax nnx variable's type: `Param` is a param, `BatchStat` a buffer, a variable of an optimizer is state.
2. The outermost name on the value's path that KEYS knows: `params` is param, `batch_stats` buffer, `opt_state` state,
   and so on; `step` is state where it stands beside an `opt_state`, as in a TrainState.
3. Otherwise it has no role.

A result that has the path of such an argument below the name (or below the argument, for nnx), and its type, is that
argument's new value or, for a param, perhaps its gradient: `dataflow` tells them apart.  Of the other results, the
floating scalar that is called `loss`, or else the first one, is the loss; further scalars are outputs, as is what has
the batch as its leading dimension.
What cannot be told has no role.
"""

import dataclasses
import re

KEYS = {
    "params": "param",
    "trainable_variables": "param",
    "batch_stats": "buffer",
    "buffers": "buffer",
    "non_trainable_variables": "buffer",
    "opt_state": "state",
    "optimizer_state": "state",
    "optimizer_variables": "state",
}
INPUT_KEYS = {
    **dict.fromkeys(("x", "image", "images", "input", "inputs"), "input"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets"), "label"),
}
GRAD_KEYS = ("grad", "grads", "gradient", "gradients")


@dataclasses.dataclass
class Value:
    """An argument or result: where it stands in its tree, what it is, and then what was found out about it."""

    path: tuple
    shape: tuple
    dtype: object
    variable: str | None = None
    donated: bool = False
    name: str = ""
    role: str | None = None
    # The path below the name that gave the role: what a result must have in common with it.
    below: tuple | None = None
    # Results: the index of the argument with the same place.
    like: int | None = None

    def is_floating_scalar(self):
        return self.shape == () and is_floating(self.dtype)


def is_floating(dtype):
    # Extended types (PRNG keys) and ml_dtypes have no numpy kind to ask for.
    return re.match(r"b?float", str(dtype)) is not None


def _known_key(path):
    for position, key in enumerate(path):
        if key in KEYS:
            return position, KEYS[key]
    return None


def _is_train_step(value, paths):
    siblings = (*value.path[:-1], "opt_state")
    return value.path[-1] == "step" and any(path[: len(siblings)] == siblings for path in paths)


def name_arguments(values):
    """Fills in name, role and below of every argument."""
    paths = {value.path for value in values}
    for value in values:
        known = _known_key(value.path)
        value.name = ".".join(value.path[known[0] :] if known else value.path)
        if value.variable is not None:
            value.role, value.below = value.variable or None, value.path[1:]
            value.name = ".".join(value.path)
        elif known:
            value.role, value.below = known[1], value.path[known[0] + 1 :]
        elif _is_train_step(value, paths):
            value.role, value.below, value.name = "state", ("step",), "step"
        else:
            value.role = next((INPUT_KEYS[key] for key in value.path if key in INPUT_KEYS), None)


def _match(result, arguments):
    """The argument that `result` is a new value (or the gradient) of, or None."""
    known = _known_key(result.path)
    found, longest = [], -1
    for index, argument in enumerate(arguments):
        if (argument.shape, argument.dtype) != (result.shape, result.dtype) or argument.below is None:
            continue
        below = argument.below
        if argument.path == result.path:
            return index
        if known and known[1] != argument.role:
            continue
        # An array alone, without a path of its own, is known by the name in the result only.
        if len(below) == 0 and not known:
            continue
        if result.path[len(result.path) - len(below) :] != below:
            continue
        if known and len(result.path) - len(below) != known[0] + 1:
            continue
        if len(below) > longest:
            found, longest = [], len(below)
        if len(below) == longest:
            found.append(index)
    # Two arguments that fit equally well: it could be either.
    return found[0] if len(found) == 1 else None


def _role_of_param_result(result, argument, flow, paths):
    additive, elementwise = flow
    if any(key in GRAD_KEYS for key in result.path):
        return "grad"
    if argument in additive:
        return "updated_param"
    if elementwise is not None and argument not in elementwise:
        return "grad"
    known = _known_key(result.path)
    # A TrainState that is returned holds parameters, whatever was done to them.
    if known and any(path[: known[0] + 1] == (*result.path[: known[0]], "opt_state") for path in paths):
        return "updated_param"
    return None


def name_results(results, arguments, flows, loss=None):
    """Fills in name and role of every result.  `flows` are dataflow.flows'; `loss` is what --loss says."""
    paths = {value.path for value in results}
    batch = {value.shape[0] for value in arguments if value.role == "input" and value.shape}
    for result, flow in zip(results, flows):
        result.name = ".".join(result.path)
        result.like = _match(result, arguments)
        if result.like is None:
            if result.shape and result.shape[0] in batch and is_floating(result.dtype):
                result.role = "output"
            continue
        argument = arguments[result.like]
        result.role, result.name = argument.role, argument.name
        if argument.role == "param":
            result.role = _role_of_param_result(result, result.like, flow, paths)
    others = [result for result in results if result.like is None]
    chosen = _loss(results, others, loss)
    for result in others:
        if result is chosen:
            result.role, result.name = "loss", "loss"
        elif result.shape == ():
            result.role = "output"
    return chosen


def _loss(results, others, loss):
    if loss is None:
        scalars = [result for result in others if result.is_floating_scalar()]
        return next((result for result in scalars if result.path[-1] == "loss"), next(iter(scalars), None))
    if loss.isdigit() and int(loss) < len(results):
        found = [results[int(loss)]]
    else:
        found = [result for result in results if result.name == loss or result.path[-1:] == (loss,)]
    if len(found) == 1 and found[0].is_floating_scalar() and found[0].like is None:
        return found[0]
    return LookupError
