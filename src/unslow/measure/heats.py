"""One variant's part of the race: opened in a fresh process, warmed up, and run in turns against the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

from unslow.core.errors import UnslowError, WorkerFailed
from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Event, Listener
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.variant import Variant
from unslow.core.workload import Workload
from unslow.measure.bench import BUILD_TIMEOUT_S, OPEN_TIMEOUT_S, Bench, Built, Opened, build
from unslow.measure.opening import Opening, open_side, open_together, original_opening
from unslow.measure.race import RaceInterval, is_behind, pairs_needed
from unslow.measure.turns import turn_pairs

MOST_PAIRS = 44
"""A variant that is still not separated from the leader then goes to the finals with it."""
HOPELESS = 3.0
"""How many times slower than the original a variant is at every look when its race is cut short, still undecided."""
HOPELESS_PAIRS = 8
LEAST_PATIENCE_S = 60.0
"""However little time is left, a process that builds or opens is given this long: a cold compiler takes half of it."""


@dataclass(frozen=True)
class Rules:
    """When a heat may end: `alpha` is this variant's share; `leader` the best interval so far; `until` a clock time.

    `below` is the workload that the variant's last fix is put on: where it stays as it is, there is nothing to race.
    `raced` are the workloads of other variants by what they are called: nor is there where it comes to one of those.
    """

    alpha: float
    noise: float
    leader: Estimate | None
    until: float
    below: Workload | None = None
    raced: Mapping[str, Workload] = field(default_factory=dict[str, Workload])


@final
class Original:
    """The original's process for the whole race; opened when first needed, and again if it should die."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._opened: Opened | None = None

    def opened(self) -> Opened:
        if self._opened is None:
            self._opened = open_side(self._bench, original_opening(self._bench, self._bench.race_order))
        return self._opened

    def beside(self, opening: Opening) -> Opened | WorkerFailed:
        """A variant's process, or why there is none; the original is opened with it, where it was not open yet."""
        if self._opened is not None:
            return open_together(self._bench, [opening])[0]
        mine = original_opening(self._bench, self._bench.race_order)
        original, variant = open_together(self._bench, [mine, opening])
        if isinstance(original, WorkerFailed):
            if not isinstance(variant, WorkerFailed):
                variant.process.close()
            raise original
        self._opened = original
        return variant

    def close(self) -> None:
        if self._opened is not None:
            self._opened.process.close()
            self._opened = None

    def has_died(self) -> bool:
        """Whether its process is gone; if so, the next who asks gets a fresh one."""
        if self._opened is None or self._opened.answers():
            return False
        self.close()
        return True


CheckOutputs = Callable[[Opened, Heat], str]


def heat(
    bench: Bench,
    original: Original,
    variant: Variant,
    rules: Rules,
    options: Options,
    listener: Listener,
    check: CheckOutputs,
) -> Heat:
    """Build, open and race one variant. Whatever goes wrong is its `failure`; the original's own failure is raised."""
    listener(Event("build", f"building {variant}", variant.id))
    try:
        built = build(bench, variant, _left_s(bench, rules))
    except UnslowError as error:
        return Heat(variant, failure=error.what)
    if built.workload in (bench.original, rules.below):
        return Heat(variant, built.workload, nothing_changed=True)
    twin = next((name for name, workload in rules.raced.items() if workload == built.workload), "")
    if twin:
        return Heat(variant, built.workload, nothing_changed=True, same_as=twin)
    entry = _opened_and_raced(bench, original, variant, built, rules, options, listener, check)
    if entry.failure and original.has_died():
        # Not the variant's fault, as far as anybody knows: once more, against a fresh original.
        entry = _opened_and_raced(bench, original, variant, built, rules, options, listener, check)
        if entry.failure and original.has_died():
            return replace(entry, failure=f"The original's process ended beside it, twice: {entry.failure}")
    return entry


def _left_s(bench: Bench, rules: Rules) -> float:
    """How long a process may take before it is taken for hung: it must not eat much more than what is left."""
    return min(BUILD_TIMEOUT_S, max(LEAST_PATIENCE_S, rules.until - bench.clock()))


def _opened_and_raced(
    bench: Bench,
    original: Original,
    variant: Variant,
    built: Built,
    rules: Rules,
    options: Options,
    listener: Listener,
    check: CheckOutputs,
) -> Heat:
    timeout_s = min(OPEN_TIMEOUT_S, _left_s(bench, rules))
    opened = original.beside(Opening(variant.id, built.workload, bench.race_order, timeout_s=timeout_s))
    if isinstance(opened, WorkerFailed):
        return Heat(variant, built.workload, build_s=built.seconds, failure=opened.what)
    with opened.process:
        first, entry = original.opened(), _entry(variant, built, opened)
        return _raced(first, opened, entry, rules, options, listener, check, bench.clock)


def _entry(variant: Variant, built: Built, opened: Opened) -> Heat:
    return Heat(
        variant,
        built.workload,
        build_s=built.seconds,
        setup_s=opened.setup_s,
        seconds_per_request=opened.side.seconds,
        peak_memory_bytes=opened.process.peak_memory_bytes,
        still_warming=opened.side.still_warming,
    )


def _raced(
    original: Opened,
    opened: Opened,
    entry: Heat,
    rules: Rules,
    options: Options,
    listener: Listener,
    check: CheckOutputs,
    clock: Callable[[], float],
) -> Heat:
    try:
        entry = replace(entry, lost=check(opened, entry))
    except WorkerFailed as error:
        return replace(entry, failure=error.what)
    if entry.lost:
        return entry
    try:
        return _paired(original, opened, entry, rules, options, listener, clock)
    except UnslowError as error:
        return replace(entry, failure=error.what)


def _paired(
    original: Opened,
    opened: Opened,
    entry: Heat,
    rules: Rules,
    options: Options,
    listener: Listener,
    clock: Callable[[], float],
) -> Heat:
    interval = RaceInterval(rules.alpha)
    ratios: list[float] = []
    for pair in turn_pairs(original.side, opened.side, _seed(options, entry)):
        ratios.append(pair.log_ratio(options.objective))
        interval = interval.updated(ratios[-1])
        estimate = interval.estimate.exp()
        listener(Event("race", str(entry.variant), entry.id, estimate, len(ratios)))
        if _over(estimate, ratios, rules) or clock() > rules.until:
            break
    return replace(entry, log_ratios=tuple(ratios), peak_memory_bytes=opened.process.peak_memory_bytes)


def _seed(options: Options, entry: Heat) -> int:
    return options.seed * 1_000_003 + int(entry.id, 16) % 1_000_003


def _over(estimate: Estimate, ratios: list[float], rules: Rules) -> bool:
    pairs = len(ratios)
    if pairs >= HOPELESS_PAIRS and max(ratios) < 0 and estimate.point < 1 / HOPELESS:
        return pairs >= pairs_needed(rules.alpha) or estimate.point < 1 / HOPELESS**2
    if pairs < pairs_needed(rules.alpha):
        return False
    if pairs >= MOST_PAIRS:
        return True
    behind = rules.leader is not None and is_behind(estimate, rules.leader)
    return behind or verdict_of(estimate, rules.noise) in ("slower", "same") or _ahead(estimate, rules)


def _ahead(estimate: Estimate, rules: Rules) -> bool:
    """Clear of the noise, and of the leader: nothing more to learn before the finals."""
    floor = 1 + rules.noise if rules.leader is None else max(1 + rules.noise, rules.leader.high)
    return estimate.low > floor
