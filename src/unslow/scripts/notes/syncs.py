"""`sync`: the script asks for the value of a tensor (`.item()`, `float(…)`, `.cpu()`, `print`): on a device, it waits.

What lies in the processor's own memory is there: of such tensors `.item()` and `.tolist()` alone are noted. Calls that
a library makes are not.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from unslow.core.jsonable import to_json
from unslow.scripts.deferral import Deferral, deferral
from unslow.scripts.imports import when_imported
from unslow.scripts.layers import Around, put_around
from unslow.scripts.notes._notes import Notes, Tally, Watch
from unslow.scripts.sites import called_in, direct_frame

ALWAYS = ("item", "tolist")
ON_A_DEVICE = ("cpu", "numpy", "__float__", "__int__", "__bool__", "__repr__", "__format__")
Places = dict[tuple[int, int], tuple[CodeType, Tally]]


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("torch._tensor", lambda module: _watch(notes, module.Tensor, ALWAYS))
    when_imported("torch", functools.partial(_on_devices, notes))


def _on_devices(notes: Notes, torch: Any) -> None:
    """A PyTorch that knows no device has no tensors there."""
    if torch.version.cuda or torch.version.hip:
        _watch(notes, torch.Tensor, ON_A_DEVICE)


def _watch(notes: Notes, kind: Any, names: tuple[str, ...]) -> None:
    for name in names:
        put_around(kind, name, _noting(notes, name), notes)


def _noting(notes: Notes, name: str) -> Around:
    places: Places = {}  # Found by the instruction that calls: much cheaper than by the place in the source.
    always = name in ALWAYS

    def noted(call: Callable[[], Any], args: tuple[Any, ...], _: dict[str, Any]) -> Any:
        tensor = args[0]
        frame = direct_frame() if always or not tensor.is_cpu else None
        if frame is None:
            return call()
        key = id(frame.f_code), frame.f_lasti
        if key not in places:
            called = called_in(frame)
            details = _details(name, tensor, frame.f_code.co_filename, called.site)
            places[key] = frame.f_code, notes.tally("sync", called, details)
        started = time.perf_counter()
        try:
            return call()
        finally:
            notes.count(places[key][1], time.perf_counter() - started)

    return noted


def _details(name: str, tensor: Any, file: str, site: Any) -> dict[str, Any]:
    kind = "float" if tensor.is_floating_point() else "complex" if tensor.is_complex() else "int"
    known = deferral(_text(file), site) if name == "item" else Deferral("it is no call of .item()")
    return {
        "call": name.strip("_"),
        "device": tensor.device.type,
        "numbers": kind,
        "deferral": to_json(known),
    }


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as source:
            return source.read()
    except (OSError, UnicodeDecodeError):
        return ""


WATCH = Watch(name="syncs", kinds=("sync",), begin=begin)
