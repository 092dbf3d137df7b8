"""From what was measured to what is reported: trials, derived from heats, verdicts on outputs, and finals."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from unslow.core.errors import HUNG
from unslow.core.estimate import Estimate, Verdict, verdict_of
from unslow.core.events import Event, Listener
from unslow.core.heat import Alone, Final, Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded, Percentiles, Speedup, Trial
from unslow.core.units import interval
from unslow.core.variant import Fix, Setting
from unslow.core.workload import Serving
from unslow.measure.finals import finals_estimate, percentile_interval, percentile_over_processes
from unslow.search.space import Known, riskiest
from unslow.verbs._load import load_of

FINAL_LEVEL = 0.95
ONE_BY_ONE = Serving()
TELLING_PAIRS = 3
"""So many pairs of turns that all say the same are worth a word, though they prove nothing."""
Why = Callable[[Heat], str]
"""What makes a variant slower here, as far as its fixes know; "" where they do not."""


@dataclass(frozen=True)
class Results:
    """Everything that was measured, by variant."""

    heats: Mapping[str, Heat]
    intervals: Mapping[str, Estimate]
    guarded: Mapping[str, Guarded]
    finals: Mapping[str, Final]
    failures: Mapping[str, str]
    set_aside: Mapping[str, str]
    alone: Alone | None = None

    @property
    def original(self) -> Alone | None:
        """The original's own figures: from the turns against one finalist, else from turns by itself."""
        final = next(iter(self.finals.values()), None)
        return self.alone if final is None else _part_of(final)


def why_slower(known: Known) -> Why:
    """What the fixes of a variant say of this machine; the first of them that has something to say."""

    def why(heat: Heat) -> str:
        setting = Setting(heat.workload or known.original, known.facts, known.machine, known.options.objective)
        said = (known.fixes[applied.name].why_slower(setting) for applied in heat.variant.fixes)
        return next(filter(None, said), "")

    return why


def _unknown(heat: Heat) -> str:
    return ""


def final_speedup(final: Final) -> Estimate:
    """The t-interval over the medians of the process pairs."""
    return finals_estimate([float(np.median(pairs)) for pairs in final.log_ratios], FINAL_LEVEL)


def winner_of(results: Results, fixes: Mapping[str, Fix], options: Options) -> str | None:
    """The fastest finalist that is `faster` beyond the noise, whose outputs are kept, and that meets the limit on
    p99."""
    eligible = {
        name: final_speedup(final).point
        for name, final in results.finals.items()
        if not why_not(name, results, options)
    }
    return max(eligible, key=lambda name: (eligible[name], -len(results.heats[name].variant.fixes)), default=None)


def why_not(name: str, results: Results, options: Options) -> str:
    """Why a finalist cannot win; "" if it can."""
    final, guarded = results.finals[name], results.guarded.get(name)
    verdict = verdict_of(final_speedup(final), options.noise)
    if verdict != "faster":
        return f"In the finals it is {verdict}: {interval(final_speedup(final))}."
    if guarded is None or guarded.verdict == "lost":
        return guarded.reason if guarded else "Its outputs were not judged."
    if guarded.verdict == "unproven" and not options.accept_unproven:
        return f"Its outputs are unproven ({guarded.reason}); --accept-unproven would let it win."
    limit = options.p99_below_ms
    return "" if limit is None else _why_not_below(limit, percentiles(final.call_ms, final.load_ms))


def _why_not_below(limit_ms: float, latency: Percentiles) -> str:
    """Why p99 may be above the limit, by the upper end of its interval over all process pairs; "" if it is below."""
    if latency.p99_high <= limit_ms:
        return ""
    if math.isinf(latency.p99_high):
        return f"{latency.n} calls are too few to say that its p99 is below {limit_ms:g} ms."
    return f"Its p99 may be as high as {latency.p99_high:.3g} ms, and --p99-below is {limit_ms:g} ms."


def trials(
    results: Results,
    fixes: Mapping[str, Fix],
    options: Options,
    winner: str | None,
    serving: Serving = ONE_BY_ONE,
    why: Why = _unknown,
) -> tuple[Trial, ...]:
    """Every variant as it is reported: the finalists by their finals, then the others, fastest first.

    `serving` is the original's.
    """
    made = [_trial(heat, results, fixes, options, winner, why) for heat in results.heats.values()]
    original = _original_trial(results, load_of(serving, options.rate))
    made += [] if original is None else [original]

    def rank(trial: Trial) -> tuple[bool, bool, float]:
        return (trial.id != winner, trial.verdict == "failed", -(trial.speedup.point if trial.speedup else 0.0))

    return tuple(sorted(made, key=rank))


def _trial(
    heat: Heat, results: Results, fixes: Mapping[str, Fix], options: Options, winner: str | None, why: Why
) -> Trial:
    final, guarded = results.finals.get(heat.id), results.guarded.get(heat.id)
    failure = heat.failure or results.failures.get(heat.id, "")
    speedup = _speedup(heat, results, final)
    verdict: Verdict = "failed" if failure else verdict_of(speedup.estimate, options.noise) if speedup else "undecided"
    if heat.lost:
        guarded = Guarded("lost", heat.lost)
    basic = Trial(
        id=heat.id,
        fixes=heat.variant.fixes,
        tag=riskiest(fixes, heat.variant),
        verdict=verdict,
        speedup=speedup,
        outputs=guarded,
        peak_memory_bytes=final.peak_memory_bytes if final else heat.peak_memory_bytes or None,
        setup_s=heat.build_s + heat.setup_s if heat.setup_s else None,
        reason="" if heat.id == winner else _told(failure, heat, why) or _reason(heat, results, options, winner, why),
        load=load_of(heat.workload.serving, options.rate if final else 0.0) if heat.workload else "",
        race_log_ratios=heat.log_ratios,
        final_log_ratios=final.log_ratios if final else (),
    )
    return _with_final(basic, heat, final) if final else basic


def _told(failure: str, heat: Heat, why: Why) -> str:
    """The failure; of one that took too long, with what is known to be slow in it."""
    because = why(heat) if failure.startswith(HUNG) else ""
    return f"{failure} It may be slow rather than stuck: {because}." if because else failure


def _original_trial(results: Results, load: str) -> Trial | None:
    """The original's own figures: what everything is compared with."""
    figures, final = results.original, next(iter(results.finals.values()), None)
    if figures is None:
        return None
    # Of one process alone nothing is claimed about others: its calls are shown as they are.
    alone = figures.load_ms[0] if figures.load_ms else figures.call_ms
    latency = percentiles(figures.call_ms, figures.load_ms) if final else percentiles(alone)
    turn_pairs, process_pairs = (sum(map(len, final.log_ratios)), len(final.log_ratios)) if final else (0, 0)
    return Trial(
        id="original",
        fixes=(),
        tag="exact",
        verdict="same",
        speedup=Speedup(1.0, 1.0, 1.0, FINAL_LEVEL, turn_pairs, process_pairs),
        latency_ms=latency,
        throughput=figures.requests / figures.seconds,
        cpu_seconds_per_1000=1000 * figures.cpu_seconds / figures.requests,
        joules_per_1000=per_1000(figures.joules, figures.requests),
        peak_memory_bytes=figures.peak_memory_bytes,
        setup_s=figures.setup_s,
        reason="What everything else is compared with.",
        load=load,
    )


def _part_of(final: Final) -> Alone:
    return Alone(
        call_ms=final.original_call_ms,
        seconds=final.original_seconds,
        cpu_seconds=final.original_cpu_seconds,
        requests=final.original_requests,
        setup_s=final.original_setup_s,
        peak_memory_bytes=final.original_peak_memory_bytes,
        load_ms=final.original_load_ms,
        joules=final.original_joules,
    )


def _with_final(trial: Trial, heat: Heat, final: Final) -> Trial:
    return replace(
        trial,
        latency_ms=percentiles(final.call_ms, final.load_ms),
        throughput=final.requests / final.seconds,
        artefact_bytes=final.bundle_bytes,
        cpu_seconds_per_1000=1000 * final.cpu_seconds / final.requests,
        joules_per_1000=per_1000(final.joules, final.requests),
        setup_s=heat.build_s + heat.setup_s,
        break_even_requests=break_even(heat, final),
    )


def per_1000(joules: float | None, requests: int) -> float | None:
    """Joules for 1,000 requests; None where they were not measured."""
    return None if joules is None else 1000 * joules / requests


def break_even(heat: Heat, final: Final) -> float | None:
    """After how many requests the time saved has paid for building and for the longer start; None: never."""
    saved = final.original_seconds / final.original_requests - final.seconds / final.requests
    extra = heat.build_s + max(0.0, max(heat.setup_s, final.setup_s) - final.original_setup_s)
    return extra / saved if saved > 0 else None


def percentiles(call_ms: tuple[float, ...], load_ms: tuple[tuple[float, ...], ...] = ()) -> Percentiles:
    """p50, p90 and p99 in ms, the last with its interval: of the calls in turns, or, where there was one, under a load
    (one list per process)."""
    loaded = tuple(ms for process in load_ms for ms in process)
    p99 = percentile_over_processes(load_ms, 0.99) if loaded else percentile_interval(call_ms, 0.99)
    p50, p90 = (float(np.quantile(loaded or call_ms, q)) for q in (0.5, 0.9))
    return Percentiles(p50, p90, p99.point, p99.low, p99.high, len(loaded or call_ms))


def _speedup(heat: Heat, results: Results, final: Final | None) -> Speedup | None:
    if final is not None:
        estimate = final_speedup(final)
        return Speedup(
            estimate.point,
            estimate.low,
            estimate.high,
            estimate.level,
            sum(map(len, final.log_ratios)),
            len(final.log_ratios),
        )
    if heat.id not in results.intervals:
        return None
    estimate = results.intervals[heat.id]
    return Speedup(estimate.point, estimate.low, estimate.high, estimate.level, estimate.n, 0)


def _reason(heat: Heat, results: Results, options: Options, winner: str | None, why: Why) -> str:
    """Why it did not win, in one sentence."""
    if heat.nothing_changed:
        return f"It comes to the same as {heat.same_as}." if heat.same_as else "It changes nothing here."
    if heat.lost:
        return heat.lost
    if heat.id in results.set_aside:
        return results.set_aside[heat.id]
    if heat.id in results.finals:
        return why_not(heat.id, results, options) or "Another finalist is faster."
    if heat.id not in results.intervals:
        return "It was not measured: the budget was used up."
    verdict = verdict_of(results.intervals[heat.id], options.noise)
    if verdict in ("slower", "same"):
        because = why(heat) if verdict == "slower" else ""
        return f"In the race it is {verdict}: {interval(results.intervals[heat.id])}{because and f'; {because}'}."
    if not results.intervals[heat.id].bounded:
        return _cut_short(heat, why)
    return "It fell behind the leader in the race." if winner or results.finals else "It is not clear of the noise."


def _cut_short(heat: Heat, why: Why) -> str:
    """Why nothing is known of it; and what its pairs of turns say, where all of them say that it is slower."""
    ended = "The time for the race ended before it could be told apart from the original"
    if len(heat.log_ratios) < TELLING_PAIRS or max(heat.log_ratios) >= 0:
        return f"{ended}."
    low, high = (math.exp(ratio) for ratio in (min(heat.log_ratios), max(heat.log_ratios)))
    because = why(heat)
    pairs = f"{len(heat.log_ratios)} pairs of turns it was slower, {low:.2g}× to {high:.2g}×"
    return f"{ended}, but in all of its {pairs}{because and f'; {because}'}."


def telling_trials(
    listener: Listener, fixes: Mapping[str, Fix], options: Options, ends: float, why: Why = _unknown
) -> Listener:
    """A listener that is told of a finished heat as the trial that it is so far, and of what is left of the budget."""

    def tell(event: Event) -> None:
        heat = event.payload
        event = replace(event, left_s=ends - time.monotonic())
        if isinstance(heat, Heat):
            intervals = {heat.id: event.interval} if event.interval else {}
            so_far = Results({heat.id: heat}, intervals, {}, {}, {}, {})
            trial = _trial(heat, so_far, fixes, options, None, why)
            event = replace(event, payload=replace(trial, reason="" if trial.verdict == "faster" else trial.reason))
        listener(event)

    return tell
