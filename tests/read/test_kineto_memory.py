"""The memory of devices, in Kineto recordings made with `profile_memory=True`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traces
from traces import op, step
from unslow.read import read

KERNELS = [
    {**op("gemm", 10, 50, "kernel", tid=7, correlation=1, device=number, stream=7), "pid": number} for number in (0, 1)
]


def memory(kind: int, number: int, **args: Any) -> traces.Event:
    known = {"Device Type": kind, "Device Id": number, "Bytes": 4, **args}
    return {"ph": "i", "name": "[memory]", "cat": "cpu_instant_event", "pid": 1, "tid": 1, "ts": 5, "args": known}


def peaks(tmp_path: Path, *events: traces.Event) -> list[int]:
    profile = read(traces.kineto(tmp_path / "t.json", [step(0, 0, 100), *KERNELS, *events]))
    return [device.peak_bytes for device in profile.devices]


def test_none_is_noted(tmp_path: Path) -> None:
    assert peaks(tmp_path) == [0, 0]


def test_of_the_processor_or_without_totals(tmp_path: Path) -> None:
    total = {"Total Allocated": 900}
    assert peaks(tmp_path, memory(0, -1, **total), memory(1, 0), {**memory(1, 0), "args": None}) == [0, 0]


def test_the_largest_total_of_each_device(tmp_path: Path) -> None:
    totals = [memory(1, 0, **{"Total Allocated": total}) for total in (100, 300, 200)]
    assert peaks(tmp_path, *totals, memory(1, 1, **{"Total Allocated": 50})) == [300, 50]
