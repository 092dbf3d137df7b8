"""`copy`: a tensor is copied to another device (`.to`, `.cuda`), within the steps."""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import Callable
from typing import Any, final

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import Called, called_from

MOST_LOOKED_AT = 16
"""Copies of each place whose content is compared with the one before; larger tensors are not looked at."""
LARGEST_BYTES = 16_000_000


def begin(notes: Notes) -> None:
    """From now on."""
    seen = _Copies(notes)
    when_imported("torch", seen.patch)


@final
class _Copies:
    """Of each place: what is copied where to, from which memory, and whether it is always the same."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._known: dict[Called, dict[str, Any]] = {}
        self._content: dict[Called, int] = {}

    def patch(self, torch: Any) -> None:
        for name in ("to", "cuda"):
            put_around(torch.Tensor, name, functools.partial(self._copied, name), self._notes)

    def _copied(self, name: str, call: Callable[[], Any], given: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._notes.stepping:
            return call()
        tensor, *args = given
        started = time.perf_counter()
        result = call()
        if result.device != tensor.device:
            self._note(tensor, result, name, tuple(args), kwargs, time.perf_counter() - started)
        return result

    def _note(
        self, source: Any, copy: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> None:
        called = called_from(2)
        if called is None:
            return
        known = self._known.get(called)
        if known is None:
            known = self._known[called] = {
                "call": name, "source": source.device.type, "target": copy.device.type, "bytes": _bytes(source),
                "pinned": source.device.type == "cpu" and copy.device.type == "cuda" and bool(source.is_pinned()),
                "non_blocking": bool(kwargs.get("non_blocking")),
                "by_position": any(isinstance(value, bool) for value in args),
                "looked_at": 0, "same": 0, "gradient": bool(source.requires_grad),
            }  # fmt: skip
        if known["looked_at"] < MOST_LOOKED_AT:
            self._look_at(called, known, source)
        self._notes.note("copy", called, known, seconds)

    def _look_at(self, called: Called, known: dict[str, Any], source: Any) -> None:
        content = _content(source)
        known["same"] += content is not None and content == self._content.get(called)
        known["looked_at"] += 1
        if content is not None:
            self._content[called] = content


def _bytes(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())


def _content(source: Any) -> int | None:
    """A checksum of a tensor in the processor's memory; None of others, of large ones, of types that NumPy lacks."""
    if source.device.type != "cpu" or _bytes(source) > LARGEST_BYTES or source.is_sparse:
        return None
    try:
        return zlib.crc32(source.detach().contiguous().numpy().tobytes())
    except (TypeError, RuntimeError):
        return None


WATCH = Watch(name="copies", kinds=("copy",), begin=begin)
