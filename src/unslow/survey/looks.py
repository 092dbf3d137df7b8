"""Which steps of a script are looked at, and which tell what looking costs."""

from __future__ import annotations

import random
from typing import final

ENOUGH = 20
"""So many steps are looked at first, one of each two; then fewer: a step that is looked at takes longer."""
AT_FIRST, LATER = 2, 4


@final
class Looks:
    """One step of each group is looked at, and one beside it, which is not, tells what looking costs.

    A coin says which: an epoch's last batch may be smaller, and must not always be the one.
    """

    def __init__(self, seed: int = 0) -> None:
        self._coin = random.Random(seed)
        self._looked = 0
        self._group: list[bool | None] = []

    def at_next(self) -> bool | None:
        """Of the next step: True to look at it, False for the one beside that, None for any other."""
        if not self._group:
            self._group = self._new_group(AT_FIRST if self._looked < ENOUGH else LATER)
            self._looked += 1
        return self._group.pop(0)

    def _new_group(self, size: int) -> list[bool | None]:
        group: list[bool | None] = [None] * size
        chosen = self._coin.randrange(size)
        beside = [place for place in (chosen - 1, chosen + 1) if 0 <= place < size]
        group[chosen], group[self._coin.choice(beside)] = True, False
        return group
