"""What looking at a script's steps took, taken out of their recording.

It is known of a step as a whole (`record.distortion.Costs`). It lies before the start of each span and after its end,
where the step's own Python, or the span that encloses it, would be blamed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.profile import Span


def without_looking(spans: Sequence[Span], cost_ns: float) -> list[Span]:
    """The spans without the `cost_ns` that looking added to each step, on average; below 0 it is noise.

    Of a stretch between two spans no more is taken than it has; steps keep their starts.
    """
    steps = [place for place, span in enumerate(spans) if span.parent < 0]
    each_ns = max(0.0, cost_ns) * len(steps) / max(1, 2 * (len(spans) - len(steps)))
    moved = list(spans)
    for first, end in zip(steps, [*steps[1:], len(spans)], strict=True):
        _take_out(moved, first, end, each_ns)
    return moved


def _take_out(spans: list[Span], first: int, end: int, each_ns: float) -> None:
    """From the step at `first`, whose spans go up to `end`, before each start and after each end."""
    taken_ns, last_ns, was_end = 0, spans[first].start_ns, False
    for place, is_start, at_ns in _bounds(spans, first, end):
        share_ns = round(each_ns * (was_end + (is_start and place != first)))
        taken_ns += min(share_ns, at_ns - last_ns)
        moved_ns = at_ns - taken_ns
        spans[place] = replace(spans[place], **{"start_ns" if is_start else "end_ns": moved_ns})
        last_ns, was_end = at_ns, not is_start


def _bounds(spans: Sequence[Span], first: int, end: int) -> list[tuple[int, bool, int]]:
    """Starts (True) and ends of the spans of a step, in the order of time: place, which, and when."""
    bounds: list[tuple[int, bool, int]] = []
    opened: list[int] = []
    for place in range(first, end):
        while opened and opened[-1] != spans[place].parent:
            closed = opened.pop()
            bounds.append((closed, False, spans[closed].end_ns))
        opened.append(place)
        bounds.append((place, True, spans[place].start_ns))
    return bounds + [(place, False, spans[place].end_ns) for place in reversed(opened)]
