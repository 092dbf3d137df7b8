"""Matrix products run in bfloat16 on a processor that has no instructions for it, and takes longer than in float32.

What it is
----------
The model was made bfloat16, or runs under `torch.autocast`, as graphics processors and newer servers like it. This
processor has no instructions for such numbers.

Why it is slow
--------------
Each number is made a float32, computed with, and rounded back. A product then takes several times as long as it would
in float32, though it moves half of the bytes.

How it shows
------------
The own time of matrix products and convolutions on bfloat16 arrays, where the micro-benchmark
"bfloat16/float32:matmul" of this machine, or its ":conv" twin, is above 1. What must remain is not known: that is the
least of what several sizes lose, and some layouts take a far slower path (seen: 2.1 by the micro-benchmark, 17 in a
training script). The threshold is 1 % of the wall time, below which a recording's noise is larger.
Where the recording shows no time, most of the weights being bfloat16 are evidence enough. Source: the micro-benchmark
itself; the complaint is frequent (mixed precision that makes training slower on a CPU).

When it does not matter
-----------------------
When memory is what is short: weights in bfloat16 take half of it. When the program runs elsewhere in the end.

Risk
----
None for the answers, which become more exact. Weights and activations take twice the memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._imitated import SHORT, is_imitated, times_as_long
from unslow.habits._shares import LEAST_SHARE, is_empty, shares_by_kind

NAME = "short-numbers-emulated"
ADVICE = (
    "Compute in float32 on this machine: `model.float()`, and no autocast (`enabled=False`) where there is no device."
)


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if products take time in bfloat16, and float32 is faster here."""
    profile, slower = evidence.profile, times_as_long(evidence.machine)
    if not slower or profile.devices:
        return
    weights = evidence.facts.parameter_bytes
    numbers: dict[str, EvidenceValue] = {f"times_as_long_{kind}": ratio for kind, ratio in slower.items()}
    numbers["bfloat16_parameter_bytes"] = weights.get(SHORT, 0)
    if is_empty(profile):
        if weights.get(SHORT, 0) * 2 > sum(weights.values()):
            title = "The weights are bfloat16, which this processor takes longer for than for float32."
            yield Finding(NAME, title, 1.0, None, numbers, advice=ADVICE)
        return
    shares = shares_by_kind(profile, lambda span: is_imitated(span, evidence.machine))
    share = min(1.0, sum(shares.values()))
    if share < LEAST_SHARE:
        return
    ratio = max(slower[kind] for kind in shares)
    title = (
        f"{show_share(share)} of the time goes to products in bfloat16, which this processor imitates: "
        f"{ratio:.1f} times float32's time at the least."
    )
    yield Finding(NAME, title, share, None, numbers, advice=ADVICE)


HABIT = Habit(name=NAME, area="numbers", detect=detect, advice_only=True)
