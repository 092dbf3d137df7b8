"""The parent's side of the benchmark processes: starts them, asks one at a time, ends them all at a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from unslow.machine._serve import CORES_VARIABLE
from unslow.machine.limits import STEERING_PREFIXES

PROCESS_GONE: dict[str, Any] = {}


class Child:
    """One benchmark process; while nobody asks it, it waits on its pipe and uses no core."""

    def __init__(self, module: str, cores: int) -> None:
        # -P: a file named as a library in the working directory must not be imported in its place.
        command = [sys.executable, "-P", "-m", module]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=child_environment(os.environ, cores),
            process_group=0,
        )
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it can measure; waits until it has imported its library. Empty if it died."""
        if self._names is None:
            self._names = tuple(self._read().get("ready", ()))
        return self._names

    def ask(self, name: str) -> Mapping[str, Any]:
        """`{"values": [...]}` or `{"error": "..."}`; empty if the process is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(name + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return PROCESS_GONE
        return self._read()

    def end(self) -> None:
        """Ends it and what it has started, whatever they are doing. May be called from another thread, and twice."""
        # What it has started holds its pipe open too, and reading would go on waiting.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.end()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else PROCESS_GONE


class Children:
    """The benchmark processes of these modules, by name; all are ended after `seconds`, or at the end of the `with`."""

    def __init__(self, modules: Mapping[str, str], cores: int, seconds: float) -> None:
        self._all = {name: Child(module, cores) for name, module in modules.items()}
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> dict[str, Child]:
        try:
            for child in self._all.values():
                _ = child.names  # nothing is measured while another process still imports
        except BaseException:
            self.__exit__()
            raise
        return self._all

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for child in self._all.values():
            child.close()

    def _end(self) -> None:
        for child in self._all.values():
            child.end()


def child_environment(environment: Mapping[str, str], cores: int) -> dict[str, str]:
    """Ours, without what steers thread pools: a floor is the machine's, not the shell's."""
    kept = {name: value for name, value in environment.items() if not name.startswith(STEERING_PREFIXES)}
    return {**kept, CORES_VARIABLE: str(cores)}
