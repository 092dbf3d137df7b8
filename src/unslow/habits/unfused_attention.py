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
halved, less is not worth its while. Inference on the processor has a floor, the micro-benchmark of this machine
"fused/unfused:attention" (or "-bfloat16", by the type of most of it); elsewhere none is known, and the finding is not
scored. Source: Dao et al., *FlashAttention* (2022), which reports 2 to 4 times the speed of the operators one by one on
long sequences.

When it does not matter
-----------------------
For short sequences: the scores then fit into the cache anyway. When a compiler has joined them.

Risk
----
The sums are made in another order, so answers differ in the last digits. The scores themselves cannot be had from the
fused operator; a bias that needs a gradient, or dropout on the processor, makes it take the slow way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Profile
from unslow.core.units import share as show_share
from unslow.habits._attention import BACKWARD, attention
from unslow.habits._eager import LEAST_ATTENTION
from unslow.habits._floors import bounded
from unslow.habits._ops import array_inputs, op_name
from unslow.habits._shares import is_empty

NAME, FLOOR = "unfused-attention", "fused/unfused:attention"
SUFFIX_OF = {"float32": "", "bfloat16": "-bfloat16"}
FRAMEWORKS = frozenset({"torch", "exported", "script"})
ADVICE = (
    "Call torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=…) in place of the products and the "
    "softmax (is_causal=True for a causal mask); nn.MultiheadAttention does with need_weights=False, models of "
    "transformers with attn_implementation='sdpa'."
)


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all such attention."""
    profile = evidence.profile
    if is_empty(profile) or evidence.facts.framework not in FRAMEWORKS:
        return
    found = attention(profile)
    share = profile.share_of(set(found.spans))
    if share < LEAST_ATTENTION:
        return
    numbers: dict[str, EvidenceValue] = {
        "attention_share": share,
        "softmax_calls_per_step": round(found.calls / max(1, len(profile.steps)), 2),
    }
    title = f"{show_share(share)} of the time is attention in single operators: product, softmax, product."
    if found.shapes:
        batches, queries, keys = max(found.shapes)
        numbers |= {"score_matrices": batches, "queries": queries, "keys": keys}
        title = title[:-1] + f"; the scores of {queries:,} queries and {keys:,} keys are written out."
    yield Finding(NAME, title, min(1.0, share), _floor(evidence, found.spans), numbers, advice=ADVICE)


def _floor(evidence: Evidence, attention: Iterable[int]) -> float | None:
    """For numbers of the type that most of its operators take; float32, where the recording does not say."""
    types = Counter(dtype for place in attention for dtype, _ in array_inputs(evidence.profile.spans[place]))
    dtype = types.most_common(1)[0][0] if types else "float32"
    measured = evidence.machine.floors.get(f"{FLOOR}{SUFFIX_OF[dtype]}") if dtype in SUFFIX_OF else None
    if measured is None or evidence.profile.devices or _goes_backward(evidence.profile):
        return None
    return bounded(measured)


def _goes_backward(profile: Profile) -> bool:
    return any(op_name(span) == BACKWARD or span.details.get("phase") == "backward" for span in profile.spans)


HABIT = Habit(name=NAME, area="inference", detect=detect, advice_only=True)
