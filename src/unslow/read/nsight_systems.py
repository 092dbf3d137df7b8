"""NVIDIA Nsight Systems: the SQLite file that `nsys export --type sqlite` writes.

What a number means (the kind of a copy, of memory) is read from the file's own ENUM tables: numbers change between
releases. Any table may be missing, since an empty one is not written. Times are whole ns.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
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
RUNTIME, MARKS, STRINGS = "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS", "StringIds"
GPUS, NUMBERED = "TARGET_INFO_GPU", "TARGET_INFO_CUDA_DEVICE"
DIAGNOSTICS, LEVELS = "DIAGNOSTIC_EVENT", "ENUM_DIAGNOSTIC_SEVERITY_LEVEL"
MEMORY_KINDS, COPY_KINDS = "ENUM_CUDA_MEM_KIND", "ENUM_CUDA_MEMCPY_OPER"
NAME = "GPU "
Row = Mapping[str, Any]
STEP = re.compile(r"^(ProfilerStep#\d+|(train|training|eval)?[ _]?(step|iteration|iter)[ _:#]*\d+)$", re.IGNORECASE)
"""How programs name the ranges of their steps (torch.profiler, Lightning, Megatron, by hand)."""
LOADING = re.compile(r"dataloader|data[ _]load|load[ _]batch|next[ _]batch", re.IGNORECASE)
VERSION = re.compile(r"_v\d+$")
THREAD = (1 << 24) - 1
"""The bits of a global id that name the thread; as many above them name the process. Source: the documentation of
Nsight Systems' SQLite schema."""
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
    found = _gpus(export, _activities(export, strings, _launched(export)))
    if not found:
        raise BadInput(
            f"{export.path} holds nothing that a GPU did.", "Record with: nsys profile --trace cuda,nvtx COMMAND"
        )
    hosts = _hosts(export, strings)
    notes = said("Nsight Systems", _warned(export))
    notes += [WHOLE_GRAPHS] if any(GRAPH in one.details for gpu in found for one in gpu.did) else []
    models = {int(row["id"]): row for row in export.rows(GPUS, "id", "name")}
    devices = [_device(gpu, models.get(gpu.number), gpu.asked_by(hosts).steps) for gpu in found]
    busiest = busiest_of(devices)
    host = next(gpu for gpu, device in zip(found, devices, strict=True) if device is busiest).asked_by(hosts)
    steps = steps_of(busiest.activities, apart(host.steps))
    profile = profile_of_devices("nsight-systems", devices, steps, host.going, notes)
    everywhere = chain.from_iterable(one.going for one in hosts.values())
    return replace(profile, lost=_lost(chain.from_iterable(gpu.did for gpu in found), list(everywhere)))


@dataclass
class _Host:
    """The ranges of a process that mark steps; its calls of the runtime, and its other ranges."""

    steps: list[Step] = field(default_factory=list[Step])
    going: list[Going] = field(default_factory=list[Going])


@dataclass(frozen=True)
class _Gpu:
    """What a GPU did, by start, and for which processes. `own` where it is one process's alone, as the file does not
    say which GPU the process's number stands for."""

    number: int
    did: tuple[Activity, ...]
    processes: frozenset[int]
    own: int = 0

    @property
    def name(self) -> str:
        return f"{NAME}{self.number} of process {_pid(self.own)}" if self.own else f"{NAME}{self.number}"

    def asked_by(self, hosts: Mapping[int, _Host]) -> _Host:
        """The host's side of those processes; of all, where it is not said whose work it was."""
        known = [host for process, host in sorted(hosts.items()) if {0, process} & self.processes or not process]
        return _Host([step for host in known for step in host.steps], [one for host in known for one in host.going])


def _gpus(export: _Export, activities: Iterable[tuple[int, int, Activity]]) -> list[_Gpu]:
    """What was done, by GPU: processes that may see some of them only count these from 0."""
    behind = {
        (int(row["pid"] or 0), int(row["cudaId"] or 0)): int(row["gpuId"] or 0)
        for row in export.rows(NUMBERED, "pid", "cudaId", "gpuId")
    }
    found: dict[tuple[int, int], list[Activity]] = {}
    for process, number, activity in activities:
        found.setdefault((number, process), []).append(activity)
    counts = Counter(number for number, _ in found)
    did: dict[tuple[int, int], list[Activity]] = {}
    whose: dict[tuple[int, int], set[int]] = {}
    for (number, process), some in found.items():
        gpu = behind.get((_pid(process), number))
        key = (number, process if counts[number] > 1 else 0) if gpu is None else (gpu, 0)
        did.setdefault(key, []).extend(some)
        whose.setdefault(key, set()).add(process)
    return [_Gpu(key[0], by_start(some), frozenset(whose[key]), key[1]) for key, some in sorted(did.items())]


def _pid(process: int) -> int:
    return (process & (THREAD << 24)) >> 24


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
) -> Iterator[tuple[int, int, Activity]]:
    """Everything that a device did, with the process and its number of the device."""
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
            process = _process(row, "globalPid")
            asked = launched.get((process, int(row.get("correlationId") or -1)), -1)
            stream = str(row.get("streamId", ""))
            yield process, int(row["deviceId"]), Activity(name, kind, start, end, stream, asked, details)


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


def _hosts(export: _Export, strings: Mapping[int, str]) -> dict[int, _Host]:
    """What each process did on the host; 0 is what is nobody's."""
    hosts: dict[int, _Host] = {}
    for row in export.rows(RUNTIME, "start", "end", "nameId"):
        start, end = export.interval(row, "a call of the runtime")
        name = VERSION.sub("", _name(row, strings, "nameId"))
        host = hosts.setdefault(_process(row, "globalTid"), _Host())
        host.going.append(Going("runtime", name, runtime_category(name), start, end))
    for row in export.rows(MARKS, "start", "end"):
        name = str(row.get("text") or _name(row, strings, "textId")).partition(", op_id =")[0]
        if row["end"] is None:  # A mark, or a range that had not ended.
            continue
        start, end = export.interval(row, "a range")
        host = hosts.setdefault(_process(row, "globalTid"), _Host())
        if STEP.match(name):
            host.steps.append((name, start, end))
        elif LOADING.search(name):
            host.going.append(Going("loading", name, "data", start, end, {"phase": "data"}))
        else:
            host.going.append(Going("operator", name, "framework", start, end, {"op": name}))
    return hosts


def _device(gpu: _Gpu, info: Row | None, steps: Sequence[Step]) -> Device:
    activities, known = gpu.did, info or {}
    major, minor = known.get("computeMajor"), known.get("computeMinor")
    capability = (major, minor) if isinstance(major, int) and isinstance(minor, int) else None
    memory, own = known.get("totalMemory"), steps_of(activities, apart(steps))
    return Device(
        gpu.name,
        activities,
        own[0][1] if own else activities[0].start_ns,
        own[-1][2] if own else max(one.end_ns for one in activities),
        str(known.get("name", "")),
        capability,
        memory if isinstance(memory, int) else 0,
        len(own),
    )


READER = Reader("nsight-systems", sniff, read)
