"""What is built for a call that writes, among its arguments: a value for a `print`, a state for a checkpoint.

It happens before the call, and goes away with it: so it is counted as a part of the call's phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from unslow.core.script import Site
from unslow.scripts.sites import Called

WRITES = frozenset({"checkpoint", "print", "log"})
BUILDS = frozenset({"sync", "state"})
Key = tuple[str, str]
"""The kind and the place ("file:line") of a phase."""


@final
class Arguments:
    """Which phases are parts of which others, as far as their calls have been seen."""

    def __init__(self) -> None:
        self._wholes: dict[Key, Key] = {}

    def whole_of(self, part: Key) -> Key | None:
        """The call that writes, of something that is built for it; None of all else."""
        return self._wholes.get(part)

    def learn(self, seen: Key, calls: Mapping[Key, Called]) -> list[Key]:
        """A call is seen for the first time, after `calls`: the parts that are known by it."""
        wholes = [seen] if seen[0] in WRITES else [key for key in calls if key[0] in WRITES]
        parts = [seen] if seen[0] in BUILDS else [key for key in calls if key[0] in BUILDS]
        known = [(part, whole) for part in parts for whole in wholes if _is_in(calls[part], calls[whole])]
        self._wholes.update(known)
        return [part for part, _ in known]


def _is_in(part: Called, whole: Called) -> bool:
    """Whether the user's own source makes one call within the other's brackets."""
    inner, outer = part.site, whole.site
    same_file = inner.file == outer.file and inner != outer and part.direct
    return same_file and _start(outer) <= _start(inner) and _end(inner) <= _end(outer)


def _start(site: Site) -> tuple[int, int]:
    return site.line, site.column


def _end(site: Site) -> tuple[int, int]:
    return site.end_line, site.end_column
