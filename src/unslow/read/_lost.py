"""What is not in a recording: kernels that were launched and have no record, and what the recorder says it lost."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any

LAUNCH, CAPTURE = "LaunchKernel", "BeginCapture"
"""What the names of calls hold that launch one kernel, and that begin a graph: what it captures is not run."""
LEAST_LAUNCHES = 20
"""Of fewer no part is told."""
MOST_LETTERS, MOST_SENTENCES = 200, 3


def lost_part(launched: Mapping[Any, int], recorded: Collection[Hashable], is_cut: bool = False) -> float:
    """The part of the launches without a record, by what names both; 0 where that is not known.

    `launched` says when each was, in ns. A stretch that is cut (or may be) from a longer recording has the device's
    work of other launches than the host's: those before the first that has a record, and after the last, are left out.
    """
    known = [start for name, start in launched.items() if name in recorded]
    if not known:
        return 0.0
    first, last = min(known), max(known)
    within = sum(first <= start <= last for start in launched.values()) if is_cut else len(launched)
    return 1 - len(known) / within if within >= LEAST_LAUNCHES else 0.0


def said(by: str, messages: Iterable[str]) -> list[str]:
    """The first few of what a recorder says of its recording, as notes."""
    lines = dict.fromkeys(" ".join(message.split())[:MOST_LETTERS] for message in messages)
    return [f"{by} says of this recording: {line}" for line in list(lines)[:MOST_SENTENCES]]
