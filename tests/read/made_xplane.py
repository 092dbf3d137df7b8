"""XSpace files, written field by field."""

from __future__ import annotations

GEMM, PHILOX, COPY = "volta_sgemm_128x64", "FillPhiloxRandomKernelLaunch", "MemcpyH2D"


def varint(value: int) -> bytes:
    out = bytearray()
    value &= 2**64 - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def named(field: int, names: list[str], display: str = "") -> bytes:
    """A map from 1, 2, … to these names."""
    shown = message(4, display) if display else b""
    entries = [
        message(field, number(1, k), message(2, number(1, k), message(2, n), shown)) for k, n in enumerate(names, 1)
    ]
    return b"".join(entries)


def event(kind: int, start_ns: float, duration_ns: float, *stats: bytes) -> bytes:
    return message(4, number(1, kind), number(2, round(start_ns * 1000)), number(3, round(duration_ns * 1000)), *stats)


def line(name: str, *events: bytes, at_ns: int = 1000) -> bytes:
    return message(3, message(2, name), number(3, at_ns), *events)


def plane(name: str, *parts: bytes) -> bytes:
    return message(1, message(2, name), *parts)


HOST = plane("/host:CPU", named(4, ["ExecutorState::Process"]), line("python3", event(1, 0, 100)))
STREAM = line("Stream #7(Compute)", event(1, 10, 40), event(2, 60, 20))


def device(*more: bytes, names: tuple[str, ...] = (GEMM, COPY, "0")) -> bytes:
    return plane("/device:GPU:4", named(4, list(names)), *more)
