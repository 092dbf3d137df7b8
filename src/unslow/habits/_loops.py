"""The loop of a script's own Python that takes most of its steps' time, by samples of the stack."""

from __future__ import annotations

from dataclasses import dataclass

from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.habits._sampled import Sampled, sampled, shares_by

LEAST_ROWS, LEAST_LOOP = 0.03, 0.15
LEAST_LOOP_S, OPERATOR_S = 200e-6, 10e-6
ROW_FUNCTIONS = frozenset({"iterrows", "itertuples", "apply", "applymap", "apply_standard", "apply_series_generator"})
MODEL = frozenset({"forward", "backward", "optimizer", "zero-grad"})


@dataclass(frozen=True)
class Loop:
    """`what` it is, the `line` that most of it falls on ("train.py:12"), its `share` of the wall time."""

    what: str
    line: str
    share: float


def longest_loop(evidence: Evidence) -> Loop | None:
    """That of pandas' row functions where they are seen, else the function of the script's own that runs longest; None
    where neither takes enough to be a loop. Lines that another habit explains are left out."""
    profile, others = evidence.profile, lines_of_others(evidence)
    step_s = step_seconds(profile)
    found = [one for one in sampled(profile) if one.phase not in MODEL and not _is_in(one, others)]
    rows = shares_by((one for one in found if _in_pandas(one)), lambda one: one.line)
    if rows and sum(rows.values()) >= LEAST_ROWS:
        return Loop("pandas giving rows one by one", next(iter(rows)), min(1.0, sum(rows.values())))
    own = [one for one in found if _is_own_python(one)]
    functions = shares_by(iter(own), lambda one: one.function)
    if not functions or step_s <= 0:
        return None
    function = next(iter(functions))
    share = functions[function] - _operators(profile) * OPERATOR_S / step_s
    if share < LEAST_LOOP or share * step_s < LEAST_LOOP_S:
        return None
    lines = shares_by((one for one in own if one.function == function), lambda one: one.line)
    return Loop(f"a loop of Python in {function.rpartition(' ')[2]}", next(iter(lines)), min(1.0, share))


def step_seconds(profile: Profile) -> float:
    """What a step takes, on average."""
    return profile.wall_ns / 1e9 / max(1, len(profile.steps))


def lines_of_others(evidence: Evidence) -> frozenset[str]:
    """Lines whose time another habit explains: they make tensors of lists of arrays, or load a model again."""
    script = evidence.facts.script
    if script is None:
        return frozenset()
    loads = [load for load in script.of_kind("load") if load.details["again"]]
    return frozenset(str(noted.site) for noted in (*script.of_kind("arrays"), *loads) if noted.times_in_steps)


def python_share_of_others(evidence: Evidence) -> float:
    """The share of the wall time that is Python in such lines and in what they call."""
    others = lines_of_others(evidence)
    found = sampled(evidence.profile) if others else ()
    return sum(one.share for one in found if one.span.category == "framework" and _is_in(one, others))


def _is_in(one: Sampled, lines: frozenset[str]) -> bool:
    return any(frame.rpartition(" ")[0] in lines for frame in one.stack)


def _in_pandas(one: Sampled) -> bool:
    frames = [frame.rpartition(" ") for frame in one.stack]
    return any("pandas/" in place and function in ROW_FUNCTIONS for place, _, function in frames)


def _is_own_python(one: Sampled) -> bool:
    """Python itself, in a function of the script's own (not in a library that it calls, unless that is NumPy, called
    for a moment again and again)."""
    is_own = one.stack[-1].startswith(f"{one.line} ") if one.stack else False
    return one.span.category == "framework" and (is_own or bool(one.span.details.get("times_per_step")))


def _operators(profile: Profile) -> float:
    """How many operators a step starts outside of the model."""
    phases: list[str] = []
    count = 0.0
    for span in profile.spans:
        phases.append(str(span.details.get("phase") or (phases[span.parent] if span.parent >= 0 else "")))
        count += span.calls if span.details.get("op") and phases[-1] not in MODEL else 0.0
    return count / max(1, len(profile.steps))
