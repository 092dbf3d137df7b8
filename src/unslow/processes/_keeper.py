"""Ends what a run has started when the run itself has gone, however it went.

`python -I _keeper.py FD MARK`: a small process of a session of its own that waits for the other end of a pipe to close.
Then every process is killed whose environment holds the mark: what a user's script has started too (a server, loader
workers), in whatever group or session it is, stopped or running. It imports nothing of ours, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

MARK = "UNSLOW_RUN_MARK"
ROUNDS = 3
"""A process may start another one while it is looked for."""


def main() -> None:
    os.read(int(sys.argv[1]), 1)  # Nothing is ever written: this returns when the writing end has closed.
    for _ in range(ROUNDS):
        for pid in marked(sys.argv[2]):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> list[int]:
    """The processes whose environment holds the mark; none where there is no /proc."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdecimal() and int(name) != os.getpid() and _has(name, mark):
                found.append(int(name))
    return found


def _has(pid: str, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return f"{MARK}={mark}".encode() in file.read().split(b"\0")
    except OSError:
        return False


if __name__ == "__main__":
    main()
