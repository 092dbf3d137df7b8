"""TorchScript knows functions by identity, and compiles others from their source: it must see the ones that were there.

A function of the script's that is scripted may call `torch.tensor`; with one of ours in its place, it would be compiled
as a function of Python's, which it cannot be.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import original_of

_LOOKS_UP = {"torch.jit._builtins": "_find_builtin", "torch.jit._recursive": "try_compile_fn"}
"""Where TorchScript asks what a function is; both take it first."""


def shown_to_torchscript() -> None:
    """From now on, in this process: what one of ours stands for, in place of it. May be called again."""
    for library, name in _LOOKS_UP.items():
        when_imported(library, functools.partial(_look_beneath, name))


def _look_beneath(name: str, module: Any) -> None:
    inner: Callable[..., Any] = getattr(module, name)
    if original_of(inner) is not inner:
        return

    @functools.wraps(inner)
    def asked(function: Any, *args: Any, **kwargs: Any) -> Any:
        return inner(original_of(function), *args, **kwargs)

    setattr(module, name, asked)
