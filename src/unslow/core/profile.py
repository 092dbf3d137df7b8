"""Where the time of the steps went: spans in a tree, each with a category; their own times sum to the wall time."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from unslow.core.device import Device
from unslow.core.errors import UnslowError

Category = Literal["data", "transfer", "compute", "framework", "sync", "idle", "communication", "io", "setup", "other"]
CATEGORIES: tuple[Category, ...] = get_args(Category)


PHASES: Mapping[str, str] = {
    "data": "data wait", "restart": "data wait", "transfer": "transfer", "forward": "forward", "backward": "backward",
    "optimizer": "optimizer", "zero-grad": "optimizer", "sync": "sync", "checkpoint": "I/O", "print": "I/O",
    "log": "I/O",
}  # fmt: skip
"""The phases of a script's step, by what the script called; what lies in none of them is "Python" or "other"."""


STACK = "stack"
"""Of the details of a span the key of the names of the functions that it was called in, the outermost first."""


MOST_LOST = 0.05
"""The part of the kernels whose records may be missing: with it the time of a device is wrong by as much, half of what
recording may distort."""
FREE = "memory::free"
"""The name of a span in which large arrays are handed back to the system."""


class BrokenProfile(UnslowError):
    """The spans are no tree, or do not sum to the wall time."""


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time, [start_ns, end_ns) on the recording's clock, of the thread that the step waits for.

    `parent` is the index of the span that encloses it, -1 for a step. What no child covers is the span's own time and
    counts for its `category`. `details` holds what the recording knows: for an operator `shapes` (a list of lists of
    int), `dtypes` (a list of str such as "float32"), `op` (its type), `flops`, `bytes`, `provider`, `file`, `line`;
    `phase` where it is one of a script's step; `calls` where it stands for several (1 if there is none), `sampled`
    where it stands for samples of a stack.
    """

    name: str
    category: Category
    start_ns: int
    end_ns: int
    parent: int = -1
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns

    @property
    def calls(self) -> float:
        """How many calls it stands for; 0 for what was only sampled."""
        return 0.0 if self.details.get("sampled") else float(self.details.get("calls", 1))


@dataclass(frozen=True)
class NameTotal:
    """All spans of one name and category: how many calls (0: only sampled), and their own time in ns."""

    name: str
    category: Category
    calls: int
    own_ns: int


@dataclass(frozen=True)
class Profile:
    """What was recorded: `spans`, parents before their children; the roots are the steps, one after the other.

    `source` names the recording's kind ("kineto", "onnxruntime", "steps"). `distortion` is the time of a recorded step
    divided by that of one without recording, less 1 (0.04: the recording cost 4 %); None where unknown. `requests` is
    how many requests the steps answered. `notes` are sentences on what the recording cannot show. Where `devices` were
    recorded, the spans are what the steps wait for: the device's work, and the host's where the device has none. `lost`
    is the part of the kernels that were launched, and have no record (0: none, or not known).
    """

    spans: tuple[Span, ...]
    source: str
    requests: int = 0
    distortion: float | None = None
    notes: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    lost: float = 0.0

    @property
    def too_much_lost(self) -> bool:
        """Whether so many kernels have no record that a device's time says little."""
        return self.lost > MOST_LOST

    def __str__(self) -> str:
        # By name, since the nouns import nothing of ours: only who prints it asks for this, and for the next.
        return importlib.import_module("unslow.report.terminal").as_text(self)

    def _repr_html_(self) -> str:
        return importlib.import_module("unslow.report.notebook").profile_html(self)

    @cached_property
    def steps(self) -> tuple[Span, ...]:
        return tuple(span for span in self.spans if span.parent < 0)

    @cached_property
    def wall_ns(self) -> int:
        return sum(step.duration_ns for step in self.steps)

    @cached_property
    def own_ns(self) -> tuple[int, ...]:
        """Each span's own time in ns: its duration less its children's."""
        own = [span.duration_ns for span in self.spans]
        for span in self.spans:
            if span.parent >= 0:
                own[span.parent] -= span.duration_ns
        return tuple(own)

    @cached_property
    def shares(self) -> dict[Category, float]:
        """Each category's part of the wall time; the parts sum to 1 (all 0 where nothing was recorded)."""
        totals = dict.fromkeys(CATEGORIES, 0)
        for span, own in zip(self.spans, self.own_ns, strict=True):
            totals[span.category] += own
        return {category: total / self.wall_ns if self.wall_ns else 0.0 for category, total in totals.items()}

    @cached_property
    def phases(self) -> dict[str, float]:
        """Of a script: each phase's part of the wall time; the parts sum to 1. Empty for all else.

        A phase within another (forward within an optimizer's step that calls it) counts for itself alone.
        """
        if self.source != "script":
            return {}
        totals = dict.fromkeys([*PHASES.values(), "Python", "other"], 0)
        names: list[str] = []
        for span, own in zip(self.spans, self.own_ns, strict=True):
            around = names[span.parent] if span.parent >= 0 else ""
            names.append(PHASES.get(str(span.details.get("phase", "")), around))
            totals[names[-1] or ("Python" if span.category == "framework" else "other")] += own
        return {phase: total / self.wall_ns if self.wall_ns else 0.0 for phase, total in totals.items()}

    @cached_property
    def totals(self) -> tuple[NameTotal, ...]:
        """Own time by name and category, longest first."""
        calls, times = Counter[tuple[str, Category]](), Counter[tuple[str, Category]]()
        for span, own in zip(self.spans, self.own_ns, strict=True):
            calls[span.name, span.category] += span.calls  # pyright: ignore[reportArgumentType] - it adds floats too
            times[span.name, span.category] += own
        rows = [NameTotal(*key, round(calls[key]), own) for key, own in times.items()]
        return tuple(sorted(rows, key=lambda row: -row.own_ns))

    def share_of(self, chosen: Mapping[int, float] | set[int]) -> float:
        """The part of the wall time that is the own time of the spans with these indices (weighted, if a mapping)."""
        weights = chosen if isinstance(chosen, Mapping) else dict.fromkeys(chosen, 1.0)
        return (
            sum(self.own_ns[index] * weight for index, weight in weights.items()) / self.wall_ns
            if self.wall_ns
            else 0.0
        )

    def self_check(self) -> Profile:
        """Itself, if it is a tree of spans that lie inside their parents and do not overlap their siblings.

        Raises
        ------
        BrokenProfile
            With the first span that does not fit.
        """
        last_end: dict[int, int] = {}
        for index, span in enumerate(self.spans):
            inside = span.parent < 0 or (
                span.parent < index
                and self.spans[span.parent].start_ns <= span.start_ns
                and span.end_ns <= self.spans[span.parent].end_ns
            )
            if not inside or span.end_ns < span.start_ns or span.start_ns < last_end.get(span.parent, span.start_ns):
                raise BrokenProfile(f"The profile's span {index} ({span.name}) does not fit its place in the tree.")
            last_end[span.parent] = span.end_ns
        if sum(self.own_ns) != self.wall_ns:
            raise BrokenProfile("The profile's own times do not sum to its wall time.")
        return self
