"""Opening recordings: plain or gzipped bytes, JSON with exact numbers, and fields of the types that they must have.

Whatever is wrong with a file comes out as `BadInput` with the file's name.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

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
    try:
        return json.loads(content_of(path), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path} is no valid JSON: {first}", AGAIN) from error


def content_of(path: Path, most: int = -1) -> bytes:
    """A file's bytes, unpacked where it is gzipped; at most so many of them (-1: all)."""
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(most)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", AGAIN) from error


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no time and no size")


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
