"""How the steps of a changed script are counted: in steps of the original, over the same number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

EXACT_STEPS = 100
"""From so many (larger) steps in an epoch on, that its last one is smaller changes less than 1 %."""


@dataclass(frozen=True)
class Counting:
    """A step of the script has the samples of `times` steps of the original, whose epoch has `period` steps (0: no end
    is known). `together`: the turns of the original are multiples of so many steps."""

    together: int = 1
    times: int = 1
    period: int = 0

    @property
    def granularity(self) -> int:
        """Turns are multiples of so many steps of the original: of whole epochs, where the last step of one is smaller
        than the others and would be counted as one of them."""
        if self.times == 1 or self.together == self.period:
            return self.together
        if self.together > 1:
            return math.lcm(self.together, self.times)
        is_even = self.period % self.times == 0 or self.period >= EXACT_STEPS * self.times
        return self.times if is_even else self.period

    def own(self, count: int) -> int:
        """The script's own steps over the samples of `count` steps of the original."""
        if self.times == 1:
            return count
        epochs, rest = divmod(count, self.period) if self.period else (0, count)
        return epochs * math.ceil(self.period / self.times) + math.ceil(rest / self.times)
