"""The lines of the user's own that samples of the Python stack fell on, in a script's profile."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from unslow.core.profile import Profile, Span

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Sampled:
    """A span of samples: the `phase` that it lies in ("" for none), and its own time as a `share` of the wall time."""

    span: Span
    phase: str
    share: float

    @property
    def line(self) -> str:
        """The user's innermost line, "train.py:12"."""
        return f"{self.span.details['file']}:{self.span.details.get('line') or 0}"

    @property
    def stack(self) -> Sequence[str]:
        """ "file:line function", outermost first."""
        return self.span.details.get("stack") or ()

    @property
    def is_numpys(self) -> bool:
        """Whether it is what the user's own line calls that is written in C, or NumPy's; no other library's."""
        return bool(self.stack) and self.stack[-1].startswith((f"{self.line} ", "numpy/"))

    @property
    def function(self) -> str:
        """The file and the name of the user's innermost function, "train.py augment"."""
        names = [frame.rpartition(" ")[2] for frame in self.stack if frame.startswith(f"{self.line} ")]
        return f"{self.span.details['file']} {names[-1] if names else ''}".strip()


def sampled(profile: Profile) -> Iterator[Sampled]:
    """All spans that stand for samples in the user's own code, or in what it calls."""
    phases: list[str] = []
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        around = phases[span.parent] if span.parent >= 0 else ""
        phases.append(str(span.details.get("phase") or around))
        if span.details.get("sampled") and span.details.get("file") and profile.wall_ns > 0:
            yield Sampled(span, phases[-1], own_ns / profile.wall_ns)


def shares_by(found: Iterable[Sampled], name: Callable[[Sampled], Name]) -> dict[Name, float]:
    """The share of each name, the largest first."""
    shares: dict[Name, float] = {}
    for one in found:
        shares[name(one)] = shares.get(name(one), 0.0) + one.share
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))
