"""What only PyTorch can tell of a module: its modes, its weights, its threads."""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from typing import Any

from unslow.core.modes import training_modules

DISPATCH_CALLS = 2000


def module_facts(model: Any) -> dict[str, Any]:
    """Fields of `Facts` for an `nn.Module`; empty for anything else."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        return {}
    module: Any = model
    kinds = Counter(type(child).__name__ for child in module.modules())
    weights: Counter[str] = Counter()
    for parameter in (*module.parameters(), *module.buffers()):
        weights[str(parameter.dtype).removeprefix("torch.")] += parameter.numel() * parameter.element_size()
    return {
        "training": training_modules(module),
        "modules": dict(kinds),
        "parameter_bytes": dict(weights),
        "subnormal_share": _subnormal_share(torch, module),
    }


def _subnormal_share(torch: Any, module: Any) -> float:
    """The part of the non-zero weights that are too small for a normal float32."""
    subnormal = total = 0
    for parameter in module.parameters():
        if parameter.dtype == torch.float32:
            values = parameter.detach().abs()
            subnormal += int(((values > 0) & (values < torch.finfo(torch.float32).tiny)).sum())
            total += int((values > 0).sum())
    return subnormal / total if total else 0.0


def subnormal_share_of(values: Any) -> float:
    """The same for one array of float32 answers (as NumPy)."""
    import numpy as np

    if values.dtype != np.float32 or values.size == 0:
        return 0.0
    magnitude = np.abs(values)
    present = magnitude > 0
    return float(((magnitude < np.finfo(np.float32).tiny) & present).sum() / max(1, present.sum()))


def dispatch_seconds() -> float:
    """What one operator costs in this process before it computes anything: an addition of one number."""
    torch: Any = importlib.import_module("torch")
    one = torch.ones(1)
    for _ in range(100):
        torch.add(one, one)
    started = time.perf_counter()
    for _ in range(DISPATCH_CALLS):
        torch.add(one, one)
    return (time.perf_counter() - started) / DISPATCH_CALLS
