"""Where each operation of a traced graph comes from: the module that was running and the source line of the model.

While the model runs, forward hooks keep a stack of module names, and a function mode looks at every call into PyTorch,
finds the nearest Python frame outside PyTorch, and leaves (module, file, line) in the metadata that FX copies to the
nodes it makes.  Autograd numbers its nodes, and FX keeps the number on forward and backward nodes alike (`seq_nr`):
that is how a backward operation gets the place of the forward operation it belongs to.
"""

import contextlib
import os
import pathlib
import sys

import torch
from torch.fx import traceback as fx_traceback
from torch.overrides import TorchFunctionMode

from .step import Place

_KEY = "abn_place"
# With a separator at the end: torchvision is not inside torch.
_SKIPPED_ROOTS = tuple(str(pathlib.Path(file).parent) + os.sep for file in (torch.__file__, __file__))


def _source_line():
    """The nearest caller outside PyTorch and this package, its file named as a module would name it."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        # "<...>" is code without a file: generated wrappers and frozen modules.
        if not path.startswith((*_SKIPPED_ROOTS, "<")):
            break
        frame = frame.f_back
    if frame is None:
        return None, None
    module = frame.f_globals.get("__name__", "")
    package = frame.f_globals.get("__package__") or ""
    base = pathlib.PurePath(path).name
    # Relative to the package's root, for the text must not depend on the machine: torchvision/models/resnet.py.
    directory = (module.split(".") if base == "__init__.py" else module.split(".")[:-1]) if package else []
    return "/".join([*directory, base]), frame.f_lineno


class _PlaceCalls(TorchFunctionMode):
    """Notes the place of each call, and lets `replace` (function, kwargs -> function or None) take over calls."""

    def __init__(self, recorder, replace):
        super().__init__()
        self.recorder = recorder
        self.replace = replace

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if self.replace is not None:
            function = self.replace(function, kwargs or {}) or function
        meta = fx_traceback.get_current_meta()
        before = meta.get("custom")
        file, line = _source_line()
        meta["custom"] = {**(before or {}), _KEY: (self.recorder.current(), file, line)}
        try:
            return function(*args, **(kwargs or {}))
        finally:
            if before is None:
                meta.pop("custom", None)
            else:
                meta["custom"] = before


class OriginRecorder:
    """Records places while a module runs inside `recording()`.

    `replace(function, kwargs)` may return another function to call in place of a PyTorch function.
    """

    def __init__(self, module, root_name, replace=None):
        self.names = {child: name or root_name for name, child in module.named_modules()}
        self.root_name = root_name
        self.replace = replace
        self.stack = []

    def current(self):
        return self.stack[-1] if self.stack else self.root_name

    def _enter(self, module, args):
        self.stack.append(self.names[module])

    def _leave(self, module, args, output):
        self.stack.pop()

    @contextlib.contextmanager
    def recording(self):
        handles = [module.register_forward_pre_hook(self._enter) for module in self.names]
        handles += [module.register_forward_hook(self._leave, always_call=True) for module in self.names]
        self.stack.clear()
        try:
            with _PlaceCalls(self, self.replace):
                yield
        finally:
            for handle in handles:
                handle.remove()


def _recorded(node):
    place = node.meta.get("custom", {}).get(_KEY)
    return Place(*place) if place else None


def is_backward(node):
    return node.meta.get("partitioner_tag") == "is_backward" or node.meta.get("autograd_backward", False)


def _operands(node):
    return [n for n in node.all_input_nodes if n.op == "call_function"]


def places(graph):
    """graph node -> Place, for every call in the graph that has one."""
    found, by_number = {}, {}
    for node in graph.nodes:
        if is_backward(node):
            continue
        place = _recorded(node)
        if place is not None:
            found[node] = place
            # An operation that autograd does not number carries the number of the one before it.
            by_number.setdefault(node.meta.get("seq_nr"), place)
    for node in graph.nodes:
        if node.op != "call_function" or node in found:
            continue
        if is_backward(node) and not node.meta.get("is_gradient_acc", False):
            place = by_number.get(node.meta.get("seq_nr"))
        else:
            place = None
        # A sum of gradients belongs to no single operation: it takes the place of the last gradient that joined.
        place = place or next((found[n] for n in reversed(_operands(node)) if n in found), None)
        if place is not None:
            found[node] = place
    return found
