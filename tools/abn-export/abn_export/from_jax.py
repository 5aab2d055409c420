"""`abn-export jax`: any training step that JAX can trace, as StableHLO text."""

import importlib.util
import os
import pathlib
import re
import sys
import sysconfig

from . import ExportError, dataflow, files, roles, userfile


def import_jax():
    # Tracing needs no accelerator, and looking for one takes time and may print.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
    except ImportError as error:
        raise ExportError(f"JAX cannot be imported: {error}") from error
    return jax


def _skipped_files():
    """Frames that are not the model's: libraries, and whoever called this."""
    for name in ("flax", "optax", "keras"):
        # find_spec raises for what was made unimportable.
        spec = None if sys.modules.get(name, name) is None else importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            yield str(pathlib.Path(spec.origin).parent) + os.sep
    yield sysconfig.get_path("stdlib") + os.sep
    frame = sys._getframe()
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back


def set_locations(jax, directory=None):
    """Source lines in the text: the nearest frame of the model's own code, its file relative to where it is imported.

    The text must not depend on the machine, so every entry of sys.path and the user's own directory is cut off.
    """
    from jax.extend import source_info_util

    for path in sorted(set(_skipped_files())):
        source_info_util.register_exclusion(path)
    roots = {os.path.realpath(path or ".") for path in sys.path} | {os.path.abspath(path or ".") for path in sys.path}
    if directory is not None:
        roots |= {os.path.realpath(directory), os.path.abspath(directory)}
    roots -= {os.sep}
    longest_first = sorted(roots, key=lambda root: (-len(root), root))
    # Whatever is nowhere below these keeps its base name.
    pattern = "|".join(re.escape(root + os.sep) for root in longest_first)
    jax.config.update("jax_include_full_tracebacks_in_locations", False)
    jax.config.update("jax_hlo_source_file_canonicalization_regex", f"^(?:{pattern}|/.*/)")


def _key(entry):
    for attribute in ("key", "name", "idx"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)


def _nnx():
    """flax.nnx, if the user's file imported it."""
    return sys.modules.get("flax.nnx")


def _variable_role(kind):
    """The role that an nnx variable's type gives: "" for a type that gives none."""
    nnx = _nnx()
    if issubclass(kind, nnx.Param):
        return "param"
    if issubclass(kind, nnx.BatchStat):
        return "buffer"
    optimizer = tuple(getattr(nnx, n) for n in ("OptState", "OptVariable", "OptArray") if hasattr(nnx, n))
    return "state" if issubclass(kind, optimizer) else ""


def _variables_of(node, seen):
    """(path, variable) of everything in an nnx module or optimizer, in its own order; each variable once."""
    nnx = _nnx()
    for path, value in nnx.iter_graph(node):
        if isinstance(value, nnx.Variable) and id(value) not in seen:
            seen.add(id(value))
            yield tuple(str(key) for key in path), value


def _at(tree, path):
    for entry in path:
        if tree is None:
            return None
        tree = getattr(tree, entry.name) if hasattr(entry, "name") else tree[getattr(entry, "key", None) or entry.idx]
    return tree


def _state_leaves(jax, states, variables):
    """Of nnx.jit's states, which are lists without names, in the order of the variables that they were taken from."""
    values = jax.tree_util.tree_leaves(states)
    sizes = [len(jax.tree_util.tree_leaves(variable)) for _, variable in variables]
    if sum(sizes) != len(values):
        # A module that the step made: its values are numbered and have no role.
        yield from (((str(index),), value, "") for index, value in enumerate(values))
        return
    places = [place for place, size in zip(variables, sizes) for _ in range(size)]
    for (path, variable), value in zip(places, values):
        yield path, value, _variable_role(type(variable))


def _leaves(jax, tree, original=None):
    """(path, leaf, role of the variable or None) for every leaf of `tree`, in JAX's order.

    `original` is what nnx.jit took apart: the tree then has node states in place of modules.
    """
    nnx, seen = _nnx(), set()
    special = lambda x: nnx is not None and (isinstance(x, nnx.Variable) or type(x).__name__ == "NodeStates")
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree, is_leaf=special)[0]:
        keys = tuple(_key(entry) for entry in path)
        if not special(leaf):
            yield keys, leaf, None
        elif isinstance(leaf, nnx.Variable):
            for value in jax.tree_util.tree_leaves(leaf):
                yield keys, value, _variable_role(type(leaf))
        else:
            node = _at(original, path)
            variables = [] if node is None else list(_variables_of(node, seen))
            for below, value, role in _state_leaves(jax, leaf.states, variables):
                yield keys + below, value, role


class _Nothing:
    """Stands for modules that a step returns: they are not among its arguments, so nothing is known of them."""

    def __getattr__(self, name):
        return None

    def __getitem__(self, key):
        return None


class Step:
    """A lowered step, its arguments and its results."""

    def __init__(self, jax, function, args, kwargs):
        self.jax = jax
        self.is_nnx = hasattr(function, "jitted_fn")
        self.originals = (self._dynamic(function, args), kwargs)
        traced = function.trace(*args, **kwargs)
        lowered = traced.lower()
        # nnx.jit's results wrap JAX's.
        self.traced = getattr(traced, "traced", traced)
        self.lowered = getattr(lowered, "lowered", lowered)

    @staticmethod
    def _dynamic(function, args):
        """The arguments that are not static: the others are not in JAX's trees."""
        static = getattr(function, "static_argnums", None) or ()
        static = {static} if isinstance(static, int) else set(static)
        return [a for i, a in enumerate(args) if i not in static and i - len(args) not in static]

    def _roots(self):
        """The names of the step's parameters, one for each argument's first leaf."""
        return [re.match(r"\w*", name or "").group() for name in self.traced.jaxpr.jaxpr.debug_info.arg_names]

    def arguments(self):
        found, roots = [], self._roots()
        original = self.originals if self.is_nnx else None
        for path, info, role in _leaves(self.jax, self.lowered.args_info, original):
            aval = info._aval if hasattr(info, "_aval") else info
            # (0, position, ...) or (1, keyword, ...); the position is of little use to a reader.
            root = path[1] if path[0] == "1" else self._argument_name(roots, len(found), path[1])
            path = (root, *path[2:])
            found.append(roles.Value(path, aval.shape, aval.dtype, role, getattr(info, "donated", False)))
        return found

    @staticmethod
    def _argument_name(roots, index, position):
        return (roots[index] if index < len(roots) else "") or f"arg{position}"

    def results(self, arguments):
        out = self.lowered.out_info
        if not self.is_nnx:
            return [roles.Value(_result_path(p), v.shape, v.dtype, r) for p, v, r in _leaves(self.jax, out)]
        # nnx.jit gives back its arguments' states, then what the function returns.
        found = []
        names = {position: value.path[0] for position, value in self._positions(arguments)}
        for path, value, role in _leaves(self.jax, out, (*self.originals, _Nothing())):
            if path[0] == "0":
                path = (names.get(path[1], f"arg{path[1]}"), *path[2:])
            elif path[0] == "1":
                path = path[1:]
            else:
                path = _result_path(path[1:])
            found.append(roles.Value(path, value.shape, value.dtype, role))
        return found

    def _positions(self, arguments):
        leaves = _leaves(self.jax, self.lowered.args_info, self.originals)
        return [(path[1], value) for (path, _, _), value in zip(leaves, arguments) if path[0] == "0"]

    def place(self):
        """(file, line) of the step's definition, the file as in the text's other locations; None if it is not known."""
        found = re.search(r" at (.*):(\d+)$", self.traced.jaxpr.jaxpr.debug_info.func_src_info or "")
        pattern = self.jax.config.jax_hlo_source_file_canonicalization_regex
        return found and (re.sub(pattern or "^$", "", found[1]), int(found[2]))

    def kept(self):
        """The arguments that the module has: JAX drops those that the step does not use."""
        return sorted(self.lowered._lowering.compile_args["kept_var_idx"])


def _result_path(path):
    return ("result", *path)


def describe(step, loss=None):
    """The arguments and results of a Step, named."""
    arguments = step.arguments()
    roles.name_arguments(arguments)
    results = step.results(arguments)
    if not results:
        raise ExportError("the step returns nothing")
    chosen = roles.name_results(results, arguments, dataflow.flows(step.traced.jaxpr.jaxpr), loss)
    if chosen is LookupError:
        scalars = [value.name for value in results if value.is_floating_scalar()]
        raise ExportError(f"--loss {loss} is not a floating scalar result (those are {', '.join(scalars) or 'none'})")
    return arguments, results


def text(jax, function, args, kwargs, loss=None):
    """The text of a jitted function at these arguments."""
    from . import stablehlo

    step = Step(jax, function, args, kwargs)
    arguments, results = describe(step, loss)
    kept = [arguments[index] for index in step.kept()]
    return stablehlo.write(step.lowered.compiler_ir("stablehlo"), kept, results, step.place())


def _jitted(jax, function, args):
    if hasattr(function, "trace") and hasattr(function, "lower"):
        return function
    nnx = _nnx()
    if nnx is not None and any(isinstance(arg, (nnx.Module, nnx.Optimizer)) for arg in args):
        return nnx.jit(function)
    return jax.jit(function)


def _from_file(jax, name):
    made = userfile.call(name)
    if not (isinstance(made, tuple) and len(made) in (2, 3) and callable(made[0])):
        raise ExportError(f"{name} must return (step, args) or (step, args, kwargs)")
    function, args, kwargs = made if len(made) == 3 else (*made, {})
    if not isinstance(args, (tuple, list)) or not isinstance(kwargs, dict):
        raise ExportError(f"{name}: the example arguments must be a tuple, keyword arguments a dict")
    return _jitted(jax, function, args), tuple(args), kwargs


def export(name, given):
    jax = import_jax()
    # JAX keeps what it traced with the places of the first caller: another model's lines.
    jax.clear_caches()
    if files.is_file_model(name):
        made = _from_file(jax, name)
        directory = pathlib.Path(name.rpartition(":")[0]).parent
        set_locations(jax, directory)
        return text(jax, *made, given.loss)
    from . import flax_zoo

    made = flax_zoo.step(name, given)
    set_locations(jax)
    with jax.enable_x64(given.dtype == "f64"):
        return text(jax, *made, given.loss)
