"""All steps on top of each other: spans merged by the path of names above them. The total time is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from unslow.core.profile import STACK, Category, Profile

LEAST = 0.002
"""Of the total; what takes less is shown together with its like, as "…"."""
MOST_FRAMES = 2500
DEEPEST = 40
OTHERS = "…"


@dataclass(frozen=True)
class Frame:
    """A path of names: its time from `start_ns` on (0: the first), of which `own_ns` is in no frame below it.

    `merged` is how many paths it stands for together, where each was too short to be shown.
    """

    name: str
    category: Category
    depth: int
    start_ns: int
    total_ns: int
    own_ns: int
    calls: float
    merged: int = 0


@dataclass
class _Paths:
    """What grows while the spans are walked: of each path its place's values, parents before their children."""

    places: dict[tuple[int, str, Category], int] = field(default_factory=dict[tuple[int, str, Category], int])
    names: list[tuple[str, Category]] = field(default_factory=list[tuple[str, Category]])
    parents: list[int] = field(default_factory=list[int])
    depths: list[int] = field(default_factory=list[int])
    totals: list[int] = field(default_factory=list[int])
    calls: list[float] = field(default_factory=list[float])

    def add(self, parent: int, name: str, category: Category, time_ns: int, calls: float) -> int:
        place = self.places.setdefault((parent, name, category), len(self.names))
        if place == len(self.names):
            self.names.append((name, category))
            self.parents.append(parent)
            self.depths.append(0 if parent < 0 else self.depths[parent] + 1)
            self.totals.append(0)
            self.calls.append(0.0)
        self.totals[place] += time_ns
        self.calls[place] += calls
        return place


def icicle(profile: Profile, least: float = LEAST, most: int = MOST_FRAMES) -> tuple[Frame, ...]:
    """The frames, parents before what is below them, the longest of each first; empty where no time was recorded."""
    if not profile.wall_ns:
        return ()
    paths = _merged(profile)
    longest = sorted(paths.totals)
    beyond = longest[-most] + 1 if len(longest) > most else 0
    return tuple(_laid_out(paths, max(least * profile.wall_ns, beyond)))


def _merged(profile: Profile) -> _Paths:
    """The steps are one path; what lies flat in a step (a kernel, a node of a graph) is below the operator it is of,
    and that below the functions of Python that called it, as far as they were recorded."""
    count = len(profile.steps)
    steps = "1 step" if count == 1 else f"{count:,} steps"
    first = profile.steps[0].category
    paths, place_of = _Paths(), list[int]()
    for span in profile.spans:
        time_ns, calls = span.end_ns - span.start_ns, span.calls
        if span.parent < 0:
            place_of.append(paths.add(-1, steps, first, time_ns, calls))
            continue
        above, op = place_of[span.parent], span.details.get("op")
        is_flat = above == 0
        for function in span.details.get(STACK, ()) if is_flat else ():
            above = paths.add(above, function, "framework", time_ns, 0)
        if is_flat and isinstance(op, str) and op and op != span.name:
            above = paths.add(above, op, span.category, time_ns, calls)
        place_of.append(paths.add(above, span.name, span.category, time_ns, calls))
    return paths


def _laid_out(paths: _Paths, least_ns: float) -> list[Frame]:
    below: dict[int, list[int]] = {}
    short: dict[int, list[int]] = {}
    own = list(paths.totals)
    for place, parent in enumerate(paths.parents):
        if parent >= 0:
            own[parent] -= paths.totals[place]
            fits = paths.totals[place] >= least_ns and paths.depths[place] <= DEEPEST
            (below if fits else short).setdefault(parent, []).append(place)
    frames: list[Frame] = []
    waiting = [(0, 0)]
    while waiting:
        place, start = waiting.pop()
        total, depth = paths.totals[place], paths.depths[place]
        frames.append(Frame(*paths.names[place], depth, start, total, own[place], paths.calls[place]))
        inside: list[tuple[int, int]] = []
        for child in sorted(below.get(place, ()), key=lambda child: -paths.totals[child]):
            inside.append((child, start))
            start += paths.totals[child]
        waiting += reversed(inside)
        if place in short:
            frames.append(_others(paths, short[place], depth + 1, start))
    return frames


def _others(paths: _Paths, places: list[int], depth: int, start_ns: int) -> Frame:
    """One frame for those that are too short; in the colour of what takes most of it."""
    times: dict[Category, int] = {}
    for place in places:
        category = paths.names[place][1]
        times[category] = times.get(category, 0) + paths.totals[place]
    total, calls = sum(times.values()), sum(paths.calls[place] for place in places)
    most = max(times, key=lambda name: times[name])
    return Frame(OTHERS, most, depth, start_ns, total, total, calls, len(places))
