"""Attention is computed as two products with a softmax between them, where one fused operator would do.

What it is
----------
`softmax(q @ k.transpose(-2, -1) / sqrt(d) + mask) @ v`, operator by operator. PyTorch has it as one:
`torch.nn.functional.scaled_dot_product_attention`.

Why it is slow
--------------
The scores of every query with every key are written to memory and read back by each of the operators: scaled, masked,
normalised, dropped, multiplied. Fused, a block of them stays in the cache (or the registers of a device) until it is
used up; the masked half of a causal attention is not even computed.

How it shows
------------
A softmax over scores that one batched product made and another one takes in, by their shapes; where a recording keeps
no shapes, by the order of the operators. What a fused operator calls itself does not count. At stake is all that is
done to the scores, with both products, and the backward pass where there is one. The threshold is 5 % of the time:
halved, less is not worth its while. Inference on the processor has a floor: what the fused operator takes on this
machine for the shapes that were seen, tried (up to six of them, the others in proportion to their scores). Elsewhere
none is known, and the finding is not scored. Source: Dao et al., *FlashAttention* (2022), which reports 2 to 4 times
the speed of the operators one by one on long sequences; on a processor it is anything between a tenth of their time
and twice as much, by their shapes and their type.

When it does not matter
-----------------------
For short sequences: the scores then fit into the cache anyway. When a compiler has joined them. Where the fused
operator was tried and is no faster, its ceiling is 1.

Risk
----
The sums are made in another order, so answers differ in the last digits. The scores themselves cannot be had from the
fused operator; a bias that needs a gradient, or dropout on the processor, makes it take the slow way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unslow.core.attention import FusedAttention
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Profile
from unslow.core.units import share as show_share
from unslow.habits._attention import BACKWARD, Attention, attention
from unslow.habits._eager import LEAST_ATTENTION
from unslow.habits._floors import bounded
from unslow.habits._ops import op_name
from unslow.habits._shares import is_empty, rest_without

NAME = "unfused-attention"
MOST_TRIED = 6
FRAMEWORKS = frozenset({"torch", "exported", "script"})
ADVICE = (
    "Call torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=…) in place of the products and the "
    "softmax (is_causal=True for a causal mask); nn.MultiheadAttention does with need_weights=False, models of "
    "transformers with attn_implementation='sdpa'."
)


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all such attention."""
    profile, found = evidence.profile, _seen(evidence)
    if found is None:
        return
    share = profile.share_of(set(found.spans))
    numbers: dict[str, EvidenceValue] = {
        "attention_share": share,
        "softmax_calls_per_step": round(found.calls / max(1, len(profile.steps)), 2),
    }
    title = f"{show_share(share)} of the time is attention in single operators: product, softmax, product."
    if found.fused:
        most = max(found.fused, key=lambda one: one.scores)
        numbers |= {"score_matrices": most.batches, "queries": most.queries, "keys": most.keys}
        title = title[:-1] + f"; the scores of {most.queries:,} queries and {most.keys:,} keys are written out."
        if most in evidence.fused:
            numbers["fused_s"] = evidence.fused[most]
    floor, at_best = _floor(evidence, found, share), rest_without(profile, share)  # The scores empty the caches.
    yield Finding(NAME, title, min(1.0, share), floor, numbers, advice=ADVICE, rest_at_best=at_best)


def wants(evidence: Evidence) -> Iterator[FusedAttention]:
    """The fused operator for those shapes that would take most of its time."""
    found = _seen(evidence)
    if found is not None and not (evidence.profile.devices or _goes_backward(evidence.profile)):
        yield from sorted(found.fused, key=lambda one: -one.scores * found.fused[one])[:MOST_TRIED]


def _seen(evidence: Evidence) -> Attention | None:
    """Such attention, where it takes time that is worth a look."""
    profile = evidence.profile
    if is_empty(profile) or evidence.facts.framework not in FRAMEWORKS:
        return None
    found = attention(profile)
    return found if profile.share_of(set(found.spans)) >= LEAST_ATTENTION else None


def _floor(evidence: Evidence, found: Attention, share: float) -> float | None:
    """What the fused operator would take, compared with what its parts took."""
    tried = {one: calls for one, calls in found.fused.items() if one in evidence.fused}
    if not tried:
        return None
    took_s = sum(evidence.fused[one] * calls for one, calls in tried.items())
    took_s *= _scores(found.fused) / _scores(tried)
    return bounded(took_s * 1e9 / (share * evidence.profile.wall_ns))


def _scores(calls: Mapping[FusedAttention, float]) -> float:
    return sum(one.scores * times for one, times in calls.items())


def _goes_backward(profile: Profile) -> bool:
    return any(op_name(span) == BACKWARD or span.details.get("phase") == "backward" for span in profile.spans)


HABIT = Habit(name=NAME, area="inference", detect=detect, advice_only=True, wants=wants)
