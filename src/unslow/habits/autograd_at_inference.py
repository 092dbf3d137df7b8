"""The model answers requests while PyTorch records everything for a backward pass that never comes.

What it is
----------
Outside `torch.inference_mode()` or `torch.no_grad()`, each operator also notes how its gradient would be computed,
and keeps the arrays that this would need. Training needs that. Answering requests does not.

Why it is slow
--------------
Twice. Each operator takes longer to start, since a node of the autograd graph is made (small layers suffer: a chain
of 60 operators on one row of 64 numbers took 0.35 ms with recording, 0.26 ms without). And no array may be released
before the answer is, so that each goes to fresh memory, which the system must hand out page by page: the same chain
on 2,048 rows, where 31 MB were kept, took 26.7 ms with recording and 11.1 ms without.

How it shows
------------
The outputs hang on an autograd graph (they require a gradient). The time at stake is what starts operators: the
category `framework`, and per operator what one costs before it computes anything. What must remain of it is the
micro-benchmark "inference_mode/autograd:dispatch" on this machine. Where a request keeps more than 2 MB of arrays
(estimated: the first input of each computing operator), what is no product is at stake too, and the first touch of that
memory, at the slowest 4 µs a page; products compute the same either way. Where the model has fused transformer layers
that PyTorch only uses without autograd (source: the conditions in `torch.nn.TransformerEncoderLayer.forward`), all the
computing is at stake, and no floor is known. Source of the 2 MB: the chain above on 1 to 4,096 rows; its loss exceeded
that of starting operators from 2 MB on, and was 1.7-fold at 16 MB. Of a script that calls a model and never asks for a
gradient, all that its forward calls take is at stake, and their place is named.

When it does not matter
-----------------------
When a few long operators take all the time and keep little. When gradients are what the request asks for, such as
saliency maps.

Risk
----
None for the answers: the same operators compute the same numbers. Code that later asks for a gradient of the outputs
fails.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import ScriptFacts
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._evaluation_path import loses_fused_path
from unslow.habits._floors import Part, joined
from unslow.habits._retained import memory_share, retained_bytes_per_request
from unslow.habits._scoring import most_called, scoring_calls
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, host_share, is_empty, operators_per_request

NAME = "autograd-at-inference"
FLOOR = "inference_mode/autograd:dispatch"
RETAINED_BYTES = 2e6
_ADVICE = "Answer requests inside `with torch.inference_mode():`."
_SCRIPT_ADVICE = "Call the model inside `with torch.inference_mode():`."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if the outputs of a request hang on an autograd graph."""
    profile, facts = evidence.profile, evidence.facts
    if facts.script is not None:
        yield from _of_a_script(evidence, facts.script)
        return
    if not facts.grad_recorded:
        return
    if is_empty(profile):
        title = "Autograd records every request, for a backward pass that never comes."
        yield Finding(NAME, title, 1.0, None, {"grad_recorded": True}, advice=_ADVICE)
        return
    retained = retained_bytes_per_request(profile)
    numbers: dict[str, EvidenceValue] = {
        "grad_recorded": True,
        "operators_per_request": round(operators_per_request(profile), 1),
        "dispatch_us_per_operator": round(facts.dispatch_seconds * 1e6, 2),
        "retained_bytes_per_request": retained,
        "peak_memory_bytes": facts.peak_memory_bytes,
        "fused_layers_off": loses_fused_path(facts),
    }
    if loses_fused_path(facts):
        at_stake = min(1.0, profile.shares["framework"] + profile.shares["compute"])
        why = "switching fused layers off"
        title = f"Autograd records every request, {why}: up to {show_share(at_stake)} of the time is at stake."
        yield Finding(NAME, title, at_stake, None, numbers, advice=_ADVICE)
        return
    starts = Part(host_share(evidence), evidence.machine.floors.get(FLOOR))
    if retained < RETAINED_BYTES:
        told = f"{show_share(starts.share)} of the time starts operators, partly for it."
        title = f"Autograd records every request: {told}"
        part = joined([starts])
    else:
        # The products compute the same; what moves memory may be all for what autograd keeps.
        part = joined([starts, Part(min(1 - starts.share, memory_share(evidence, retained)), 0.0)])
        title = (
            f"Autograd records every request, keeping about {size(retained)} a request: up to "
            f"{show_share(part.share)} of the time is at stake."
        )
    yield Finding(NAME, title, part.share, part.floor, numbers, advice=_ADVICE)


def _of_a_script(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call of a model that most often answers with a graph; what it takes is at stake."""
    calls = tuple(noted for noted in scoring_calls(script) if noted.details["with_graph"])
    if not calls:
        return
    call, share = most_called(calls), phase_share(evidence, "forward")
    if not is_empty(evidence.profile) and share < LEAST_SHARE:
        return
    retained = retained_bytes_per_request(evidence.profile)
    floor = evidence.machine.floors.get(FLOOR) if 0 < retained < RETAINED_BYTES and share else None
    numbers: dict[str, EvidenceValue] = {"forward_share": share, "retained_bytes_per_step": retained}
    numbers |= {"calls_with_a_graph": call.details["with_graph"], "places": len(calls)}
    told = f"{show_share(share)} of a step is the model." if share else "how much of a step the model takes is unknown."
    title = f"Autograd records every call of {call.details['model']}, for a backward pass that never comes; {told}"
    yield Finding(NAME, title, share or 1.0, floor, numbers, str(call.site), _SCRIPT_ADVICE)


HABIT = Habit(name=NAME, area="inference", detect=detect)
