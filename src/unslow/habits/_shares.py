"""Parts of a profile's wall time: by kind of operator, inside certain operators, and what only starts operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unslow.core.facts import Facts
from unslow.core.finding import Evidence
from unslow.core.profile import Category, Profile, Span
from unslow.habits._ops import Kind, kind_of

# Less than this cannot be told from noise: a process's memory layout alone shifts it by half a percent or more for its
# whole life (DESIGN.md, "How the time is measured"), on either side of a comparison.
LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Split:
    """The compute time in two, as shares of the wall time: what starts operators, and what they compute."""

    dispatch: float
    kernels: dict[Kind, float]


NODES = ("autograd::engine::", "torch::autograd::")
LONGEST_START_NS = 100_000
"""Of one node of the backward pass: starting what it computes takes some microseconds."""
LONG_WAIT = 1 / 8
"""The part of a step from which on what follows it is taken to find the caches and the clock of the cores cold. Source:
planted programs whose steps sync a file for 17 to 21 % of their time gain more than that time when it is gone."""
MOST_COLD = 0.8
"""No more of the rest is taken for that than a fifth: what differs more are steps of another size."""
WARM = ((0.4, 1.0), (0.64, 0.76), (0.9, 0.6), (0.98, 0.4))
"""From two fifths of a step on the waste is about as long as all that follows it, of which even the quickest is cold:
its caches are emptied, its other threads asleep. At these shares of a step the rest counts as what may take so much
less, between them in proportion. Source: what the rest took of its time once the waste was gone: where 60 to 64 % of a
step went, 0.68 to 0.95 (answers printed and checkpoints saved in each step), where 79 % did, 0.71 and 0.9 (dropout at
inference), where 85 % did, 0.97 (tables unpacked anew), where 95 to 98 % did, 0.45 and more (patches of photographs
made tensors number by number, digits fetched from an object store)."""
COLD_NS, MOST_SLEPT = 100_000, 0.5
"""What follows a sleep of the thread takes up to so much longer than it would without: the core has done other things
meanwhile, or nothing. Source: steps of 0.63 ms that force a line to the disk for 0.21 ms take 0.33 ms without the line,
and 0.36 ms if it is written and not forced. No more than this part of what lies between two sleeps is taken for it."""
AT_BEST, LEAST_STEPS = 0.1, 5
"""The quantile of the steps that counts as the quickest, and how many steps show one."""


def is_empty(profile: Profile) -> bool:
    """Whether the profile shows no time at all: only facts can then be relied on."""
    return profile.wall_ns <= 0


def operators(profile: Profile) -> Iterator[tuple[Span, float]]:
    """Each span of the category `compute`, with its own time as a share of the wall time."""
    if is_empty(profile):
        return
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        if span.category == "compute":
            yield span, max(0, own_ns) / profile.wall_ns


def shares_by_kind(profile: Profile, chosen: Callable[[Span], bool] | None = None) -> dict[Kind, float]:
    """The share of the wall time that each kind of operator takes, of those `chosen` (all, if None)."""
    shares: dict[Kind, float] = {}
    for span, share in operators(profile):
        if chosen is None or chosen(span):
            kind = kind_of(span)
            shares[kind] = shares.get(kind, 0.0) + share
    return shares


def split(profile: Profile, facts: Facts) -> Split:
    """Takes up to `facts.dispatch_seconds` of each operator's own time as its dispatch; the rest is computing."""
    if is_empty(profile):
        return Split(0.0, {})
    dispatch_each = facts.dispatch_seconds * 1e9 / profile.wall_ns
    dispatch, kernels = 0.0, dict[Kind, float]()
    for span, share in operators(profile):
        started = min(share, dispatch_each * span.calls)
        dispatch += started
        kind = kind_of(span)
        kernels[kind] = kernels.get(kind, 0.0) + share - started
    return Split(dispatch, kernels)


def host_share(evidence: Evidence) -> float:
    """The share of the wall time in which the host only gets work started: the category `framework`, and dispatch."""
    profile = evidence.profile
    starts = profile.shares["framework"] - profile.share_of(long_nodes(profile))
    return min(1.0, max(0.0, starts) + split(profile, evidence.facts).dispatch)


def long_nodes(profile: Profile) -> set[int]:
    """The spans of those nodes of the backward pass that take long beside the operators that they start: they free or
    add up what is large."""
    nodes = by_name(profile, lambda span: span.name if span.name.startswith(NODES) else "")
    long = {name for name, (own_ns, calls) in nodes.items() if own_ns > LONGEST_START_NS * calls}
    return {index for index, span in enumerate(profile.spans) if span.name in long}


def by_name(profile: Profile, name: Callable[[Span], str]) -> dict[str, tuple[int, float]]:
    """Own time in ns and calls of all spans of the same `name(span)` ("": left out), since one that is cut in pieces
    has its calls in the first of them."""
    found: dict[str, tuple[int, float]] = {}
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        if key := name(span):
            total_ns, calls = found.get(key, (0, 0.0))
            found[key] = total_ns + own_ns, calls + span.calls
    return found


def operators_per_request(profile: Profile) -> float:
    """How many operators one request runs (one step, where the profile does not know its requests)."""
    return sum(span.calls for span, _ in operators(profile)) / max(1, profile.requests or len(profile.steps))


def rest_at_best(profile: Profile, category: Category, sleeps_per_step: float = 0.0) -> float:
    """How long the steps' time outside `category` is at its quickest, compared with its mean, or would be if it were
    not cold; 1 where that takes no great part of a step, so that the rest does not suffer from it, or where the steps
    are too few. `sleeps_per_step`: how often a step's thread is surely put to sleep in it, after which even the
    quickest step is cold."""
    share = profile.shares[category]
    if share < LONG_WAIT or len(profile.steps) < LEAST_STEPS:
        return 1.0
    rests: list[int] = []
    step_of: list[int] = []
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        step_of.append(step_of[span.parent] if span.parent >= 0 else len(rests))
        if span.parent < 0:
            rests.append(0)
        rests[step_of[-1]] += own_ns if span.category != category else 0
    awake = _awake(_between(profile, category), round(sleeps_per_step * len(profile.steps)), sum(rests))
    return min(_warm(share), _at_best(rests) * awake)


def rest_without(profile: Profile, share: float) -> float:
    """The same of a `share` of the time whose part in each step is not known, and is taken to be the same in all."""
    if not LONG_WAIT <= share < 1 or len(profile.steps) < LEAST_STEPS:
        return 1.0
    taken_ns = round(share * profile.wall_ns / len(profile.steps))
    return min(_warm(share), max(MOST_COLD, _at_best([max(0, step.duration_ns - taken_ns) for step in profile.steps])))


def _warm(share: float) -> float:
    """What the rest may take, compared with what it takes after a waste of that share of a step."""
    shares, rests = zip(*WARM, strict=True)
    return float(np.interp(share, shares, rests))


def _between(profile: Profile, category: Category) -> list[int]:
    """How long it is from each stretch of `category` to the next one (or the end), in ns."""
    chosen = [
        span
        for span in profile.spans
        if span.category == category and (span.parent < 0 or profile.spans[span.parent].category != category)
    ]
    starts = [*(span.start_ns for span in chosen[1:]), profile.steps[-1].end_ns]
    return [max(0, start - span.end_ns) for span, start in zip(chosen, starts, strict=False)]


def _awake(between_ns: Sequence[int], sleeps: int, rest_ns: int) -> float:
    """What the rest may take, compared with what it takes where the thread sleeps so often in all steps."""
    cold_ns = sorted((min(COLD_NS, MOST_SLEPT * one_ns) for one_ns in between_ns), reverse=True)
    return max(MOST_SLEPT, 1 - sum(cold_ns[:sleeps]) / rest_ns) if rest_ns else 1.0


def _at_best(rests: Sequence[int]) -> float:
    mean = sum(rests) / len(rests)
    return float(np.quantile(rests, AT_BEST)) / mean if mean else 1.0


def within(profile: Profile, chosen: Callable[[Span], bool]) -> set[int]:
    """The `chosen` spans and all that they call, by index."""
    inside: list[bool] = []
    for span in profile.spans:
        inside.append(chosen(span) or (span.parent >= 0 and inside[span.parent]))
    return {index for index, found in enumerate(inside) if found}


def share_within(profile: Profile, chosen: Callable[[Span], bool]) -> float:
    """The share of the wall time that is in the `chosen` spans and in all that they call, each instant counted once."""
    return 0.0 if is_empty(profile) else min(1.0, profile.share_of(within(profile, chosen)))
