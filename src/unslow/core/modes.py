"""Which parts of a PyTorch module answer otherwise while it is in training mode."""

from __future__ import annotations

from typing import Any

BEHAVES_DIFFERENTLY = ("Dropout", "BatchNorm", "InstanceNorm", "RReLU", "SyncBatchNorm")
"""Kinds of module whose answer depends on the training mode."""


def training_modules(module: Any) -> tuple[str, ...]:
    """The names of such parts that are in training mode (the class, for the module itself)."""
    return tuple(
        name or type(child).__name__
        for name, child in module.named_modules()
        if child.training and any(word in type(child).__name__ for word in BEHAVES_DIFFERENTLY)
    )
