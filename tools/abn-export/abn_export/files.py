"""Where the text goes: stdout, or a file that is complete or not there."""

import os
import pathlib
import sys
import tempfile

from . import ExportError
from .options import DEFAULT_BATCH


def is_file_model(name):
    """Whether a model's name is FILE.py:FUNCTION."""
    return name.rpartition(":")[0].endswith(".py")


def default_name(model, options):
    """The file name that tells a model and its options from others in the same directory."""
    if is_file_model(model):
        path, _, function = model.rpartition(":")
        parts, shape = [f"{pathlib.Path(path).stem}_{function}"], []
    else:
        parts = [model.replace(":", "_").replace("/", "_")]
        shape = [f"b{options.batch or DEFAULT_BATCH}", str(options.size) if options.size else None]
    parts += [options.act, options.dtype, "frozen" if options.frozen_bn else None, *shape]
    parts += [options.optimizer if options.optimizer != "none" else None, "foreach" if options.foreach else None]
    parts += [options.backend]
    return "_".join(part for part in parts if part) + ".mlir"


def destination(model, options):
    """The file for one model, checked before the seconds or minutes of tracing; None is stdout."""
    if options.out in (None, "-"):
        return None
    path = pathlib.Path(options.out)
    try:
        if len(options.models) > 1 or options.out.endswith(("/", os.sep)):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"cannot make the directory '{path}': {error.strerror}") from error
    if path.is_dir():
        path = path / default_name(model, options)
    if not path.parent.is_dir():
        raise ExportError(f"cannot write '{path}': there is no directory '{path.parent}'")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ExportError(f"cannot write '{path}': {'it is a directory' if path.is_dir() else 'permission denied'}")
    return path


def write(path, text):
    """Writes a neighbour and renames it; what is no regular file (/dev/null, a pipe) is written as it is."""
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        _replace(path, text)
    except OSError as error:
        raise ExportError(f"cannot write '{path}': {error.strerror}") from error


def _replace(path, text):
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
