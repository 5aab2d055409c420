"""Traces a whole training step (forward, loss, backward) into one FX graph, through AOTAutograd.

Nothing is computed: zoo models are built and traced with fake tensors, so that a network's weights are never allocated.
"""

import contextlib

import torch
from torch import nn
from torch._functorch import aot_autograd
from torch._functorch._aot_autograd import descriptors
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx import traceback as fx_traceback
from torch.nn.attention import SDPBackend, sdpa_kernel

from . import ExportError, origins
from .step import Role, Step

_MODEL_PREFIX = "model."


class _StepModule(nn.Module):
    """The model and its loss as one module; the loss comes first, further outputs are detached."""

    def __init__(self, problem, recorder, training_step):
        super().__init__()
        self.model = problem.module
        # Registered where it is a module itself, so that its weights become arguments.
        self.loss = problem.loss
        self.input_count = len(problem.inputs)
        self.recorder = recorder
        self.training_step = training_step

    def forward(self, *arguments):
        with self.recorder.recording():
            output = self.model(*arguments[: self.input_count])
            self.recorder.stack.append("loss")
            if self.loss is not None:
                output = self.loss(output, *arguments[self.input_count :])
            outputs = tuple(output.values()) if isinstance(output, dict) else output
            outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
            if not self.training_step:
                return tuple(outputs)
            _check_loss(outputs[0])
            return (outputs[0], *(o.detach() for o in outputs[1:]))


def _check_loss(loss):
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.is_floating_point():
        got = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise ExportError(f"the loss must be a floating point scalar, got {got}")
    if not loss.requires_grad:
        raise ExportError("the loss depends on no parameter that is trained")


def _tangent_to_ones(graph, result_nodes):
    """The derivative of the loss by itself, an argument of the joint graph, becomes a constant one."""
    for node in list(graph.find_nodes(op="placeholder")):
        desc = node.meta.get("desc")
        if not isinstance(desc, descriptors.TangentAOTInput):
            continue
        loss = result_nodes[desc.output]
        with graph.inserting_after(loss):
            options = {"pin_memory": False, "memory_format": torch.preserve_format}
            ones = graph.call_function(torch.ops.aten.ones_like.default, (loss,), options)
        ones.meta.update(val=node.meta["val"], custom=loss.meta.get("custom", {}), partitioner_tag="is_backward")
        ones.meta["seq_nr"] = loss.meta.get("seq_nr")
        node.replace_all_uses_with(ones)
        graph.erase_node(node)


def _model_name(target):
    return target.removeprefix(_MODEL_PREFIX)


class _Roles:
    """From AOTAutograd's descriptors to roles."""

    def __init__(self, problem, trained):
        names = list(problem.input_names) + [f"input{i}" for i in range(len(problem.input_names), len(problem.inputs))]
        labels = ["target"] if len(problem.labels) == 1 else [f"target{i}" for i in range(len(problem.labels))]
        self.inputs = [Role("input", name) for name in names[: len(problem.inputs)]]
        self.inputs += [Role("label", name) for name in labels]
        self.trained = trained
        self.problem = problem

    def argument(self, desc):
        if isinstance(desc, descriptors.ParamAOTInput):
            return Role("param", _model_name(desc.target))
        if isinstance(desc, descriptors.BufferAOTInput):
            return Role("buffer", _model_name(desc.target))
        if isinstance(desc, descriptors.PlainAOTInput):
            return self.inputs[desc.idx]
        raise ExportError(f"{self.problem.name}: an argument that has no role: {desc}")

    def result(self, desc):
        if isinstance(desc, descriptors.InputMutationAOTOutput):
            mutated = self.argument(desc.mutated_input)
            return Role("buffer" if mutated.kind == "buffer" else "output", mutated.name)
        if isinstance(desc, descriptors.PlainAOTOutput):
            return Role("loss", "loss") if self.trained and desc.idx == 0 else Role("output", f"output{desc.idx}")
        if isinstance(desc, descriptors.GradAOTOutput):
            return Role("grad", self.argument(desc.grad_of).name)
        raise ExportError(f"{self.problem.name}: a result that has no role: {desc}")


_RESIZES = [f"{family}{rank}d" for family in ("upsample_nearest", "_upsample_nearest_exact") for rank in (1, 2, 3)]
_RESIZES += ["upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"]


@contextlib.contextmanager
def _whole_operators():
    """Keeps resizes and attention in a form that can be recognised.

    PyTorch's tracer would turn each resize into some thirty gathers and sums; without its Python rules for them it
    records the operator.  Attention is written as products and softmax, not as one processor's fused kernel.
    """
    keys = (torch._C.DispatchKey.Autograd, torch._C.DispatchKey.CompositeImplicitAutograd)
    removed = []
    for packet in _RESIZES:
        for operator in (getattr(torch.ops.aten, packet).default, getattr(torch.ops.aten, packet).vec):
            for key in keys:
                if key in operator.py_kernels:
                    removed.append((operator, key, operator.py_kernels.pop(key)))
                    operator._dispatch_cache.clear()
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        for operator, key, kernel in removed:
            operator.py_kernels[key] = kernel
            operator._dispatch_cache.clear()


class MissingConstant(ExportError):
    """A constant was made under fake tensors and has no value: the model must be built with real ones."""


def _attach_constants(gm):
    """Gives the nodes of tensors that the model made while it ran their values."""
    for node in gm.graph.find_nodes(op="get_attr"):
        value = gm
        for part in node.target.split("."):
            value = getattr(value, part)
        value = value.constant if isinstance(value, FakeTensor) else value
        if value is None:
            raise MissingConstant(f"the constant {node.target} has no value")
        node.meta["val"] = value


def _as_step(problem, gm, trained):
    graph, roles = gm.graph, _Roles(problem, trained)
    output = graph.output_node()
    # A result that is None is a parameter without a gradient.
    results = [(n, d) for n, d in zip(output.args[0], output.meta["desc"]) if isinstance(n, torch.fx.Node)]
    _tangent_to_ones(graph, {desc: node for node, desc in results})
    _attach_constants(gm)
    arguments = [(n, roles.argument(n.meta["desc"])) for n in graph.find_nodes(op="placeholder")]
    results = [(node, roles.result(desc)) for node, desc in results]
    return Step(problem.name, gm, arguments, results, origins.places(graph))


def trace(problem, replace=None, train=True):
    """The joint graph of `problem` as a Step; with `train=False` the forward alone, every output a result.

    `replace(function, kwargs)` may give another function to call in place of a PyTorch function of the forward.
    """
    recorder = origins.OriginRecorder(problem.module, type(problem.module).__name__, replace)
    module = _StepModule(problem, recorder, train)
    with contextlib.ExitStack() as stack:
        stack.enter_context(fx_traceback.preserve_node_meta())
        stack.enter_context(_whole_operators())
        stack.enter_context(contextlib.nullcontext() if train else torch.no_grad())
        captured = aot_autograd.aot_export_joint_with_descriptors(stack, module, (*problem.inputs, *problem.labels))
        return _as_step(problem, captured.graph_module, train)


def trace_zoo(make_problem, replace=None):
    """`trace(make_problem())` without allocating a weight; for the few models that insist, with real ones."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        try:
            problem = make_problem()
        except ExportError:
            raise
        except Exception:
            problem = None  # a constructor that looks at values; what is really wrong shows again below
        if problem is not None:
            with contextlib.suppress(MissingConstant):
                return trace(problem, replace)
    return trace(make_problem(), replace)
