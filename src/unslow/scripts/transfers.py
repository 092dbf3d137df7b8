"""The calls that copy a tensor to another device, told apart before they are made from those that change its type."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Protocol

from unslow.scripts.layers import put_around


class Spans(Protocol):
    """What takes stretches of time; see `phases.Phases`."""

    on: bool

    def begin(self, kind: str, site: str = "") -> int: ...
    def end(self, place: int) -> None: ...


def watch_transfers(spans: Spans, line: Any, module: Any) -> None:
    """A span "transfer" for each; `module` is `torch._tensor`, `line()` the user's line that calls."""
    for name in ("to", "cuda"):
        put_around(module.Tensor, name, functools.partial(_watched, spans, line, name), spans)


def _watched(
    spans: Spans, line: Any, name: str, call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not goes_elsewhere(args[0], name, args[1:], kwargs):
        return call()
    place = spans.begin("transfer", line())
    try:
        return call()
    finally:
        spans.end(place)


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
