"""Appends an optimizer's update to a joint graph: every gradient result becomes the parameter's new value.

The arithmetic is torch.optim's, operation by operation, without its in-place spelling.  The optimizer's memory becomes
arguments and results of role `state`, named PARAMETER.STATE; Adam's step count is one scalar, `step`.
"""

import dataclasses
import operator

import torch
from torch.utils import _pytree as pytree

from .step import Place, Role

aten = torch.ops.aten


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    betas: tuple = (0.9, 0.999)
    epsilon: float = 1e-8


class _Builder:
    """Appends operator calls at the end of a step's graph, all at one place."""

    def __init__(self, step):
        self.step, self.graph = step, step.graph
        self.place = Place("optimizer")

    def call(self, overload, *args, **kwargs):
        value_of = lambda x: x.meta["val"] if isinstance(x, torch.fx.Node) else x
        with self.graph.inserting_before(self.graph.output_node()):
            node = self.graph.call_function(overload, args, kwargs)
            # On the meta device: shapes and types without numbers.
            values, options = pytree.tree_map(value_of, (args, kwargs), is_leaf=lambda x: isinstance(x, torch.fx.Node))
            node.meta["val"] = pytree.tree_map_only(torch.Tensor, _meta, overload(*_metas(values), **options))
            self.step.places[node] = self.place
            if not isinstance(node.meta["val"], (list, tuple)):
                return node
            items = [self.graph.call_function(operator.getitem, (node, i)) for i in range(len(node.meta["val"]))]
        for item, value in zip(items, node.meta["val"]):
            item.meta["val"] = value
        return items

    def state(self, like, name):
        """A new argument, shaped as the node `like`."""
        last = self.step.arguments[-1][0]
        with self.graph.inserting_after(last):
            node = self.graph.placeholder(name.replace(".", "_"))
        node.meta["val"] = _meta(like.meta["val"] if isinstance(like, torch.fx.Node) else like)
        self.step.arguments.append((node, Role("state", name)))
        return node


def _meta(tensor):
    """A tensor without numbers; a new one, for the graph's own are tied to the mode that traced them."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")


def _metas(values):
    return pytree.tree_map_only(torch.Tensor, _meta, values)


class _PerTensor:
    """The optimizers' arithmetic as one operation for each parameter."""

    def __init__(self, builder):
        self.call = builder.call

    def each(self, overload, *lists, **kwargs):
        count = max(len(x) for x in lists if isinstance(x, list))
        pick = lambda x, i: x[i] if isinstance(x, list) else x
        return [self.call(overload, *(pick(x, i) for x in lists), **kwargs) for i in range(count)]

    def add(self, x, y, alpha):
        return self.each(aten.add.Tensor, x, y, alpha=alpha)

    def scale(self, x, factor):
        return self.each(aten.mul.Tensor, x, factor)

    def divide(self, x, divisor):
        return self.each(aten.div.Tensor, x, divisor)

    def add_each(self, x, addend):
        return self.each(aten.add.Tensor, x, addend)

    def lerp(self, x, y, weight):
        return self.each(aten.lerp.Scalar, x, y, weight)

    def addcmul(self, x, y, z, value):
        return self.each(aten.addcmul.default, x, y, z, value=value)

    def addcdiv(self, x, y, z):
        return self.each(aten.addcdiv.default, x, y, z)

    def sqrt(self, x):
        return self.each(aten.sqrt.default, x)


class _ForEach:
    """The same as one operation for all parameters, as torch.optim does with `foreach=True`."""

    def __init__(self, builder):
        self.call = builder.call

    def add(self, x, y, alpha):
        return self.call(aten._foreach_add.List, x, y, alpha=alpha)

    def scale(self, x, factor):
        return self.call(aten._foreach_mul.Scalar, x, factor)

    def divide(self, x, divisor):
        return self.call(aten._foreach_div.Tensor, x, divisor)

    def add_each(self, x, addend):
        return self.call(aten._foreach_add.Tensor, x, addend)

    def lerp(self, x, y, weight):
        return self.call(aten._foreach_lerp.Scalar, x, y, weight)

    def addcmul(self, x, y, z, value):
        return self.call(aten._foreach_addcmul.Scalar, x, y, z, value)

    def addcdiv(self, x, y, z):
        return self.call(aten._foreach_addcdiv.Scalar, x, y, z)

    def sqrt(self, x):
        return self.call(aten._foreach_sqrt.default, x)


def _states(builder, names, params, kind):
    return [builder.state(param, f"{name}.{kind}") for name, param in zip(names, params)]


def _named(names, kind, nodes):
    return [(node, Role("state", f"{name}.{kind}")) for name, node in zip(names, nodes)]


def _sgd(builder, math, names, params, grads, h):
    return math.add(params, grads, -h.learning_rate), []


def _sgd_momentum(builder, math, names, params, grads, h):
    """buffer = momentum·buffer + gradient; parameter -= rate·buffer."""
    buffers = _states(builder, names, params, "momentum_buffer")
    buffers = math.add(math.scale(buffers, h.momentum), grads, 1)
    return math.add(params, buffers, -h.learning_rate), _named(names, "momentum_buffer", buffers)


def _adam(builder, math, names, params, grads, h):
    """torch.optim's formula with the step count as a tensor:

    m = lerp(m, g, 1-b1);  v = b2·v + (1-b2)·g²;  s = -rate/(1-b1^t);
    parameter += m / (√v / (√(1-b2^t)·s) + ε/s)
    """
    call, (beta1, beta2) = builder.call, h.betas
    step = builder.state(torch.empty((), dtype=torch.float32, device="meta"), "step")
    averages = _states(builder, names, params, "exp_avg")
    squares = _states(builder, names, params, "exp_avg_sq")
    step = call(aten.add.Tensor, step, 1)
    averages = math.lerp(averages, grads, 1 - beta1)
    squares = math.addcmul(math.scale(squares, beta2), grads, grads, 1 - beta2)
    correction1 = call(aten.rsub.Scalar, call(aten.pow.Scalar, beta1, step), 1)
    correction2 = call(aten.rsub.Scalar, call(aten.pow.Scalar, beta2, step), 1)
    rate = call(aten.neg.default, call(aten.mul.Tensor, call(aten.reciprocal.default, correction1), h.learning_rate))
    scale = call(aten.mul.Tensor, call(aten.sqrt.default, correction2), rate)
    # The scalars are 0-d tensors, which do not widen the parameters' type.
    shift = call(aten.mul.Tensor, call(aten.reciprocal.default, rate), h.epsilon)
    denominators = math.add_each(math.divide(math.sqrt(squares), scale), shift)
    updated = math.addcdiv(params, averages, denominators)
    state = [(step, Role("state", "step"))]
    return updated, state + _named(names, "exp_avg", averages) + _named(names, "exp_avg_sq", squares)


OPTIMIZERS = {"sgd": _sgd, "sgd-momentum": _sgd_momentum, "adam": _adam}


def append(step, optimizer, hyperparameters, foreach=False):
    """Adds `optimizer` to `step`, in place.  Gradients of inputs stay as they are."""
    params = {role.name: node for node, role in step.arguments if role.kind == "param"}
    slots = [i for i, (_, role) in enumerate(step.results) if role.kind == "grad" and role.name in params]
    if not slots:
        return
    names = [step.results[i][1].name for i in slots]
    grads = [step.results[i][0] for i in slots]
    old = [params[name] for name in names]
    builder = _Builder(step)
    math = _ForEach(builder) if foreach else _PerTensor(builder)
    if hyperparameters.weight_decay:
        grads = math.add(grads, old, hyperparameters.weight_decay)
    updated, states = OPTIMIZERS[optimizer](builder, math, names, old, grads, hyperparameters)
    for slot, name, node in zip(slots, names, updated):
        step.results[slot] = (node, Role("updated_param", name))
    step.results.extend(states)
