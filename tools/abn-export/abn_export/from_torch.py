"""`abn-export torch`: from a model's name and the options to aten text."""

import logging

from . import ExportError, files, options


def _import_torch():
    for name in ("torch", "torch.utils.flop_counter"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import torch
    except ImportError as error:
        raise ExportError(f"PyTorch cannot be imported: {error}") from error
    return torch


def export(name, given):
    torch = _import_torch()
    from . import activations, cli, joint, models, optimizers, writer

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
        cli.warn(f"{name} has no ReLU-like activation to swap")
    if given.optimizer != "none":
        rate = options.OPTIMIZERS[given.optimizer] if given.lr is None else given.lr
        chosen = optimizers.Hyperparameters(rate, given.momentum, given.weight_decay)
        optimizers.append(step, given.optimizer, chosen, given.foreach)
    return writer.write(step)
