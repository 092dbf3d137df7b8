"""Every step asks a tensor for its value, and waits until it has been computed.

What it is
----------
`loss.item()`, `.tolist()`, `float(loss)`, `if loss > 10:`, `.cpu()`, or a `print` of a tensor, in each step.

Why it is slow
--------------
A device computes what Python has asked for while Python goes on asking. A value that Python needs makes it wait until
the device has done all of it; then the device waits for Python. On a processor nothing is waited for, and a call takes
a microsecond.

How it shows
------------
The part of the wall time inside such calls of the script's own, made in every second step or more. The threshold is 2 %
of the step. Of a recording with a device: the part of the steps in which the host waits for the device and that has
nothing left to do, with such a call in every second step or more. How much of it must remain is not known: the device
has to compute it all the same. The finding is not scored. Source of the threshold: nsys-ai calls synchronisation
excessive from 2 % of the device's time on.

When it does not matter
-----------------------
On a processor, unless steps take microseconds. When the value decides what is done next.

Risk
----
What is asked for later is known later: a loss that is not finite is noticed after more steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._script import mean_step_s, per_step, phase_share
from unslow.habits._shares import is_empty

NAME = "sync-every-step"
LEAST = 0.02
EVERY_SECOND = 0.5
IN_A_PHASE = ("item", "tolist")
ADVICE = "Add values up on the device, and ask for them once in many steps or after the loop."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the call that is waited for longest."""
    if evidence.profile.devices:
        yield from _recorded(evidence)
        return
    script = evidence.facts.script
    if script is None or evidence.facts.seconds_per_request <= 0:
        return
    asked = [noted for noted in script.of_kind("sync") if noted.times_in_steps >= EVERY_SECOND * script.noted_steps]
    others = [noted for noted in asked if noted.details["call"] not in IN_A_PHASE]
    waited_s = sum(per_step(noted.seconds_in_steps, script) for noted in others)
    share = min(1.0, phase_share(evidence, "sync") + waited_s / mean_step_s(evidence))
    if not asked or share < LEAST:
        return
    longest = max(asked, key=lambda noted: noted.seconds_in_steps)
    title = f"{show_share(share)} of a step waits for values of tensors that the script asks for in every step."
    numbers = {
        "sync_share": share,
        "calls_per_step": round(sum(noted.times_in_steps for noted in asked) / script.noted_steps, 2),
        "call": longest.details["call"],
        "device": longest.details["device"],
    }
    yield Finding(NAME, title, share, None, numbers, str(longest.site), ADVICE)


def _recorded(evidence: Evidence) -> Iterator[Finding]:
    """One finding, named by the call of the driver that is waited in longest."""
    profile = evidence.profile
    if is_empty(profile):
        return
    calls: Counter[str] = Counter()
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        if span.category == "sync" and span.parent >= 0:
            calls[span.name] += own_ns
    share = profile.shares["sync"]
    per_step = sum(span.category == "sync" for span in profile.spans) / len(profile.steps)
    if share < LEAST or per_step < EVERY_SECOND:
        return
    longest = calls.most_common(1)[0][0]
    title = f"{show_share(share)} of a step the host waits for a device that has done all it was asked for ({longest})."
    numbers: dict[str, EvidenceValue] = {"sync_share": share, "calls_per_step": round(per_step, 2), "call": longest}
    yield Finding(NAME, title, share, None, numbers, advice=ADVICE)


HABIT = Habit(name=NAME, area="host", detect=detect)
