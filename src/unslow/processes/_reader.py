"""`python -m unslow.processes._reader PARENT PATH MEMORY_BYTES TIME_S`: reads one recording, and answers on stdout.

The answer is a pickle: of the profile; of a pair, what is wrong and what to do; or of None, where memory ran out.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import resource
import signal
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, path, memory_bytes, time_s = sys.argv[1:]
    _tie_to(int(parent))
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # What a library prints is no answer.
        out.write(answer(Path(path), int(memory_bytes), int(float(time_s)) + 1))


def answer(path: Path, memory_bytes: int, time_s: int) -> bytes:
    """What is to be written. Sets the limits of this process for good."""
    _limit(resource.RLIMIT_CPU, time_s)  # The parent keeps the time; this is for one that has gone.
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory_bytes)
    try:
        return pickle.dumps(_read(path), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return pickle.dumps(None)


def _read(path: Path) -> Any:
    from unslow.core.errors import UnslowError
    from unslow.read import read

    try:
        return read(path)
    except UnslowError as error:
        return (error.what, error.todo)
    except MemoryError:
        raise
    except Exception as error:  # Whatever a file can bring about is an answer: nobody sees where it was raised.
        first = (str(error).splitlines() or [""])[0]
        return (f"{path} cannot be read: {type(error).__name__}: {first}", "Record or copy it again, and report this.")


def _limit(kind: int, most: int) -> None:
    """At most that much, or what this process may have anyway."""
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (least, hard))


def _tie_to(parent: int) -> None:
    """End with the process that asked, however that ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
