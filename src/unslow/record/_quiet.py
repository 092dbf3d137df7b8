"""Keeps what native code writes to standard error out of the terminal, in a file beside the recording."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def native_messages_to(file: Path) -> Generator[None]:
    """While it lasts, whatever this process writes to file descriptor 2 is appended to `file`.

    Kineto announces each start and stop there, and no setting of its own switches that off.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with file.open("ab") as sink:
            os.dup2(sink.fileno(), 2)
            yield
            sys.stderr.flush()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
