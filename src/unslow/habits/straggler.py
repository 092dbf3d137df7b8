"""One device comes last to every exchange, and all others wait for it there.

What it is
----------
Training on several devices, of which one has more to do (longer sequences, a larger shard, a pipeline's longest stage),
is slower (hot, shared, of an older kind), or is fed later by its host.

Why it is slow
--------------
An exchange of gradients ends when the last device has come. So a step takes as long as the slowest of them, however
many there are, and all others spend the difference waiting.

How it shows
------------
In each step, the device that spends the least time in exchanges that hide behind nothing: what the others wait longer,
on average, is at stake, and whether it is the same device in all steps is told. The threshold is 5 % of the steps: half
of the part of barriers at which XProf speaks, since each of the others waits as long. Nothing of it must remain, where
the last device is made as quick as the others. Sources: XProf's rule for barriers, HolisticTraceAnalysis' late starts
of collectives.

When it does not matter
-----------------------
When the devices compute different things by design, and the others have nothing else to do (the stages of a pipeline
while it fills).

Risk
----
None of its own. Batches of like lengths change the order of the samples.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._ranks import LEAST_WAITED, Late, exposed_communication, late

NAME, SAME = "straggler", 0.75
CHANGES = (
    "Give all ranks batches of like length in each step: sort the samples by length into buckets that all draw from, "
    "or cut batches by tokens instead of samples."
)
COMPUTES = (
    "Give it as much work as the others (samples of like length in each rank's batch, equal shards), and look whether "
    "it is hot, throttled, shared or of another kind: nvidia-smi -q -d PERFORMANCE,CLOCK."
)
IDLES = (
    "Look at its host's side: its loader, its processor cores (pin each rank to its own), files that only it writes, "
    "such as checkpoints and logs of rank 0."
)


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that comes last."""
    last = late(evidence)
    if last is None or last.waited < LEAST_WAITED:
        return
    advice = CHANGES if last.always < SAME else COMPUTES if last.computing >= last.idle else IDLES
    title = f"{_who(last)}; the others wait for it {show_share(last.waited)} of the time."
    numbers: dict[str, EvidenceValue] = {
        "waited_share": last.waited,
        "part_by_the_same_device": last.always,
        "more_computing_share": last.computing,
        "more_idle_share": last.idle,
    }
    for device in evidence.profile.devices:
        numbers[f"exposed_communication_share ({device.name})"] = exposed_communication(device)
    yield Finding(NAME, title, min(1.0, last.waited), 0.0, numbers, advice=advice)


def _who(last: Late) -> str:
    if last.always < SAME:
        return f"Another device comes last in each step ({last.device.name} is it for {show_share(last.always)} of it)"
    computes = last.computing >= last.idle
    why = f"computes {show_share(last.computing)}" if computes else f"idles {show_share(last.idle)}"
    return f"{last.device.name} comes last to the exchanges, since it {why} of the time longer"


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
