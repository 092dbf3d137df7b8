"""Parts of a graph run on the processor though the rest runs on an accelerator.

What it is
----------
ONNX Runtime gives each node to the first provider that can run it. A node that the accelerator's provider cannot run
(an operator it lacks, a type, a dynamic shape) falls back to the processor.

Why it is slow
--------------
The node itself is slower there, and its inputs and outputs are copied between the two memories; the accelerator waits
for all of it.

How it shows
------------
Nodes of the provider `CPUExecutionProvider` beside nodes of another one: the part of the time that they and the copies
between (nodes whose type begins with `Memcpy`) take. The threshold is 1 % of the time. What must remain is not known.
Source: ONNX Runtime's own warning "Memcpy nodes are added to the graph".

When it does not matter
-----------------------
When those nodes compute shapes: ONNX Runtime keeps such small integers on the processor on purpose.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "cpu-fallback"
PROCESSOR = "CPUExecutionProvider"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, where a recording names providers of both kinds."""
    profile = evidence.profile
    if is_empty(profile):
        return
    provided = [(place, str(span.details.get("provider", ""))) for place, span in enumerate(profile.spans)]
    others = {provider for _, provider in provided} - {"", PROCESSOR}
    fallen = {place for place, provider in provided if provider == PROCESSOR}
    if not others or not fallen:
        return
    copied = {place for place, span in enumerate(profile.spans) if str(span.details.get("op", "")).startswith("Memcpy")}
    share = profile.share_of(fallen | copied)
    if share < LEAST_SHARE:
        return
    times_ns = Counter[str]()
    for place in fallen:
        times_ns[str(profile.spans[place].details.get("op", ""))] += profile.own_ns[place]
    longest = ", ".join(name for name, _ in times_ns.most_common(3))
    accelerator = min(others).removesuffix("ExecutionProvider")
    title = (
        f"{show_share(share)} of the time goes to {len(fallen)} nodes that run on the processor beside {accelerator} "
        f"({longest}), and to copies between the two."
    )
    numbers: dict[str, EvidenceValue] = {"fallback_share": profile.share_of(fallen), "nodes": len(fallen)}
    numbers["copies_share"] = profile.share_of(copied)
    advice = "Export with fixed shapes and operators that the provider has; or give the whole graph to the processor."
    yield Finding(NAME, title, share, None, numbers, advice=advice)


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
