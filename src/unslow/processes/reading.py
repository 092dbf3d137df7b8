"""Recordings are read in a process of their own, which may take so much memory and so much time, and no more.

A recording comes from anywhere: it can be damaged, or made to unfold without end. What goes wrong there is an error
with the file's name, and takes nothing else with it. What comes back is the profile, pickled by our own process.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.core.units import size
from unslow.machine.limits import free_memory

GB = 10**9
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Each thread of a library reserves address space, which is what the limit counts."""
SHORTER = "Record fewer steps, or name a file with fewer."


@dataclass(frozen=True)
class Limits:
    """What a reader may take: address space, and time that passes."""

    memory_bytes: int
    time_s: float


def limits_for(path: Path) -> Limits:
    """4 GB, of a small machine half of what is free; a minute, and a second more for every MB of the file or
    folder.

    A Kineto recording of any size takes half a GB, and a second for 60 MB of it (4 MB, where it is gzipped).
    """
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    return Limits(min(4 * GB, max(GB, free_memory() // 2)), 60 + size_mb)


def read_apart(path: Path, limits: Limits | None = None) -> Profile:
    """`unslow.read.read`, of a file or a folder, in a process of its own.

    Raises
    ------
    BadInput
        As there; or the file takes more memory or time than it may, or its reader crashed.
    """
    held = limits or limits_for(path)
    command = [sys.executable, "-P", "-m", "unslow.processes._reader", str(os.getpid()), str(path)]
    command += [str(held.memory_bytes), str(held.time_s)]
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD},
    )
    with started as process:
        try:
            answer, _ = process.communicate(timeout=held.time_s)
        except subprocess.TimeoutExpired:
            raise BadInput(f"{path} takes more than {held.time_s:.0f} s to read.", SHORTER) from None
        finally:
            process.kill()  # Also where the user interrupts; of no effect on one that has ended.
    return _opened(answer, process.returncode, path, held)


def _opened(answer: bytes, code: int, path: Path, limits: Limits) -> Profile:
    if code == 0 and answer:
        found = pickle.loads(answer)
        if isinstance(found, Profile):
            return found
        raise BadInput(*found) if found else _too_large(path, limits)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise BadInput(f"{path} cannot be read: its reader ended with {how}.", "Record or copy it again, and report this.")


def _too_large(path: Path, limits: Limits) -> BadInput:
    return BadInput(f"{path} takes more than {size(limits.memory_bytes)} of memory to read.", SHORTER)
