"""About where the middle of a recording's time lies, seen from a few places of its file before it is read whole."""

from __future__ import annotations

import gzip
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from unslow.read._files import LATEST_NS, opened

SAMPLES, SAMPLE_BYTES, APART_BYTES = 64, 64 << 10, 16 << 20
"""Places of a plain file; of one that is packed, which has to be unpacked up to each, one in so many bytes."""
TIME = re.compile(rb'"ts"\s*:\s*"?(\d{1,18})[.,"}\s]')
CHUNK_BYTES = 1 << 20
NS_PER_US = 1000


def middle_ns(path: Path) -> int | None:
    """The median of the times that are seen, in ns, whatever their order; None where none is.

    Raises
    ------
    BadInput
        The file cannot be read.
    """
    with opened(path) as file:
        samples = _unpacked(file) if isinstance(file, gzip.GzipFile) else _at_places(file, path.stat().st_size)
        times = [int(found) for text in samples for found in TIME.findall(text)]
    return min(LATEST_NS - 1, round(statistics.median(times)) * NS_PER_US) if times else None


def _at_places(file: IO[bytes], size: int) -> Iterator[bytes]:
    places = SAMPLES if size > SAMPLES * SAMPLE_BYTES else 1  # A small one is read whole.
    for place in range(places):
        file.seek(size * place // places)
        yield file.read(SAMPLE_BYTES if places > 1 else size)


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    while text := file.read(SAMPLE_BYTES):
        yield text
        left = APART_BYTES - SAMPLE_BYTES
        while left > 0 and (passed := len(file.read(min(left, CHUNK_BYTES)))):
            left -= passed
