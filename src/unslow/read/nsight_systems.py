"""NVIDIA Nsight Systems: the SQLite file that `nsys export --type sqlite` writes.

What a number means (the kind of a copy, of memory) is read from the file's own ENUM tables: numbers change between
releases. Any table may be missing, since an empty one is not written. Times are whole ns.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from unslow.core.device import Activity, Device
from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.read._exposed import COLLECTIVE, Going, Step, apart, busiest_of, by_start, profile_of_devices, steps_of
from unslow.read._files import AGAIN, LATEST_NS, first_line
from unslow.read._lost import CAPTURE, LAUNCH, lost_part, said
from unslow.read._reader import Reader
from unslow.read._torch_ops import runtime_category

MAGIC = b"SQLite format 3\0"
KERNELS, COPIES, FILLS = (f"CUPTI_ACTIVITY_KIND_{kind}" for kind in ("KERNEL", "MEMCPY", "MEMSET"))
GRAPHS = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"
"""A CUDA graph that ran as a whole; its kernels are in no table, unless `--cuda-graph-trace=node` asked for them."""
RUNTIME, MARKS, STRINGS, GPUS = "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS", "StringIds", "TARGET_INFO_GPU"
DIAGNOSTICS, LEVELS = "DIAGNOSTIC_EVENT", "ENUM_DIAGNOSTIC_SEVERITY_LEVEL"
MEMORY_KINDS, COPY_KINDS = "ENUM_CUDA_MEM_KIND", "ENUM_CUDA_MEMCPY_OPER"
NAME = "GPU "
Row = Mapping[str, Any]
STEP = re.compile(r"^(ProfilerStep#\d+|(train|training|eval)?[ _]?(step|iteration|iter)[ _:#]*\d+)$", re.IGNORECASE)
"""How programs name the ranges of their steps (torch.profiler, Lightning, Megatron, by hand)."""
LOADING = re.compile(r"dataloader|data[ _]load|load[ _]batch|next[ _]batch", re.IGNORECASE)
VERSION = re.compile(r"_v\d+$")
THREAD = (1 << 24) - 1
"""The bits of a global id that name the thread. Source: the documentation of Nsight Systems' SQLite schema."""
GRAPH = "graph"
HOLES = re.compile(r"lost|drop|missing|incomplete|not all|might not|may not|exceed", re.IGNORECASE)
"""Of its diagnostics those that say that something is not in the recording."""
WHOLE_GRAPHS = "CUDA graphs were recorded as wholes; nsys profile --cuda-graph-trace=node shows the kernels in them."
HOST_MEMORY = ("pageable", "pinned", "managed")


def sniff(head: bytes) -> bool:
    """Any SQLite file: whose it is, its tables tell."""
    return head.startswith(MAGIC)


def read(path: Path) -> Profile:
    """The profile of the device that was busy longest; every device's own timeline with it.

    Raises
    ------
    BadInput
        The file is damaged, is no export of Nsight Systems, or no device did anything in it.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return _profile(_Export(database, path))
    except sqlite3.Error as error:
        raise BadInput(f"{path} cannot be read as SQLite: {first_line(error)}", AGAIN) from error


@dataclass(frozen=True)
class _Export:
    database: sqlite3.Connection
    path: Path

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def rows(self, table: str, *needed: str) -> Iterator[Row]:
        """All rows of a table; none where it is missing, or lacks a column that is needed."""
        columns = {str(row[1]) for row in self.database.execute(f'PRAGMA table_info("{table}")')}
        if columns.issuperset(needed):
            yield from map(dict, self.database.execute(f'SELECT * FROM "{table}"'))

    def words(self, table: str, column: str) -> dict[int, str]:
        """What the numbers of an enumeration, or of the table of strings, stand for."""
        return {int(row["id"]): str(row[column]) for row in self.rows(table, "id", column)}

    def interval(self, row: Row, what: str) -> tuple[int, int]:
        start, end = row["start"], row["end"]
        if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end < LATEST_NS:
            return start, end
        raise BadInput(f"{self.path} has {what} from {start} to {end} ns.", AGAIN)


def _profile(export: _Export) -> Profile:
    tables = export.tables()
    if not any(name.startswith(("CUPTI_", "NVTX_", "TARGET_INFO_", "META_DATA_")) for name in tables):
        raise BadInput(
            f"{export.path} is an SQLite file, but no export of Nsight Systems.",
            "Write one with: nsys export --type sqlite --output trace.sqlite report.nsys-rep",
        )
    strings = export.words(STRINGS, "value")
    launched = _launched(export)
    found: dict[int, list[Activity]] = {}
    for number, activity in _activities(export, strings, launched):
        found.setdefault(number, []).append(activity)
    if not found:
        raise BadInput(
            f"{export.path} holds nothing that a GPU did.", "Record with: nsys profile --trace cuda,nvtx COMMAND"
        )
    steps, on_host = _host(export, strings)
    notes = said("Nsight Systems", _warned(export))
    notes += [WHOLE_GRAPHS] if any(GRAPH in one.details for did in found.values() for one in did) else []
    models = {int(row["id"]): row for row in export.rows(GPUS, "id", "name")}
    devices = [_device(number, by_start(did), models.get(number), steps) for number, did in sorted(found.items())]
    busiest = busiest_of(devices)
    profile = profile_of_devices("nsight-systems", devices, steps_of(busiest.activities, steps), on_host, notes)
    return replace(profile, lost=_lost(chain(*found.values()), on_host))


def _lost(did: Iterable[Activity], on_host: Iterable[Going]) -> float:
    """The part of the kernels that were launched, and have no record. An export may be a stretch of a longer recording;
    what a graph captures is not run."""
    calls = [one for one in on_host if one.kind == "runtime"]
    if any(CAPTURE in call.name for call in calls):
        return 0.0
    launched = {call.start_ns: call.start_ns for call in calls if LAUNCH in call.name}
    return lost_part(launched, {one.launched_ns for one in did}, is_cut=True)


def _warned(export: _Export) -> Iterator[str]:
    """What the recorder itself has to say of what it lost."""
    levels = {number: label.lower() for number, label in export.words(LEVELS, "label").items()}
    for row in export.rows(DIAGNOSTICS, "severity", "text"):
        text = str(row["text"] or "")
        if levels.get(int(row["severity"] or 0)) in ("warning", "error") and HOLES.search(" ".join(text.split())):
            yield text


def _launched(export: _Export) -> dict[tuple[int, int], int]:
    """When the host asked for something, by the process and its number of the request; and by the number alone, for
    exports that do not say of kernels whose they are."""
    found: dict[tuple[int, int], int] = {}
    for row in export.rows(RUNTIME, "start", "end", "correlationId"):
        start, number = export.interval(row, "a call of the runtime")[0], int(row["correlationId"])
        found[0, number] = found[_process(row, "globalTid"), number] = start
    return found


def _process(row: Row, column: str) -> int:
    """The process of a global id, whose low bits are a thread's; 0 where it is not said."""
    return int(row.get(column) or 0) & ~THREAD


def _activities(
    export: _Export, strings: Mapping[int, str], launched: Mapping[tuple[int, int], int]
) -> Iterator[tuple[int, Activity]]:
    """Everything that a device did, with the device's number."""
    memory = {kind: label.lower() for kind, label in export.words(MEMORY_KINDS, "label").items()}
    ways = {kind: label.lower() for kind, label in export.words(COPY_KINDS, "label").items()}
    for table, what in ((KERNELS, "a kernel"), (GRAPHS, "a graph"), (COPIES, "a copy"), (FILLS, "a fill")):
        for row in export.rows(table, "start", "end", "deviceId"):
            start, end = export.interval(row, what)
            kind, name, details = "fill", "Memset", dict[str, Any]()
            if table == KERNELS:
                name = _name(row, strings, "demangledName", "shortName")
                kind = "communication" if COLLECTIVE.match(name) else "kernel"
            elif table == GRAPHS:
                kind, name, details = "kernel", f"CUDA graph {row.get('graphId') or ''}".strip(), {GRAPH: True}
            elif table == COPIES:
                kind, details = "copy", _copied(row, ways, memory)
                name = " ".join(part for part in ("Memcpy", details["direction"], details["memory"]) if part)
            asked = launched.get((_process(row, "globalPid"), int(row.get("correlationId") or -1)), -1)
            stream = str(row.get("streamId", ""))
            yield int(row["deviceId"]), Activity(name, kind, start, end, stream, asked, details)


def _copied(row: Row, ways: Mapping[int, str], memory: Mapping[int, str]) -> dict[str, Any]:
    sides = [memory.get(int(row[side]), "") for side in ("srcKind", "dstKind") if row.get(side) is not None]
    return {
        "bytes": int(row.get("bytes") or 0),
        "direction": ways.get(int(row["copyKind"]), "") if row.get("copyKind") is not None else "",
        "memory": next((side for side in sides if side in HOST_MEMORY), ""),
    }


def _name(row: Row, strings: Mapping[int, str], *columns: str) -> str:
    known = (row[column] for column in columns if row.get(column) is not None)
    number = next(known, None)
    return "unnamed" if number is None else strings.get(int(number), f"string {number}")


def _host(export: _Export, strings: Mapping[int, str]) -> tuple[list[Step], list[Going]]:
    """The ranges that mark steps, and what the host does: calls of the runtime, and the other ranges."""
    going: list[Going] = []
    for row in export.rows(RUNTIME, "start", "end", "nameId"):
        start, end = export.interval(row, "a call of the runtime")
        name = VERSION.sub("", _name(row, strings, "nameId"))
        going.append(Going("runtime", name, runtime_category(name), start, end))
    steps: list[Step] = []
    for row in export.rows(MARKS, "start", "end"):
        name = str(row.get("text") or _name(row, strings, "textId")).partition(", op_id =")[0]
        if row["end"] is None:  # A mark, or a range that had not ended.
            continue
        start, end = export.interval(row, "a range")
        if STEP.match(name):
            steps.append((name, start, end))
        elif LOADING.search(name):
            going.append(Going("loading", name, "data", start, end, {"phase": "data"}))
        else:
            going.append(Going("operator", name, "framework", start, end, {"op": name}))
    return apart(steps), going


def _device(number: int, activities: tuple[Activity, ...], info: Row | None, steps: list[Step]) -> Device:
    known = info or {}
    major, minor = known.get("computeMajor"), known.get("computeMinor")
    capability = (major, minor) if isinstance(major, int) and isinstance(minor, int) else None
    memory, own = known.get("totalMemory"), steps_of(activities, steps)
    return Device(
        f"{NAME}{number}",
        activities,
        own[0][1] if own else activities[0].start_ns,
        own[-1][2] if own else max(one.end_ns for one in activities),
        str(known.get("name", "")),
        capability,
        memory if isinstance(memory, int) else 0,
        len(own),
    )


READER = Reader("nsight-systems", sniff, read)
