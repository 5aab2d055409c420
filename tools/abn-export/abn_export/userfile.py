"""A model that a user's own function makes: FILE.py:FUNCTION."""

import difflib
import importlib.util
import pathlib
import sys

from . import ExportError


def unknown(name, known, origin):
    near = difflib.get_close_matches(name, known, n=3)
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    return ExportError(f"unknown {origin} model '{name}'{hint}")


def load(path, function):
    """The function, from a file that is loaded as Python would load it."""
    file = pathlib.Path(path)
    if not file.is_file():
        raise ExportError(f"no file '{path}'")
    # Registered under its own name, so that classes defined in the file can find their module.
    name = f"abn_export_user_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ExportError(f"{path} fails to load: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    found = getattr(module, function, None)
    if not callable(found):
        raise ExportError(f"{path} has no function '{function}'")
    return found


def call(name):
    """What the function of `FILE.py:FUNCTION` returns."""
    path, _, function = name.rpartition(":")
    found = load(path, function)
    try:
        return found()
    except Exception as error:
        raise ExportError(f"{name} fails: {type(error).__name__}: {error}") from error
