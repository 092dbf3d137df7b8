"""A Kineto document of any size, a few MB at a time: its events in batches, and the rest of it as a whole.

The array of events is cut where one event ends and the next begins. Strings can hold text that looks like that, so the
decoder decides: JSON is read from left to right, and what decodes as whole events from one border is cut at another.
Times stay the text that the file has, so that none is rounded on its way through a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import msgspec

from unslow.core.errors import BadInput
from unslow.read._files import AGAIN, first_line, json_from, mapping, opened

CHUNK_BYTES = 4 << 20
MOST_BYTES, EVENT_BYTES = 64 << 20, 16 << 20
"""Of what stands before the events, or after them, and of one event; the largest that were seen have a few kB."""
ATTEMPTS = 16
"""How many places are tried to cut a chunk at; lists of objects within an event are all that can mislead."""
BORDER = re.compile(rb"\}\s*,\s*\{")
BEGIN = re.compile(rb'"traceEvents"\s*:\s*\[')
AT_BYTE = re.compile(r"\(byte (\d+)\)$")
MISSING = msgspec.Raw(b"null")


class Args(msgspec.Struct, gc=False):
    """Of an event's `args` those that are asked for; shapes as the text they are."""

    external: Any = msgspec.field(name="External id", default=None)
    external_2021: Any = msgspec.field(name="external id", default=None)
    correlation: Any = None
    device: Any = None
    stream: Any = None
    bytes: Any = None
    device_type: Any = msgspec.field(name="Device Type", default=None)
    device_id: Any = msgspec.field(name="Device Id", default=None)
    total_allocated: Any = msgspec.field(name="Total Allocated", default=None)
    dims: msgspec.Raw = msgspec.field(name="Input Dims", default=MISSING)
    types: msgspec.Raw = msgspec.field(name="Input type", default=MISSING)
    values: msgspec.Raw = msgspec.field(name="Concrete Inputs", default=MISSING)


class Event(msgspec.Struct, gc=False):
    """Of an event what is asked for; `ts` and `dur` in µs, as the text they are."""

    ph: Any = None
    cat: Any = None
    name: Any = None
    pid: Any = None
    tid: Any = None
    ts: msgspec.Raw = MISSING
    dur: msgspec.Raw = MISSING
    args: Args | None = None


Take = Callable[[list[Event]], None]
_EVENTS = msgspec.json.Decoder(list[Event])


def document(path: Path, take: Take) -> Mapping[str, Any]:
    """The document in a file, plain or gzipped, without its events; those go to `take`, batch by batch, in order.

    Raises
    ------
    BadInput
        The file cannot be read, is no JSON, or holds no array of events.
    """
    with opened(path) as file:
        head, first = _up_to_the_events(file, path)
        tail = _events(file, first, path, take)
        tail += file.read(MOST_BYTES)
        if len(tail) >= MOST_BYTES:
            raise BadInput(f"{path} goes on for more than {MOST_BYTES >> 20} MB after its events.", AGAIN)
    rest = mapping(json_from(head + b"]" + tail, path), path, "a document")
    if rest.get("traceEvents") != []:
        raise BadInput(f"{path} has more than one list of events.", AGAIN)
    return rest


def batch_of(events: list[Any], path: Path) -> list[Event]:
    """The same of events that are read already. Raises `BadInput` where one is none."""
    try:
        return _EVENTS.decode(msgspec.json.Encoder(decimal_format="number").encode(events))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} has an event that is none: {first_line(error)}", AGAIN) from error


def _up_to_the_events(file: IO[bytes], path: Path) -> tuple[bytes, bytes]:
    """What stands before the first event, and what was read after it."""
    head = b""
    while len(head) < MOST_BYTES:
        more = file.read(CHUNK_BYTES)
        head += more
        begin = BEGIN.search(head)
        if begin:
            return head[: begin.end()], head[begin.end() :]
        if not more:
            rest = mapping(json_from(head, path), path, "a document")
            what = "no list of events" if "traceEvents" in rest else "no traceEvents"
            raise BadInput(f"{path} has {what}.", "Record with torch.profiler, and export_chrome_trace.")
    raise BadInput(f"{path} has no traceEvents in its first {MOST_BYTES >> 20} MB.", AGAIN)


def _events(file: IO[bytes], held: bytes, path: Path, take: Take) -> bytes:
    """Takes all events; what of the file is read already and comes after them."""
    while True:
        more = file.read(max(CHUNK_BYTES, len(held)))
        held += more
        if not more:
            return _last(held, path, take)
        taken, ended = _cut(held, path, take)
        held = held[taken:]
        if ended:
            return held
        if len(held) > EVENT_BYTES:
            raise BadInput(f"{path} has an event of more than {EVENT_BYTES >> 20} MB.", AGAIN)


def _cut(held: bytes, path: Path, take: Take) -> tuple[int, bool]:
    """Takes the whole events that are held: how many bytes they have, and whether the array ended there."""
    place = len(held)
    for _ in range(ATTEMPTS):
        place, after = _border_before(held, place)
        if place < 0:
            return 0, False
        try:
            batch = _decoded(held[: place + 1], path)
        except _Elsewhere as elsewhere:
            if elsewhere.end:
                take(_decoded(held[: elsewhere.end].rstrip()[:-1], path))
                return elsewhere.end, True
            continue
        take(batch)
        return after, False
    return 0, False


def _border_before(held: bytes, place: int) -> tuple[int, int]:
    """The last `}` before `place` that ends an object in a list of them, and where the next one begins; -1: none."""
    while (place := held.rfind(b"}", 0, place)) >= 0:
        border = BORDER.match(held, place)
        if border:
            return place, border.end() - 1
    return -1, -1


def _last(held: bytes, path: Path, take: Take) -> bytes:
    """The same where the file has no more."""
    try:
        _decoded(held, path, closed=True)
    except _Elsewhere as elsewhere:
        if elsewhere.end:
            take(_decoded(held[: elsewhere.end].rstrip()[:-1], path))
            return held[elsewhere.end :]
    raise BadInput(f"{path} is no valid JSON: it ends in the middle of its events.", AGAIN)


class _Elsewhere(Exception):
    """No whole number of events; `end` is where the first byte stands that comes after the array (0: not there yet)."""

    def __init__(self, end: int = 0) -> None:
        super().__init__(end)
        self.end = end


def _decoded(text: bytes, path: Path, closed: bool = False) -> list[Event]:
    """The events in `text`, which begins with one; `closed`: what ends the array is in it."""
    try:
        return _EVENTS.decode(b"[" + text + (b"" if closed else b"]"))
    except msgspec.ValidationError as error:
        _bad(error, path)
    except msgspec.DecodeError as error:
        at = AT_BYTE.search(str(error))
        byte = int(at[1]) if at else len(text) + 1
        if "trailing characters" in str(error):
            raise _Elsewhere(byte - 2) from None  # It counts from 1, and the bracket before the text.
        if byte < len(text):
            _bad(error, path)
        raise _Elsewhere from None
    except (UnicodeDecodeError, RecursionError) as error:
        _bad(error, path)


def _bad(error: Exception, path: Path) -> NoReturn:
    raise BadInput(f"{path} is no valid JSON: among its events, {first_line(error)}", AGAIN) from error
