"""Which steps of a script are looked at, and which tell what looking costs."""

from __future__ import annotations

import random
from typing import final

ENOUGH = 20
"""So many steps are looked at first, one of each two."""
LOOK_S, MOST_COST = 250e-6, 0.005
"""What looking at a step takes at the most, and the part of the time of all that it may take later."""
OFTEN, SELDOM = 2, 8
"""One of so many is looked at where steps are long, and where they are short."""


def one_of(step_s: float) -> int:
    """Of how many steps that take so long one is looked at."""
    return round(min(SELDOM, max(OFTEN, LOOK_S / (MOST_COST * max(step_s, 1e-6)))))


@final
class Looks:
    """One step of each group is looked at, and one beside it, which is not, tells what looking costs.

    A coin says which: an epoch's last batch may be smaller, and must not always be the one.
    """

    def __init__(self, seed: int = 0) -> None:
        self._coin = random.Random(seed)
        self._group: list[bool | None] = []

    def at_next(self, size: int) -> bool | None:
        """Of the next step: True to look at it, False for the one beside that, None for any other. A group that begins
        with it has so many steps."""
        if not self._group:
            self._group = self._new_group(size)
        return self._group.pop(0)

    def _new_group(self, size: int) -> list[bool | None]:
        group: list[bool | None] = [None] * size
        chosen = self._coin.randrange(size)
        beside = [place for place in (chosen - 1, chosen + 1) if 0 <= place < size]
        group[chosen], group[self._coin.choice(beside)] = True, False
        return group
