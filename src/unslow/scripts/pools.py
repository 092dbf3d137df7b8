"""Threads that a script asks for in its environment before it imports what computes, which is imported already here."""

from __future__ import annotations

import importlib
import sys
from typing import Any

OF_BLAS = frozenset({"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
OF_TORCH = frozenset({"OMP_NUM_THREADS", "MKL_NUM_THREADS"})


def heed_environment() -> None:
    """From now on `os.environ["OMP_NUM_THREADS"] = "1"` has the effect that it has in a script that runs alone."""
    torch_was_there = "torch" in sys.modules

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "os.putenv":
            return
        name, value = (text.decode() if isinstance(text, bytes) else str(text) for text in arguments)
        if name not in OF_BLAS or not value.isdigit() or value == "0":
            return
        pools: Any = importlib.import_module("threadpoolctl")
        pools.threadpool_limits(int(value), user_api="blas")
        if torch_was_there and name in OF_TORCH:
            importlib.import_module("torch").set_num_threads(int(value))

    sys.addaudithook(heard)
