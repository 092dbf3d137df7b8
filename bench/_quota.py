"""A quota of processor time around this process and all that it starts, as a container has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
"""As Docker and Kubernetes have it."""


@contextmanager
def quota(cores: float, groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[None]:
    """In a control group of its own that may use so many `cores`' worth of time in each tenth of a second.

    Raises
    ------
    OSError
        The system grants no such group: it has none, or this user may not make one.
    """
    around = _around(groups, own.read_text(encoding="utf-8"))
    inside = around / f"unslow-{os.getpid()}"
    inside.mkdir()
    try:
        quota_us = round(cores * PERIOD_US)
        if (inside / "cpu.cfs_quota_us").exists():
            (inside / "cpu.cfs_period_us").write_text(str(PERIOD_US), encoding="ascii")
            (inside / "cpu.cfs_quota_us").write_text(str(quota_us), encoding="ascii")
        else:
            _existing(inside / "cpu.max").write_text(f"{quota_us} {PERIOD_US}", encoding="ascii")
        _move(inside)
        try:
            yield
        finally:
            _move(around)
    finally:
        with suppress(OSError):  # What was started in it may still be ending.
            inside.rmdir()


def _around(groups: Path, own: str) -> Path:
    """The group that this process is in: of version 1's controller of processor time, else of version 2."""
    found = {controllers: path.strip("/") for _, controllers, path in (line.split(":", 2) for line in own.splitlines())}
    for controllers, path in found.items():
        if "cpu" in controllers.split(","):
            return _existing(groups / controllers / path)
    return _existing(groups / found.get("", ""))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}.")
    return path


def _move(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
