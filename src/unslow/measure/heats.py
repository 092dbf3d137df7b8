"""One variant's part of the race: opened in a fresh process, warmed up, and run in turns against the original."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

from unslow.core.errors import UnslowError, WorkerFailed
from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Event, Listener
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.variant import Variant
from unslow.measure.bench import Bench, Built, Opened, build, open_side
from unslow.measure.race import RaceInterval, is_behind, pairs_needed
from unslow.measure.turns import turn_pairs

MOST_PAIRS = 60
"""A variant that is still not separated from the leader then goes to the finals with it."""
HOPELESS = 3.0
"""How many times slower than the original a variant is at every look when its race is cut short, still undecided."""
HOPELESS_PAIRS = 8


@dataclass(frozen=True)
class Rules:
    """When a heat may end: `alpha` is this variant's share; `leader` the best interval so far; `until` a clock time."""

    alpha: float
    noise: float
    leader: Estimate | None
    until: float


@final
class Original:
    """The original's process for the whole race; opened when first needed, and again if it should die."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._opened: Opened | None = None

    def opened(self) -> Opened:
        if self._opened is None:
            self._opened = open_side(
                self._bench, "original", self._bench.original, self._bench.race_order, original=True
            )
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.process.close()
            self._opened = None


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
        built = build(bench, variant)
        if built.workload == bench.original:
            return Heat(variant, built.workload, nothing_changed=True)
        opened = open_side(bench, variant.id, built.workload, bench.race_order)
    except WorkerFailed as error:
        return Heat(variant, failure=error.what)
    except UnslowError as error:
        return Heat(variant, failure=str(error).splitlines()[0])
    with opened.process:
        return _raced(
            original.opened(), opened, _entry(variant, built, opened), rules, options, listener, check, bench.clock
        )


def _entry(variant: Variant, built: Built, opened: Opened) -> Heat:
    return Heat(
        variant,
        built.workload,
        build_s=built.seconds,
        setup_s=opened.setup_s,
        seconds_per_request=opened.side.seconds,
        peak_memory_bytes=opened.process.peak_memory_bytes,
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
        if entry.lost:
            return entry
        return _paired(original, opened, entry, rules, options, listener, clock)
    except WorkerFailed as error:
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
