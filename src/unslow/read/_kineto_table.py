"""The events of a Kineto recording that a profile is made of, as columns: some 50 bytes each, whatever their text.

A recording of any length fits: where more events come than are kept, those around the middle of the time stay. A
profile is then one of the whole steps in that stretch, and says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from unslow.read._files import LATEST_NS, nanoseconds_in
from unslow.read._flops import CONVOLUTIONS
from unslow.read._kineto_calls import Call, call_in
from unslow.read._kineto_file import MISSING, Args, Event
from unslow.read._kineto_memory import keep_peak
from unslow.read._torch_ops import bare, is_a_frame

MOST_ROWS = 800_000
"""Some 500 bytes each once they are spans. A training step has 2,000 to 50,000."""
STEP = "ProfilerStep#"
OPERATOR, ANNOTATION, RUNTIME, KERNEL, COPY, FILL, ON_DEVICE, OVERHEAD, PYTHON = range(9)
CODES = {
    "cpu_op": OPERATOR, "Operator": OPERATOR, "user_annotation": ANNOTATION,
    "cuda_runtime": RUNTIME, "cuda_driver": RUNTIME, "Runtime": RUNTIME, "hip_runtime": RUNTIME,
    "privateuse1_runtime": RUNTIME, "kernel": KERNEL, "Kernel": KERNEL, "gpu_memcpy": COPY, "Memcpy": COPY,
    "gpu_memset": FILL, "Memset": FILL, "gpu_user_annotation": ON_DEVICE, "overhead": OVERHEAD,
    "python_function": PYTHON,
}  # fmt: skip
"""What is kept of an event's category: those of 2021 and of today."""
DEVICES = (KERNEL, COPY, FILL)
MARKS = (OPERATOR, ANNOTATION, ON_DEVICE)

Middle = Callable[[], int | None]
Column = NDArray[np.signedinteger[Any]]
TYPES = "biiiqqqqq"


@dataclass(frozen=True)
class Table:
    """One row an event, in the file's order; all columns are of one length.

    `name`, `place` and `call` are places in `names`, `places` (process and thread; of what a device did, device and
    stream) and `calls`. `correlation` and `external` are -1 where there is none, `size` counts the bytes of a copy or a
    fill (-1: not recorded). [low_ns, high_ns) is the stretch that was kept, with `left_out` events outside of it;
    `peaks` are the devices' memory, by name.
    """

    path: Path
    names: Sequence[str]
    places: Sequence[tuple[str, str]]
    calls: Sequence[Call | None]
    low_ns: int
    high_ns: int
    left_out: int
    peaks: Mapping[str, int]
    code: Column
    name: Column
    place: Column
    call: Column
    start: Column
    end: Column
    correlation: Column
    external: Column
    size: Column

    def rows(self, *codes: int) -> Column:
        """The places of the rows of these kinds, without the marks of steps."""
        return np.flatnonzero(np.isin(self.code, codes) & ~self.is_mark)

    def each(self, rows: Column, *columns: Column) -> Iterator[tuple[int, ...]]:
        """Of each of the rows its numbers in these columns."""
        lists: list[list[int]] = [column[rows].tolist() for column in columns]
        return zip(*lists, strict=True)

    @property
    def is_mark(self) -> NDArray[np.bool_]:
        marks = np.array([name.startswith(STEP) for name in self.names], dtype=np.bool_)
        return marks[self.name] & np.isin(self.code, MARKS) if len(marks) else np.zeros(0, dtype=np.bool_)


@final
class Gathering:
    """Takes batches of events, and gives the table of them. `most` is how many rows it keeps at a time; where there are
    more, those around the `middle` stay, which is asked for then (None: of what came up to then)."""

    def __init__(self, path: Path, most: int = MOST_ROWS, middle: Middle | None = None) -> None:
        self._path, self._most, self._middle = path, most, middle
        self._centre_ns: int | None = None
        self._names: dict[str, int] = {}
        self._valued: list[bool] = []  # By name, whether printed values of arguments count.
        self._places: dict[tuple[str, str], int] = {}
        self._calls: dict[tuple[bytes, ...], int] = {(): 0}
        self._peaks: dict[str, int] = {}
        self._frames: dict[str, bool] = {}
        self._columns: list[array[int]] = [_column(kind) for kind in TYPES]
        self._low_ns, self._high_ns, self._left_out = 0, LATEST_NS, 0

    def take(self, batch: Sequence[Event]) -> None:
        """Keep what is wanted of the events. Raises `BadInput` where one has no valid time."""
        code, name, place, call, start, end, correlation, external, size = (one.append for one in self._columns)
        for event in batch:
            kind = CODES.get(event.cat) if event.ph == "X" else None
            if kind is None:
                keep_peak(self._peaks, event)
                continue
            text = str(event.name)
            if kind == PYTHON and not self._is_a_frame(text):
                continue
            start_ns = nanoseconds_in(bytes(event.ts), text, "ts", self._path)
            if not self._low_ns <= start_ns < self._high_ns and not (kind in MARKS and text.startswith(STEP)):
                self._left_out += 1
                continue
            end_ns = start_ns + nanoseconds_in(bytes(event.dur), text, "dur", self._path)
            args, named = event.args or NO_ARGS, self._named(text)
            code(kind)
            name(named)
            place(self._placed(event, args, kind))
            call(self._called(args, named) if kind == OPERATOR else 0)
            start(start_ns)
            end(end_ns)
            correlation(_number(args.correlation))
            external(_number(args.external if args.external is not None else args.external_2021))
            size(_number(args.bytes))
        if len(self._columns[0]) > self._most:
            self._narrow()

    def table(self) -> Table:
        calls = [call_in(*map(_json, texts)) if texts else None for texts in self._calls]
        columns = [np.frombuffer(column, dtype=column.typecode) for column in self._columns]
        stretch = (self._low_ns, self._high_ns, self._left_out, dict(self._peaks))
        return Table(self._path, tuple(self._names), tuple(self._places), calls, *stretch, *columns)

    def _is_a_frame(self, text: str) -> bool:
        """Whether it is to be told of: of PyTorch's own frames and of built-in functions there are very many."""
        known = self._frames.get(text)
        if known is None:
            known = self._frames[text] = is_a_frame(text)
        return known

    def _named(self, text: str) -> int:
        found = self._names.get(text)
        if found is None:
            found = self._names[text] = len(self._names)
            self._valued.append(bare(text) in CONVOLUTIONS)
        return found

    def _placed(self, event: Event, args: Args, kind: int) -> int:
        """Of a device's work the device and the stream, as the arguments say, else as the lanes do."""
        first, second = event.pid, event.tid
        if KERNEL <= kind <= OVERHEAD:
            first = first if args.device is None else args.device
            second = second if args.stream is None else args.stream
        return self._places.setdefault((str(first), str(second)), len(self._places))

    def _called(self, args: Args, named: int) -> int:
        if args.dims is MISSING:
            return 0
        values = bytes(args.values) if self._valued[named] else b"[]"
        return self._calls.setdefault((bytes(args.dims), bytes(args.types), values), len(self._calls))

    def _narrow(self) -> None:
        """Keep half of the most, around the middle, and every mark of a step. On a side where there are too few as yet,
        more may come."""
        table = self.table()
        starts = np.sort(table.start)
        if self._centre_ns is None:
            self._centre_ns = self._middle() if self._middle is not None else None
        centre = int(starts[len(starts) // 2]) if self._centre_ns is None else self._centre_ns
        place, quarter = int(np.searchsorted(starts, centre)), self._most // 4
        if place > quarter:
            self._low_ns = int(starts[place - quarter])
        if place + quarter < len(starts):
            self._high_ns = max(int(starts[place + quarter]), centre + 1)
        kept = np.flatnonzero(((table.start >= self._low_ns) & (table.start < self._high_ns)) | table.is_mark)
        kept = kept[: self._most]  # Events of one moment cannot be told apart by time.
        self._left_out += len(table.start) - len(kept)
        columns = (table.code, table.name, table.place, table.call, table.start, table.end)
        columns += (table.correlation, table.external, table.size)
        self._columns = [_column(kind, each[kept].tobytes()) for kind, each in zip(TYPES, columns, strict=True)]


NO_ARGS = Args()


def _column(kind: str, content: bytes = b"") -> array[int]:
    column: array[int] = array(cast("Literal['q']", kind))  # One of integers, whichever of `TYPES` it is.
    column.frombytes(content)
    return column


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < LATEST_NS else -1


def _json(text: bytes) -> Any:
    return [] if text == b"null" else msgspec.json.decode(text)
