"""What running operator by operator costs, from the time of each kind of operator and of starting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unslow.core.finding import Evidence, EvidenceValue
from unslow.core.profile import Profile, Span
from unslow.core.units import share as show_share
from unslow.habits._attention import attention
from unslow.habits._floors import Part, joined
from unslow.habits._imitated import is_imitated
from unslow.habits._ops import Kind, has_array_of, is_compiled, kind_of
from unslow.habits._shares import operators_per_request, shares_by_kind, split

_FLOOR_OF: dict[Kind, str] = {
    "elementwise": "elementwise", "softmax": "elementwise", "normalisation": "elementwise", "layout": "elementwise",
    "dropout": "elementwise", "fill": "elementwise", "matmul": "matmul", "attention": "matmul", "conv": "conv",
}  # fmt: skip

LEAST_ATTENTION = 0.05
"""From here on `unfused-attention` has it."""
LONG_CHAIN = 8
"""Element-wise operators in a row; the micro-benchmark has three. Joined into one loop, more of them leave little but
their arithmetic: chains of 176 took 0.31 of their time, where the micro-benchmark says 0.66."""
_PRODUCTS = frozenset({"matmul", "conv", "attention"})
END = Span("step", "framework", 0, 0)


@dataclass(frozen=True)
class Operators:
    """The time that a compiler could take a part of, in a sentence and in numbers."""

    title: str
    at_stake: Part
    numbers: dict[str, EvidenceValue]


def is_compiled_model(evidence: Evidence) -> bool:
    """Whether the recording shows a compiled region, or the model a module that `torch.compile` made."""
    return "OptimizedModule" in evidence.facts.modules or any(map(is_compiled, evidence.profile.spans))


def by_operators(evidence: Evidence, starting: float, kernels: Mapping[Kind, float], chained: float = 0.0) -> Operators:
    """`starting` is the part of the wall time that starts operators, `kernels` what each kind computes; what must
    remain of each are the micro-benchmarks "graph/eager:dispatch" and the like. Of the element-wise work `chained` is
    in long chains, of which the best of both must remain."""
    shares: dict[str, float] = {"dispatch": starting, "elementwise": 0.0, "matmul": 0.0, "conv": 0.0}
    for kind, share in kernels.items():
        if kind in _FLOOR_OF:
            shares[_FLOOR_OF[kind]] += share
    floors = evidence.machine.floors
    numbers: dict[str, EvidenceValue] = {f"{kind}_share": share for kind, share in shares.items()}
    numbers["operators_per_request"] = round(operators_per_request(evidence.profile), 1)
    started = f"{show_share(starting)} of the time starts operators, " if starting > 0 else ""
    joined_up = f"{show_share(shares['elementwise'])} {'' if started else 'of the time '}is element-wise work"
    title = f"The model runs operator by operator: {started}{joined_up} that could be joined."
    parts = [Part(share, floors.get(f"graph/eager:{kind}")) for kind, share in shares.items() if kind != "elementwise"]
    plain, starts = floors.get("graph/eager:elementwise"), floors.get("graph/eager:dispatch")
    best = min(plain, starts) if plain is not None and starts is not None else None
    chained = min(chained, shares["elementwise"])
    parts += [Part(shares["elementwise"] - chained, plain), Part(chained, best)]
    return Operators(title, joined(parts), numbers)


def of_a_model(evidence: Evidence) -> Operators:
    """Of all that was recorded, but products of imitated numbers and of float64, which a compiler leaves to the same
    library, and attention in single operators, which is another habit. On a device only what a compiler joins: waiting
    for the host is another habit, and products have libraries of their own there."""
    profile, machine = evidence.profile, evidence.machine
    times = split(profile, evidence.facts)
    left_alone = shares_by_kind(profile, lambda span: is_imitated(span, machine) or _is_double_product(span))
    written_out = _attention_by_kind(profile)
    kernels: dict[Kind, float] = {
        kind: max(0.0, share - left_alone.get(kind, 0.0) - written_out.get(kind, 0.0))
        for kind, share in times.kernels.items()
    }
    if profile.devices:
        return by_operators(evidence, 0.0, without_products(kernels))
    return by_operators(evidence, times.dispatch + profile.shares["framework"], kernels, _chained(profile))


def _chained(profile: Profile) -> float:
    """The part of the wall time that is in long chains of element-wise operators."""
    share, chain = 0.0, list[int]()
    for index, span in enumerate((*profile.spans, END)):
        kind = kind_of(span) if span.category == "compute" else None
        if kind == "elementwise":
            chain.append(index)
        elif span.parent < 0 or kind not in (None, "layout", "fill"):
            share += profile.share_of(set(chain)) if len(chain) > LONG_CHAIN else 0.0
            chain = []
    return share


def _is_double_product(span: Span) -> bool:
    return kind_of(span) in _PRODUCTS and has_array_of(span, "float64")


def _attention_by_kind(profile: Profile) -> dict[Kind, float]:
    """What each kind takes in attention that is written out, where that is a finding of its own."""
    found = attention(profile).spans
    if profile.share_of(set(found)) < LEAST_ATTENTION:
        return {}
    shares: dict[Kind, float] = {}
    for index in found:
        if profile.spans[index].category == "compute":
            kind = kind_of(profile.spans[index])
            shares[kind] = shares.get(kind, 0.0) + max(0, profile.own_ns[index]) / profile.wall_ns
    return shares


def without_products(kinds: Mapping[Kind, float]) -> dict[Kind, float]:
    """Of a script, where most products are those of the backward pass: they run in hand-written libraries already. Nor
    its fills, of arrays parts of which it then adds to."""
    return {kind: share for kind, share in kinds.items() if kind not in _PRODUCTS and kind != "fill"}
