"""What a reader is: it knows its recordings by their first bytes, and turns one into a profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unslow.core.profile import Profile

HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Reader:
    """One kind of recording.

    `sniff(head)` says whether a file that begins with these bytes (at most `HEAD_BYTES`, unpacked) is of this kind.
    `read(path)` gives its profile; it raises `BadInput` where the file is damaged.
    """

    name: str
    sniff: Callable[[bytes], bool]
    read: Callable[[Path], Profile]
