"""`optimizer`: an optimizer is made; `fill`: gradients are set to zero rather than dropped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("torch.optim.optimizer", lambda module: _optimizers(notes, module.Optimizer))
    when_imported("torch.optim.optimizer", lambda module: _zeroing(notes, module.Optimizer))
    when_imported("torch.nn.modules.module", lambda module: _zeroing(notes, module.Module))


def _optimizers(notes: Notes, kind: Any) -> None:
    made = kind.__init__

    @functools.wraps(made)
    def noted_made(optimizer: Any, params: Any, defaults: Any) -> None:
        made(optimizer, params, defaults)
        notes.note("optimizer", called_from(making=optimizer), _of_optimizer(optimizer, defaults))

    kind.__init__ = noted_made


def _zeroing(notes: Notes, kind: Any) -> None:
    def noted_zeroed(call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not all(args[1:2]) or not kwargs.get("set_to_none", True):
            notes.note("fill", called_from(), {"positional": len(args) > 1})
        return call()

    put_around(kind, "zero_grad", noted_zeroed, notes)


def _of_optimizer(optimizer: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    kind = cast(Any, type(optimizer))
    tensors = [tensor for group in optimizer.param_groups for tensor in group["params"]]
    return {
        "class": kind.__name__,
        "module": kind.__module__,
        "fused": bool(defaults.get("fused")),
        "foreach": defaults.get("foreach") is not None,
        "can_be_fused": "fused" in defaults,
        "lr": _rate(defaults.get("lr")),
        "tensors": len(tensors),
        "devices": sorted({tensor.device.type for tensor in tensors}),
    }


def _rate(rate: Any) -> float:
    """The learning rate; 0 where it has none."""
    return float(rate) if isinstance(rate, int | float) else 0.0


WATCH = Watch(name="optimizers", kinds=("optimizer", "fill"), begin=begin)
