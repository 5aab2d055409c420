"""The command `abn-export`."""

import contextlib
import importlib.metadata
import logging
import os
import sys
import warnings

from . import TESTED_VERSIONS, ExportError, __version__, files, options


def _installed_versions():
    found = {}
    for package in TESTED_VERSIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _warn(text):
    print(f"abn-export: warning: {text}", file=sys.stderr)


def _report(error):
    text = " ".join(str(error).split())
    text = text if len(text) <= 400 else text[:400] + "..."
    print(f"abn-export: error: {text}", file=sys.stderr)


def _warn_about_versions(installed):
    for package, version in installed.items():
        # A wheel's local part (+cpu, +cu132) says where it runs, not what it is.
        if version.partition("+")[0] != TESTED_VERSIONS[package]:
            _warn(f"{package} {version} is untested (tested: {TESTED_VERSIONS[package]})")


def _import_torch():
    """PyTorch's own remarks about the machine are not about the model, so they are not shown."""
    warnings.filterwarnings("ignore")
    for name in ("torch", "torch.utils.flop_counter"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import torch
    except ImportError as error:
        raise ExportError(f"PyTorch cannot be imported: {error}") from error
    return torch


def export(name, given):
    """The text for one model; `given` are the parsed options."""
    torch = _import_torch()
    from . import activations, joint, models, optimizers, writer

    swap = activations.ActivationSwap(given.act, given.slope) if given.act else None
    dtype = models.DTYPES[given.dtype] if given.dtype else None

    def problem():
        if files.is_file_model(name):
            made = models.from_file(name, dtype)
        else:
            batch = given.batch or options.DEFAULT_BATCH
            made = models.from_zoo(name, batch, given.size, dtype or torch.float32)
        made.module.train()
        if given.frozen_bn and not models.freeze_batch_norms(made.module):
            raise ExportError(f"{name} has no batch norm to freeze")
        return made

    # The same example values every time, should a model look at them.
    torch.manual_seed(0)
    step = joint.trace(problem(), swap) if files.is_file_model(name) else joint.trace_zoo(problem, swap)
    if swap and not swap.used:
        _warn(f"{name} has no ReLU-like activation to swap")
    if given.optimizer != "none":
        rate = options.OPTIMIZERS[given.optimizer] if given.lr is None else given.lr
        chosen = optimizers.Hyperparameters(rate, given.momentum, given.weight_decay)
        optimizers.append(step, given.optimizer, chosen, given.foreach)
    return writer.write(step)


def _export_to_file(name, given):
    path = files.destination(name, given)
    try:
        text = export(name, given)
    except ExportError as error:
        raise error if name in str(error) else ExportError(f"{name}: {error}") from error
    except Exception as error:
        # What PyTorch cannot trace is the model's business; the first line says what, the rest is its stack.
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
    _warn_about_versions(installed)
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
