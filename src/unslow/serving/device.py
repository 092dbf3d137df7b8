"""Waits until an answer on a device is really there: such calls return before the device has done its work."""

from __future__ import annotations

import sys
from typing import Any

from unslow.core.calls import leaves_of

HOSTS = frozenset({"cpu", "meta", ""})
"""Kinds of device whose answers are there when the call returns; "": it has no device, or none with a kind (NumPy)."""


def arrived(answer: Any) -> Any:
    """The same answer, once the devices that its leaves live on have nothing left to do.

    An answer in host memory costs one look at its leaves. No framework is imported: who answers on a device has.
    """
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        away = [leaf.device for leaf in leaves_of(answer) if _kind(leaf) not in HOSTS]
        for device in dict.fromkeys(away):
            _synchronise(torch, device)
    return answer


def _kind(leaf: Any) -> str:
    """ "cuda", "xpu", "mps", …"""
    return getattr(getattr(leaf, "device", None), "type", "")


def _synchronise(torch: Any, device: Any) -> None:
    synchronise = getattr(getattr(torch, device.type, None), "synchronize", None)
    if synchronise is None:
        return
    if device.type == "mps":  # There is one, and its function takes none.
        synchronise()
    else:
        synchronise(device)
