"""What habits of scripts that compute with PyTorch share: the models that are called in the steps, and their time."""

from __future__ import annotations

from unslow.core.finding import Evidence
from unslow.core.profile import Profile, Span
from unslow.core.script import Noted
from unslow.habits._ops import Kind, kind_of
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE as LEAST_IN_STEP
from unslow.habits._shares import long_nodes

ADDS = "aten::add_"
LEAST_SHARE = 0.05
"""The part of a step that must be at stake: halved, less than this is not worth its while (3 %). See `least_share`."""


def least_share(evidence: Evidence) -> float:
    """The part of a step that must be at stake in its models; where data is waited for, of what is left without that:
    once it is not any more, the models are what a step is made of."""
    waits = evidence.profile.shares["data"]
    return max(LEAST_IN_STEP, LEAST_SHARE * (1 - waits))


def models(evidence: Evidence) -> tuple[Noted, ...]:
    """The calls of models in the script's steps, by place."""
    script = evidence.facts.script
    return tuple(noted for noted in script.of_kind("model") if noted.times_in_steps) if script is not None else ()


def on_cuda(called: Noted) -> bool:
    """Whether the model computes on an NVIDIA device (or one that goes by that name)."""
    return called.details["device"] == "cuda"


def is_float32(called: Noted) -> bool:
    """Whether most of its weights are float32, and nothing makes it compute in less."""
    return called.weighs_mostly("float32") and not called.details["autocast"]


def fixed_shapes(called: Noted) -> bool:
    """Whether its inputs had one shape in all that was seen, or two, as with a smaller last batch of an epoch."""
    return 1 <= called.details.get("shapes", 1) <= 2


def names_operators(evidence: Evidence) -> bool:
    """Whether the recording has operators with their types, or phases alone."""
    return any(span.details.get("op") for span in evidence.profile.spans)


def model_share(evidence: Evidence) -> float:
    """The part of the wall time that goes to the forward and the backward pass, and to waiting for their numbers."""
    return min(1.0, sum(phase_share(evidence, phase) for phase in ("forward", "backward", "sync")))


def kinds_within(evidence: Evidence) -> dict[Kind, float]:
    """The part of the wall time that each kind of operator computes within the forward and the backward pass; without
    what is added to gradients that are there already, which autograd does between them."""
    profile = evidence.profile
    shares: dict[Kind, float] = {}
    for index in sorted(_within(profile) - accumulating(profile)):
        span, own_ns = profile.spans[index], profile.own_ns[index]
        if span.category == "compute" and not _is_pass(span):
            kind = kind_of(span)
            shares[kind] = shares.get(kind, 0.0) + max(0, own_ns) / profile.wall_ns
    return shares


def accumulating(profile: Profile) -> set[int]:
    """The spans in which the backward pass adds in place, mostly to gradients that are there already."""
    backward: set[int] = set()
    for index, span in enumerate(profile.spans):
        if span.details.get("phase") == "backward" or span.parent in backward:
            backward.add(index)
    return {index for index in backward if profile.spans[index].details.get("op") == ADDS}


def starting_share(evidence: Evidence) -> float:
    """The part of the wall time in both passes that nothing is computed in: Python, and starting operators."""
    profile = evidence.profile
    within = _within(profile) - long_nodes(profile)
    return profile.share_of(
        {index for index in within if profile.spans[index].category == "framework" or _is_pass(profile.spans[index])}
    )


def _within(profile: Profile) -> set[int]:
    """The spans of both passes, and all that they call."""
    inside: set[int] = set()
    for index, span in enumerate(profile.spans):
        if _is_pass(span) or span.parent in inside:
            inside.add(index)
    return inside


def _is_pass(span: Span) -> bool:
    return span.details.get("phase") in ("forward", "backward")
