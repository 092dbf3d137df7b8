"""The calls that copy a tensor to another device, told apart before they are made from those that change its type."""

from __future__ import annotations

import functools
import sys
from typing import Any, Protocol


class Spans(Protocol):
    """What takes stretches of time; see `phases.Phases`."""

    on: bool

    def begin(self, kind: str, site: str = "") -> int: ...
    def end(self, place: int) -> None: ...


def watch_transfers(spans: Spans, line: Any, module: Any) -> None:
    """A span "transfer" for each; `module` is `torch._tensor`, `line()` the user's line that calls."""
    for name in ("to", "cuda"):
        inner = getattr(module.Tensor, name)
        setattr(module.Tensor, name, _watched(spans, line, inner, name))


def _watched(spans: Spans, line: Any, inner: Any, name: str) -> Any:
    @functools.wraps(inner)
    def watched(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        if not spans.on or not goes_elsewhere(tensor, name, args, kwargs):
            return inner(tensor, *args, **kwargs)
        place = spans.begin("transfer", line())
        try:
            return inner(tensor, *args, **kwargs)
        finally:
            spans.end(place)

    return watched


def goes_elsewhere(tensor: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether `tensor.to(…)` or `tensor.cuda(…)` with these arguments copies to another device."""
    where: Any = args[0] if args else kwargs.get("device", kwargs.get("other"))
    if where is None:
        return name == "cuda" and not tensor.is_cuda
    torch: Any = sys.modules["torch"]
    if isinstance(where, torch.Tensor):
        return where.device != tensor.device
    here = tensor.device
    if isinstance(where, int):
        return not isinstance(where, bool) and (here.type == "cpu" or where != here.index)
    if not isinstance(where, (str, torch.device)):
        return False
    try:
        device = torch.device(where)
    except RuntimeError:  # No such device: the call itself is to say so.
        return False
    return device.type != here.type or (device.index is not None and device.index != (here.index or 0))
