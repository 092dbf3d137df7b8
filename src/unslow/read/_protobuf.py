"""The protocol buffer wire format, as far as recordings use it: messages as fields by number, without a schema."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field's number and value, in the order of the message: integers unsigned, all else as its bytes.

    Raises
    ------
    ValueError
        The bytes are no message.
    """
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("a field has the number 0")
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == LENGTH:
            length, place = _varint(message, place)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"a field has the wire type {kind}")
        if place + length > end:
            raise ValueError("a field reaches beyond the end of its message")
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    for taken in range(LONGEST_VARINT):
        if place + taken >= len(message):
            break
        byte = message[place + taken]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), place + taken + 1
        shift += 7
    raise ValueError("a number does not end")


def signed(value: int | memoryview) -> int:
    """An int64 that was read as an unsigned number."""
    number = integer(value)
    return number - 2**64 if number >= 2**63 else number


def integer(value: int | memoryview) -> int:
    if isinstance(value, int):
        return value
    raise ValueError("a number was expected where there are bytes")


def bytes_of(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("bytes were expected where there is a number")
    return value


def text(value: int | memoryview) -> str:
    return bytes(bytes_of(value)).decode("utf-8", "replace")


def double(value: int | memoryview) -> float:
    packed = bytes_of(value)
    if len(packed) != 8:
        raise ValueError("a float64 does not have 8 bytes")
    return struct.unpack("<d", packed)[0]
