"""What PyTorch knows of devices: which there may be, and which functions `with torch.device(…):` changes.

It knows those by identity, so it must know them as PyTorch has them.
"""

from __future__ import annotations

import importlib
from typing import Any


def remember_constructors(torch: Any) -> None:
    """Called before one of them (`torch.tensor`, `torch.as_tensor`) is replaced by one that calls it.

    The list is made when it is first needed, from what the names stand for then; with a replacement in it, what the
    function within makes would be left on the processor.
    """
    module: Any = importlib.import_module(f"{torch.__name__}.utils._device")
    listed = getattr(module, "_device_constructors", None)
    if listed is not None:
        listed()


def knows_devices(torch: Any) -> bool:
    """Whether this build can have tensors elsewhere than in the processor's memory. No device is touched to say so."""
    built_for = (getattr(torch.version, name, None) for name in ("cuda", "hip", "xpu"))
    return any(built_for) or bool(torch.backends.mps.is_built())
