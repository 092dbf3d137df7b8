"""Processes on this machine: spawned, each the leader of its own process group in our session.

A group of our own session (rather than a session of its own) is what makes the kernel wake and hang up stopped members
when unslow dies: an orphaned group with a stopped member gets SIGHUP and SIGCONT. The parent-death signal ends the
leader. What a user's script has started beside it is found by a mark in its environment, and ended by a keeper.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from functools import cache, partial
from multiprocessing.connection import Connection
from typing import Any, final

import psutil

from unslow.core.errors import HUNG, WorkerFailed
from unslow.core.units import size
from unslow.machine.limits import free_memory
from unslow.processes import _keeper as keeper
from unslow.processes._keeper import MARK
from unslow.processes.base import Conditions, Process, Processes

POLL_S = 0.25
"""How often a job that takes long is looked at: its memory, whether it still lives."""
SPARE_SHARE = 0.05
"""Of the memory that was free when a process started, what must stay free while it works.

Others live beside it, suspended: each is within its own limit, and only the one that works can make the sum too large.
"""

GONE_S, POLL_GONE_S = 2.0, 0.005
"""How long what was killed is waited for, and how often it is looked at."""


@final
class LocalProcesses(Processes):
    """Spawns `python -m unslow.worker`. `clock` and `free_bytes`, the memory that is free, are for tests."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, free_bytes: Callable[[], int] = free_memory
    ) -> None:
        self._clock = clock
        self._free_bytes = free_bytes

    def start(self, conditions: Conditions) -> Process:
        return LocalProcess(conditions, self._clock, self._free_bytes)


@final
class LocalProcess(Process):
    """A spawned interpreter at the other end of a socket pair."""

    def __init__(self, conditions: Conditions, clock: Callable[[], float], free_bytes: Callable[[], int]) -> None:
        ours, theirs = socket.socketpair()
        with theirs, conditions.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "unslow.worker", str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **conditions.environment, MARK: _kept()},
                process_group=0,
            )
        self._connection = Connection(ours.detach())
        self._conditions = conditions
        self._clock = clock
        self._free_bytes = free_bytes
        self._spare = int(SPARE_SHARE * free_bytes()) if conditions.memory_bytes else 0
        self._peak = 0
        self._closed = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def peak_memory_bytes(self) -> int:
        return self._peak

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        return self.begin(job, timeout_s, **arguments)()

    def begin(self, job: str, timeout_s: float, **arguments: Any) -> Callable[[], Any]:
        # Where it is gone already, the wait for its answer says so.
        with contextlib.suppress(OSError):
            self._connection.send_bytes(json.dumps({"job": job, "arguments": arguments}).encode())
        return partial(self._answer, job, timeout_s, self._clock() + timeout_s)

    def _answer(self, job: str, timeout_s: float, deadline: float) -> Any:
        try:
            while "told" in (answer := json.loads(self._wait(job, timeout_s, deadline))):
                self._conditions.told(str(answer["told"]))
                deadline = self._clock() + timeout_s  # It is at work.
        except (EOFError, OSError) as error:
            raise self._ended(job) from error
        if "error" in answer:
            raise WorkerFailed(answer["error"], answer.get("todo", ""), cannot_run=answer.get("cannot_run", False))
        self._peak = max(self._peak, int(answer.get("peak_memory_bytes", 0)))
        # Jobs that end before the next look are held to the limit too: by what the process says of itself.
        self._hold_to_limit(job, self._peak)
        return answer["result"]

    def _wait(self, job: str, timeout_s: float, deadline: float) -> bytes:
        while not self._connection.poll(min(POLL_S, max(0.0, deadline - self._clock()))):
            self._guard_memory(job)
            if self._clock() >= deadline:
                self.close()
                raise WorkerFailed(f"{HUNG}: {job} took more than {timeout_s:.0f} s and was ended.")
        return self._connection.recv_bytes()

    def _guard_memory(self, job: str) -> None:
        used = tree_memory_bytes(self.pid)
        self._peak = max(self._peak, used)
        self._hold_to_limit(job, used)
        if self._spare and (left := self._free_bytes()) < self._spare:
            self.close()
            raise WorkerFailed(
                f"It ran out of memory: {job} took {size(used)}, which left {size(left)} to everybody, and was ended."
            )

    def _hold_to_limit(self, job: str, used: int) -> None:
        limit = self._conditions.memory_bytes
        if limit and used > limit:
            self.close()
            raise WorkerFailed(
                f"It ran out of memory: {job} took {size(used)} where {size(limit)} are allowed, and was ended."
            )

    def _ended(self, job: str) -> WorkerFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=5)
        code = self._popen.poll()
        self.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = " (the system may have been out of memory)" if name == "SIGKILL" else ""
            return WorkerFailed(
                f"It crashed with {name}{hint} during {job}.", f"What it printed: {self._conditions.log}"
            )
        return WorkerFailed(f"It ended with exit code {code} during {job}.", f"What it printed: {self._conditions.log}")

    def suspend(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if not self._closed:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        if self._closed:
            return
        strays = _descendants(self.pid)
        self._signal(signal.SIGKILL)
        self._closed = True
        for stray in strays:
            with contextlib.suppress(psutil.Error):
                stray.kill()
        self._popen.wait()
        _wait_until_gone(strays)
        self._connection.close()


def _wait_until_gone(strays: Sequence[psutil.Process]) -> None:
    """A process that was killed still runs for a moment, on cores that are about to be measured."""
    deadline = time.monotonic() + GONE_S
    while any(map(_runs, strays)) and time.monotonic() < deadline:
        time.sleep(POLL_GONE_S)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@cache
def _kept() -> str:
    """The mark that processes of this run carry, and which the keeper, started now, looks for when we are gone."""
    mark = uuid.uuid4().hex
    reading, writing = os.pipe()  # No child of ours inherits the writing end.
    process = subprocess.Popen(
        [sys.executable, "-I", keeper.__file__, str(reading), mark],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[reading],
        start_new_session=True,
    )
    os.close(reading)
    atexit.register(_dismiss, process, writing)
    return mark


def _dismiss(process: subprocess.Popen[bytes], writing: int) -> None:
    """The run ends by itself: the keeper looks once more, and goes."""
    os.close(writing)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


def tree_memory_bytes(pid: int) -> int:
    """Resident bytes of a process and all that descend from it."""
    total = 0
    for process in (*_descendants(pid), *_self(pid)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _self(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [psutil.Process(pid)]
    return []


def _descendants(pid: int) -> list[psutil.Process]:
    """What the group's signal might miss: children that made a group of their own."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []
