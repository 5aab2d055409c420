"""The command `abn-export`: the same for every framework, whose own part is a module with `export(name, given)`."""

import contextlib
import importlib
import importlib.metadata
import os
import sys
import warnings

from . import TESTED_VERSIONS, ExportError, __version__, files, options

# Imported when its command runs, for each needs its framework and no other's.
_FRONT_ENDS = {"torch": ".from_torch", "jax": ".from_jax", "keras": ".from_keras"}


def _installed_versions():
    found = {}
    for package in options.tested_versions():
        # TensorFlow's wheel without CUDA has another name.
        for wheel in (package, f"{package}-cpu"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found.setdefault(package, importlib.metadata.version(wheel))
    return found


def warn(text):
    print(f"abn-export: warning: {text}", file=sys.stderr)


def _report(error):
    text = " ".join(str(error).split())
    text = text if len(text) <= 400 else text[:400] + "..."
    print(f"abn-export: error: {text}", file=sys.stderr)


def _warn_about_versions(installed, command):
    for package, tested in TESTED_VERSIONS[command].items():
        # A wheel's local part (+cpu, +cu132) says where it runs, not what it is.
        if package in installed and installed[package].partition("+")[0] != tested:
            warn(f"{package} {installed[package]} is untested (tested: {tested})")


def export(name, given):
    """The text for one model; `given` are the parsed options."""
    # The frameworks' own remarks about the machine are not about the model, so they are not shown.
    warnings.filterwarnings("ignore")
    return importlib.import_module(_FRONT_ENDS[given.framework], __package__).export(name, given)


def _export_to_file(name, given):
    path = files.destination(name, given)
    try:
        text = export(name, given)
    except ExportError as error:
        raise error if name in str(error) else ExportError(f"{name}: {error}") from error
    except Exception as error:
        # What the framework cannot trace is the model's business; the first line says what, the rest is its stack.
        first = next(iter(str(error).strip().splitlines()), "")
        raise ExportError(f"{name}: cannot be traced: {type(error).__name__}: {first}") from error
    files.write(path, text)


def main(arguments=None):
    installed = _installed_versions()
    try:
        given = options.parser(options.version_text(__version__, installed)).parse_args(arguments)
        options.check(given)
    except ExportError as error:
        _report(error)
        return 1
    _warn_about_versions(installed, given.framework)
    failed = False
    for name in given.models:
        try:
            _export_to_file(name, given)
        except ExportError as error:
            _report(error)
            failed = True
        except BrokenPipeError:
            # The reader has seen enough; keep the interpreter from complaining about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except KeyboardInterrupt:
            _report("interrupted")
            return 130
    return int(failed)
