"""Opening recordings: plain or gzipped bytes, JSON with exact numbers, and fields of the types that they must have.

Whatever is wrong with a file comes out as `BadInput` with the file's name.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast

from unslow.core.errors import BadInput
from unslow.read._reader import HEAD_BYTES

GZIP_MAGIC = b"\x1f\x8b"
AGAIN = "Record or copy it again: it looks cut off or damaged."
# Of a clock that counts ns since 1970, in 2262; anything beyond is no time of day and no duration.
LATEST_NS = 2**63


def head_of(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is gzipped."""
    return content_of(path, HEAD_BYTES)


def json_of(path: Path) -> Any:
    """The JSON document in a file, plain or gzipped; numbers with a fraction as `Decimal`, so that none is rounded.

    Raises
    ------
    BadInput
        The file cannot be read, is no JSON, or nests without end.
    """
    return json_from(content_of(path), path)


def json_from(content: bytes, path: Path) -> Any:
    """The same of bytes that were read from the file already."""
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BadInput(f"{path} is no valid JSON: {first_line(error)}", AGAIN) from error


def content_of(path: Path, most: int = -1) -> bytes:
    """A file's bytes, unpacked where it is gzipped; at most so many of them (-1: all)."""
    with opened(path) as file:
        return file.read(most)


@contextmanager
def opened(path: Path) -> Generator[IO[bytes]]:
    """A file's bytes, unpacked where it is gzipped; what cannot be read while it is open is `BadInput` too."""
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            yield cast("IO[bytes]", file)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or first_line(error)}", AGAIN
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, in one line: SQLite's quote the file's own text."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no time and no size")


def nanoseconds_in(text: bytes, name: str, key: str, path: Path) -> int:
    """The same of a time in µs that is still the text of a JSON value: an event's `name` and `key` are for the error.

    Digits are moved, never rounded through a float; what has more than three behind the point is rounded as there.
    """
    whole, _, part = text.partition(b".")
    if whole.isdigit() and len(part) < 4 and len(whole) < 16 and (part.isdigit() or not part):
        return int(whole + part.ljust(3, b"0"))
    return nanoseconds({"name": name, key: json_from(text, path)}, key, path, 1000)


def nanoseconds(event: Mapping[str, Any], key: str, path: Path, per_unit: int = 1) -> int:
    """The time under `key`, in whole ns, never negative; `per_unit` ns make one of the file's units (1000: µs).

    Exact down to the nanosecond, which is then rounded to; half of one goes up.

    Raises
    ------
    BadInput
        The time is missing, no number, negative or absurdly large.
    """
    value = event.get(key)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and 0 <= value * per_unit < LATEST_NS:
        return int(value * per_unit + Decimal("0.5")) if isinstance(value, Decimal) else value * per_unit
    shown = "none" if value is None else str(value)[:40]
    raise BadInput(f"{path} has an event {str(event.get('name'))[:60]!r} whose {key} is {shown}.", AGAIN)


def mapping(value: Any, path: Path, what: str) -> Mapping[str, Any]:
    """`value`, if it is a JSON object; `what` names it in the error."""
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise BadInput(f"{path} has {what} that is no JSON object.", AGAIN)


def listing(value: Any, path: Path, what: str) -> list[Any]:
    """`value`, if it is a JSON array; `what` names it in the error."""
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise BadInput(f"{path} has {what} that is no JSON array.", AGAIN)


def fraction(value: Any) -> float | None:
    """A number of the file as a float; None where it is none."""
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None
