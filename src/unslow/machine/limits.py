"""What a container or a scheduler leaves of the machine: affinity, cgroup quotas and memory limits (v1 and v2)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path("/")

STEERING_PREFIXES = ("OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_")


def affinity() -> int | None:
    """How many cores this process may run on; None where the system does not say (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def cpu_quota(root: Path = ROOT) -> float | None:
    """The cores' worth of time that the tightest enclosing control group allows; None without a quota.

    Version 2 states "quota period" in `cpu.max`, version 1 in two files; in both, "max" or -1 means no quota.
    """
    quotas: list[float] = []
    for group in _groups(root, "cpu"):
        words = _words(group / "cpu.max") or _words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us")
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]) > 0:
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """The bytes that the tightest enclosing control group allows; None without a limit."""
    limits = (_number(group, "memory.max", "memory.limit_in_bytes") for group in _groups(root, "memory"))
    return min((limit for limit in limits if limit is not None), default=None)


def memory_left(root: Path = ROOT) -> int | None:
    """The bytes that the enclosing control groups still give, the least of them; None without a limit.

    Files that the kernel keeps for a group count as used there, but go when room is needed: they are left, as they are
    in `MemAvailable`.
    """
    left: list[int] = []
    for group in _groups(root, "memory"):
        limit = _number(group, "memory.max", "memory.limit_in_bytes")
        used = _number(group, "memory.current", "memory.usage_in_bytes")
        if limit is not None and used is not None:
            left.append(max(0, limit - max(0, used - _kept_files(group))))
    return min(left, default=None)


def free_memory(root: Path = ROOT) -> int:
    """The bytes that may be taken now without anything being paged out or ended: of the machine, and of its groups."""
    available = int(psutil.virtual_memory().available)
    left = memory_left(root)
    return available if left is None else min(available, left)


def usable_cores(logical: int, affine: int | None, quota: float | None) -> int:
    """The least of what there is, what may be run on, and the quota rounded up; at least one."""
    allowed = logical if quota is None else max(1, math.ceil(quota))
    return max(1, min(logical, affine or logical, allowed))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control group for `controller` and of all groups around it, in v1 and in v2."""
    mounts = root / "sys" / "fs" / "cgroup"
    for line in _lines(root / "proc" / "self" / "cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            base = mounts
        elif controller in controllers.split(","):
            named = mounts / controllers
            base = named if named.is_dir() else mounts / controller
        else:
            continue
        # Inside a container the path may be the host's and not exist here; the groups around it then still do.
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            yield base.joinpath(*parts[:depth])


def _number(group: Path, *names: str) -> int | None:
    """What the first of these files says, that of version 2 before that of version 1; None where it is no number."""
    for name in names:
        if words := _words(group / name):
            return int(words[0]) if words[0].isdigit() else None
    return None


def _kept_files(group: Path) -> int:
    """Version 1 counts the groups inside in the lines that begin with `total_`, version 2 in all."""
    rows = [line.split() for line in _lines(group / "memory.stat")]
    stat = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    return sum(stat.get(f"total_{name}", stat.get(name, 0)) for name in ("inactive_file", "active_file"))


def _words(file: Path) -> list[str]:
    return [word for line in _lines(file) for word in line.split()]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
