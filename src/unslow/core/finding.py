"""A habit seen in a profile: the evidence, the share of the time at stake, and the most that removing it can give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from unslow.core.attention import FusedAttention
from unslow.core.facts import Facts
from unslow.core.machine import Machine
from unslow.core.profile import Profile

EvidenceValue = float | int | str | bool


@dataclass(frozen=True)
class Finding:
    """`share` of the wall time is at stake, of which `floor` must stay (0 for pure waste, None where nobody knows).

    `rest_at_best` is how long the rest of a step is at its quickest, compared with its mean: what follows a long wait
    is slower than what does not (caches and clocks have gone cold), and the recording shows only such.

    `title` is a sentence for people, with the number in it. `evidence` names each number with its unit. `site` is
    "file.py:12" where known. `advice` is what to do by hand.
    """

    habit: str
    title: str
    share: float
    floor: float | None
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict[str, EvidenceValue])
    site: str = ""
    advice: str = ""
    rest_at_best: float = 1.0

    @property
    def ceiling(self) -> float | None:
        """The most that removing it can give, `1 / (1 - share · (1 - floor))` (the rest, `1 - share`, at its best);
        None: unbounded, since no floor is known."""
        if self.floor is None:
            return None
        rest = (1 - self.share) * self.rest_at_best + self.share * self.floor
        return float("inf") if rest <= 0 else 1 / rest

    @property
    def promise(self) -> float:
        """The ceiling; where no floor is known, what the whole share would give, as if nothing of it had to remain."""
        if self.ceiling is not None:
            return self.ceiling
        return float("inf") if self.share <= 0 or self.share >= 1 else 1 / (1 - self.share)

    def worth(self, least: float) -> bool:
        """Whether a fix may pay: what is promised at most is at least `least`."""
        return self.promise >= least


@dataclass(frozen=True)
class Evidence:
    """All that a habit may look at. `fused` is what it wanted timed on this machine, in seconds of one call."""

    profile: Profile
    facts: Facts
    machine: Machine
    fused: Mapping[FusedAttention, float] = field(default_factory=dict[FusedAttention, float])


Area = Literal["data", "numbers", "inference", "host", "device"]
"""What a habit is about: input and its loaders; types of numbers and sizes of batches; answering with a model; what the
host does in a step; devices and training on them."""


@dataclass(frozen=True)
class Habit:
    """One bad habit, as a detector, listed under its `area`. `advice_only`: no fix of ours treats it; the finding says
    what to do by hand.

    `is_cause` is False for `compute-bound`, which is the answer when no habit explains the time. `wants` is what is to
    be timed on this machine before `detect` can give a floor.
    """

    name: str
    area: Area
    detect: Callable[[Evidence], Iterable[Finding]]
    advice_only: bool = False
    is_cause: bool = True
    wants: Callable[[Evidence], Iterable[FusedAttention]] | None = None
