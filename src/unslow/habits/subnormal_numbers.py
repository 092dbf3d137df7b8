"""Weights or activations hold subnormal numbers, so close to zero that many processors compute them by a slow detour.

What it is
----------
The smallest ordinary float32 number is about 1.2e-38. Between it and zero lie the subnormal numbers, with fewer and
fewer digits. They come from weights that decayed for long, from signals that fade out, and from products of tiny
probabilities.

Why it is slow
--------------
Many processors have no circuit for them: each instruction that meets one is interrupted and finished by microcode,
some 150 cycles instead of 4 (Dooley and Kale, "Quantifying the interference caused by subnormal floating-point
values", 2006). One such number among the 16 of a vector instruction delays all 16.

How it shows
------------
The part of the non-zero values that are subnormal, at 0.01 % or more. Source of the threshold: at 0.01 %, one vector
instruction in 600 meets one; 150 cycles each make the 600, of some 4 cycles, 6 % slower. Fewer are not worth a
finding. At stake is the compute time of element-wise work, products, convolutions, normalisation, softmax,
sums and attention. What
must remain comes from the micro-benchmark "normal/subnormal:elementwise" of this machine, applied to the instructions
that can meet one: at most 16 times the share of the values. Where that shows no loss (many processors since 2012 lose
hardly anything), there is no finding.

When it does not matter
-----------------------
On processors that compute subnormals at full speed, on graphics processors, and when the values are switched off by a
mask before they meet arithmetic.

Risk
----
Treating them as zero changes results by less than 1.2e-38 each. Code that divides by a tiny number, or tests whether
a difference is exactly zero, may notice. The setting holds for the whole process.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._shares import LEAST_SHARE, is_empty, shares_by_kind

NAME = "subnormal-numbers"
FLOOR = "normal/subnormal:elementwise"
LEAST_SUBNORMAL_SHARE = 1e-4
VECTOR_LANES = 16
_MULTIPLIES = frozenset({"elementwise", "matmul", "conv", "normalisation", "attention", "softmax", "reduction"})
_ADVICE = "Let the processor treat them as zero (`torch.set_flush_denormal(True)`), or zero such weights and save them."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if enough values are subnormal, and this processor is not known to take them in its stride."""
    profile, subnormal = evidence.profile, evidence.facts.subnormal_share
    ratio = evidence.machine.floors.get(FLOOR)
    if subnormal < LEAST_SUBNORMAL_SHARE or (ratio is not None and ratio >= 1):
        return
    numbers: dict[str, EvidenceValue] = {"subnormal_share": subnormal}
    if ratio is not None:
        numbers["normal_to_subnormal_time_ratio"] = ratio
    title = f"{show_percent(subnormal)} of the values are subnormal"
    if is_empty(profile):
        title += "; how much of the time they cost is not known."
        yield Finding(NAME, title, 1.0, None, numbers, advice=_ADVICE)
        return
    at_stake = min(1.0, sum(share for kind, share in shares_by_kind(profile).items() if kind in _MULTIPLIES))
    if at_stake < LEAST_SHARE:
        return
    title += f", in arithmetic that takes {show_share(at_stake)} of the time."
    floor = None if ratio is None else floor_from(ratio, subnormal)
    yield Finding(NAME, title, at_stake, floor, numbers, advice=_ADVICE)


def show_percent(part: float) -> str:
    """A part down to hundredths of a percent: 0.0003 as "0.03 %"."""
    return f"{100 * part:.2g} %" if part < 0.01 else show_share(part)


def floor_from(ratio: float, subnormal: float) -> float:
    """What remains if one vector instruction in `1 / (16 * subnormal)` today takes `1 / ratio` times as long."""
    hit = min(1.0, VECTOR_LANES * subnormal)
    return 1 / (1 - hit + hit / max(ratio, 1e-6))


HABIT = Habit(name=NAME, area="numbers", detect=detect)
