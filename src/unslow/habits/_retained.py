"""What autograd keeps alive for a backward pass: about how many bytes, and the time that such memory may cost."""

from __future__ import annotations

from math import prod

from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.habits._ops import array_inputs, kind_of
from unslow.habits._shares import operators, shares_by_kind

FIRST_TOUCH_BYTES_PER_S = 1e9
"""As slow as pages are handed out: 4 µs for one of 4 KiB, several times what virtual machines take."""
_PRODUCTS = frozenset({"matmul", "conv", "attention"})
_KEEPS_ITS_INPUT = frozenset({"matmul", "conv", "attention", "elementwise", "softmax", "normalisation", "dropout"})
_ITEM_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


def memory_share(evidence: Evidence, retained_bytes: int) -> float:
    """At most what the memory of kept arrays costs: all that is no product, and the first touch of fresh pages."""
    moving = sum(part for kind, part in shares_by_kind(evidence.profile).items() if kind not in _PRODUCTS)
    seconds = evidence.facts.seconds_per_request
    return moving + (retained_bytes / FIRST_TOUCH_BYTES_PER_S / seconds if seconds else 0.0)


def retained_bytes_per_request(profile: Profile) -> int:
    """About how many bytes of arrays autograd keeps for one request: each computing operator's first array input."""
    total = 0
    for span, _ in operators(profile):
        inputs = array_inputs(span)
        if inputs and kind_of(span) in _KEEPS_ITS_INPUT:
            dtype, shape = inputs[0]
            total += round(prod(shape) * _ITEM_BYTES.get(dtype, 0) * span.calls)
    return total // max(1, profile.requests or len(profile.steps))
