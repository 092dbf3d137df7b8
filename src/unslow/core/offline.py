"""Nothing phones home: keeps the libraries that would from doing it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator

OFFLINE_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
"""For processes of ours: no hub is asked for anything, nobody is told of anything."""

_TELEMETRY = "openvino_telemetry"


@contextlib.contextmanager
def without_telemetry() -> Generator[None]:
    """Within it OpenVINO and NNCF, first imported, find no telemetry library: both then use silent stand-ins."""
    if _TELEMETRY in sys.modules:
        yield
        return
    sys.modules[_TELEMETRY] = None  # pyright: ignore[reportArgumentType]  # the import system's way to say: not there
    try:
        yield
    finally:
        sys.modules.pop(_TELEMETRY, None)
