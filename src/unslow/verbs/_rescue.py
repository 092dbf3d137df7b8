"""A lossy variant that would win and is not right goes back to full precision where it hurts most, and races again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unslow.core.errors import UnslowError
from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Event, Listener
from unslow.core.heat import Heat
from unslow.core.jsonable import from_json, to_json
from unslow.core.options import Options
from unslow.core.variant import Fix, Variant
from unslow.measure.bench import BUILD_TIMEOUT_S, Bench, longest_wait_s, start
from unslow.measure.heats import CheckOutputs, Original, Rules, heat
from unslow.measure.race import is_behind, shared_alpha, speedup
from unslow.runs.journal import Journal
from unslow.search.contest import MOST_VARIANTS, Raced
from unslow.search.order import RACE_SECONDS
from unslow.search.rescue import Judged, Sensitivities, excluding, is_rescued, most_harmful, next_rung, share_wanted
from unslow.verbs._judges import MOST_RESCUED, Judges

PROBING_SECONDS = 20.0
"""What looking at the layers takes, roughly, with starting the process for it."""


@dataclass(frozen=True)
class Again:
    """What racing takes once the race is over: the original's process, the cheap check of outputs, and until when."""

    original: Original
    check: CheckOutputs
    until: float


@dataclass(frozen=True)
class Lost:
    """A variant that would lead if its outputs were right: its speed-up, the place of the fix that rounds layers."""

    heat: Heat
    speed: float
    place: int


@dataclass(frozen=True)
class _Runs:
    """What all attempts share."""

    bench: Bench
    judges: Judges
    again: Again
    options: Options
    journal: Journal
    listener: Listener


def rescued(
    bench: Bench,
    raced: Raced,
    judges: Judges,
    fixes: Mapping[str, Fix],
    again: Again,
    options: Options,
    journal: Journal,
    listener: Listener,
) -> Raced:
    """The race with up to `MOST_RESCUED` heats more; the same object where there is nothing to rescue, or no time."""
    runs = _Runs(bench, judges, again, options, journal, listener)
    tried = 0
    for lost in losers(raced, judges, fixes, options, bench.facts.seconds_per_request):
        leader = kept_leader(raced, judges)
        if tried >= MOST_RESCUED or (leader is not None and lost.speed < leader.point * options.worth):
            break
        found = _sensitivities(runs, lost, raced)
        if found is None:
            continue
        judged: dict[int, Judged] = {}
        tolerance = bench.facts.tolerance if options.tolerance is None else options.tolerance
        wanted = share_wanted(judges.guarded.get(lost.heat.id), tolerance)
        while tried < MOST_RESCUED and (k := next_rung(found, wanted, judged)) is not None:
            variant = excluding(lost.heat.variant, lost.place, _in_order(found, k))
            more = _raced(runs, variant, raced, lost)
            if more is None:
                return raced
            tried, raced = tried + 1, more
            if raced.heats[variant.id].failure:
                break
            judged[k] = _outcome(runs, raced, variant)
    return raced


def losers(
    raced: Raced, judges: Judges, fixes: Mapping[str, Fix], options: Options, original_s: float
) -> tuple[Lost, ...]:
    """The lossy variants that were lost, at a glance or when judged in full, the fastest first; one of each kind.

    One that was lost at a glance did not race: its speed is its warm-up's against `original_s`, seconds per request.
    """
    found: list[Lost] = []
    for entry in raced.heats.values():
        place = _place_of(entry.variant, fixes)
        guarded = judges.guarded.get(entry.id)
        is_lost = bool(entry.lost) or (guarded is not None and guarded.verdict == "lost")
        if place is None or not is_lost or entry.failure or entry.workload is None:
            continue
        warm = original_s / entry.seconds_per_request if entry.seconds_per_request else 1.0
        speed = raced.intervals[entry.id].point if entry.id in raced.intervals else warm
        if speed > options.worth:
            found.append(Lost(entry, speed, place))
    best: dict[tuple[str, ...], Lost] = {}
    for lost in sorted(found, key=lambda lost: -lost.speed):
        best.setdefault(tuple(applied.name for applied in lost.heat.variant.fixes), lost)
    return tuple(best.values())


def kept_leader(raced: Raced, judges: Judges) -> Estimate | None:
    """The best interval of those whose outputs are kept."""
    right = [name for name, said in judges.guarded.items() if said.verdict == "kept" and name in raced.intervals]
    kept = [raced.intervals[name] for name in right]
    return max(kept, key=lambda interval: interval.low, default=None)


def _place_of(variant: Variant, fixes: Mapping[str, Fix]) -> int | None:
    if is_rescued(variant):
        return None
    return next((place for place, applied in enumerate(variant.fixes) if fixes[applied.name].layers), None)


def _in_order(found: Sensitivities, k: int) -> tuple[str, ...]:
    """The `k` most harmful layers, in the model's order, so that a set of layers has one spelling."""
    chosen = set(most_harmful(found.layers)[:k])
    return tuple(layer.name for layer in found.layers if layer.name in chosen)


def _sensitivities(runs: _Runs, lost: Lost, raced: Raced) -> Sensitivities | None:
    """From the journal, or from a process of its own; None where the layers cannot be looked at, or no time is left."""
    name = lost.heat.id
    found = runs.journal.get("sensitivity", name, Sensitivities)
    if found is not None:
        return found
    bench, variant = runs.bench, lost.heat.variant
    if not _fits(runs, PROBING_SECONDS + _needed_s(runs, lost)) or len(raced.heats) >= MOST_VARIANTS:
        return None
    runs.listener(Event("guard", f"looking for the layers that hurt {variant} most", name))
    try:
        with start(bench, f"layers-{name}", bench.original.host) as process:
            answer = process.ask(
                "sensitivity",
                longest_wait_s(bench, BUILD_TIMEOUT_S),
                workload=to_json(bench.original),
                fixes=to_json(variant.fixes),
                place=lost.place,
                facts=to_json(bench.facts),
                machine=to_json(bench.machine),
                cache=str(bench.cache / "made"),
                survey=str(bench.folder.survey),
                places=list(bench.race_order),
            )
    except UnslowError as error:
        runs.listener(Event("note", f"No layers of {variant} could be put back: {error.what}", name))
        return None
    found = from_json(Sensitivities, answer)
    runs.journal.add("sensitivity", name, found)
    return found


def _raced(runs: _Runs, variant: Variant, raced: Raced, lost: Lost) -> Raced | None:
    """The race with this variant's heat, from the journal or run now; None where no time or room is left."""
    if variant.id in raced.heats:
        return raced
    if not _fits(runs, _needed_s(runs, lost)) or len(raced.heats) >= MOST_VARIANTS:
        return None
    alpha = shared_alpha(runs.options.alpha, MOST_VARIANTS)
    rules = Rules(alpha, runs.options.noise, kept_leader(raced, runs.judges), runs.again.until)
    again = runs.again
    entry = heat(runs.bench, again.original, variant, rules, runs.options, runs.listener, again.check)
    runs.journal.add("heat", entry.id, entry)
    intervals = {**raced.intervals, **({entry.id: speedup(entry.log_ratios, alpha)} if entry.ran else {})}
    runs.listener(Event("race", str(variant), entry.id, intervals.get(entry.id), payload=entry))
    return replace(raced, heats={**raced.heats, entry.id: entry}, intervals=intervals)


def _outcome(runs: _Runs, raced: Raced, variant: Variant) -> Judged:
    """What a rescued variant tells bisection: whether its outputs are right, once it is known to be fast enough."""
    entry, interval = raced.heats[variant.id], raced.intervals.get(variant.id)
    if entry.lost or interval is None:
        return "lost"
    leader = kept_leader(raced, runs.judges)
    behind = leader is not None and variant.id not in runs.judges.guarded and is_behind(interval, leader)
    if behind or verdict_of(interval, runs.options.noise) in ("slower", "same"):
        return "slow"
    said = runs.judges.verdict(entry)
    right = ("kept", "unproven") if runs.options.accept_unproven else ("kept",)
    return "kept" if said is not None and said.verdict in right else "lost"


def _needed_s(runs: _Runs, lost: Lost) -> float:
    """What building, racing and judging one more takes, from what the lost variant took."""
    facts = runs.bench.facts
    judging = lost.heat.setup_s + facts.evaluation_requests * facts.seconds_per_request / max(lost.speed, 1.0)
    return lost.heat.build_s + lost.heat.setup_s + RACE_SECONDS + judging


def _fits(runs: _Runs, seconds: float) -> bool:
    return runs.bench.clock() + seconds <= runs.again.until
