"""Keeps the converters' chatter off stdout, and their telemetry from being sent."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Generator

_TALKATIVE = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "nncf", "openvino", "root")
_TELEMETRY = "openvino_telemetry"


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Within it: what native code and Python print goes to stderr, only errors are logged, no warnings are shown."""
    sys.stdout.flush()
    kept = os.dup(1)
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    try:
        os.dup2(2, 1)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


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
        del sys.modules[_TELEMETRY]
