"""Part of the computing is spent on padding: tokens that a mask switches off again.

What it is
----------
Texts of different lengths share an array, so the shorter ones are filled up to the longest, or all of them to a fixed
length such as 512. A mask tells the model to ignore the filling, after everything for it has been computed.

Why it is slow
--------------
Every layer computes every position. With 60 % padding, 60 % of the matrix products are for nothing. Attention
compares each position with each other one, so there the waste is 1 - (1 - 0.6)², or 84 %.

How it shows
------------
The part of the tokens that the mask switches off, times the compute time of the operators whose work grows with the
number of tokens; for attention and softmax, the square of what is left. All of that is waste: nothing must remain.
There is no threshold on the padding itself (any is waste); the share of the time must reach 1 %, below which a
recording's noise is larger. Source: counted in the workload's own masks; in a script, in some of the masks that its
model is called with as `attention_mask`, of which forward and backward are then at stake.

When it does not matter
-----------------------
When requests are of like length. On accelerators whose compilers need fixed shapes, where a few padded lengths are
the price of not compiling anew.

Risk
----
Shapes vary from call to call, and compiled models may have to be compiled once per length. A model that ignores its
mask in some layer (a mean over all positions) gives other answers without padding: compare them.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import ScriptFacts
from unslow.core.units import share as show_share
from unslow.habits._ops import Kind
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty, shares_by_kind

NAME = "padding-waste"
NEARER, ALL_NEARER = 0.1, 0.5
"""What remains takes so much less than its part of the time at best, from so much padding on, and below it in
proportion: smaller arrays lie nearer, in the caches. Source: batches of a transformer encoder, cut to half, of which
tokens and their squares leave 0.40 of the time, take 0.36 of it."""
_SQUARED: frozenset[Kind] = frozenset(("attention", "softmax"))
_ADVICE = "Cut each batch at its own longest request, and batch requests of like length together."

_SCRIPT_ADVICE = "Pad each batch to its own longest text (a collate_fn, `padding='longest'`), and batch like lengths."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if the mask switches tokens off and computing them takes time."""
    profile, facts = evidence.profile, evidence.facts
    if facts.script is not None:
        yield from _of_a_script(evidence, facts.script)
        return
    padding = min(1.0, facts.padding_share)
    if padding <= 0:
        return
    numbers: dict[str, EvidenceValue] = {"padding_share": padding, "padding_mask": facts.padding_mask}
    if is_empty(profile):
        title = f"{show_share(padding)} of the tokens are padding; how much of the time they take is not known."
        yield Finding(NAME, title, 1.0, None, numbers, advice=_ADVICE)
        return
    shares = shares_by_kind(profile)
    squared = sum(share for kind, share in shares.items() if kind in _SQUARED)
    linear = sum(shares.values()) - squared
    at_stake = min(1.0, linear * padding + squared * (1 - (1 - padding) ** 2))
    if at_stake < LEAST_SHARE:
        return
    numbers |= {"token_compute_share": min(1.0, linear + squared), "attention_share": squared}
    title = f"{show_share(padding)} of the tokens are padding: {show_share(at_stake)} of the time is spent on them."
    yield Finding(NAME, title, at_stake, 0.0, numbers, advice=_ADVICE, rest_at_best=_nearer(padding))


def _of_a_script(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call of a model whose `attention_mask` switches most tokens off; backward computes them too."""
    masked = [noted for noted in script.of_kind("forward") if noted.details["masked"] and noted.times_in_steps]
    if not masked:
        return
    call = max(masked, key=lambda noted: noted.times_in_steps * noted.details["masked"] / noted.details["mask_size"])
    padding, cut = (call.details[name] / call.details["mask_size"] for name in ("masked", "cut"))
    computing = min(1.0, phase_share(evidence, "forward") + phase_share(evidence, "backward"))
    numbers: dict[str, EvidenceValue] = {"padding_share": padding, "cut_share": cut, "compute_share": computing}
    if is_empty(evidence.profile):
        title = f"{show_share(padding)} of the tokens are padding; how much of the time they take is not known."
        yield Finding(NAME, title, 1.0, None, numbers, str(call.site), _SCRIPT_ADVICE)
    elif padding * computing >= LEAST_SHARE:
        title = f"{show_share(padding)} of the tokens of a batch are padding, and are computed like all others."
        yield Finding(NAME, title, padding * computing, 0.0, numbers, str(call.site), _SCRIPT_ADVICE, _nearer(padding))


def _nearer(padding: float) -> float:
    return 1 - NEARER * min(1.0, padding / ALL_NEARER)


HABIT = Habit(name=NAME, area="numbers", detect=detect)
