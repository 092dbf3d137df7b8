"""Keeps the converters' chatter off stdout."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Generator

_TALKATIVE = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "nncf", "openvino", "root")


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
