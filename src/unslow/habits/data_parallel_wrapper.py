"""One process drives several devices with `torch.nn.DataParallel`.

What it is
----------
`model = torch.nn.DataParallel(model)`: in every step one process copies the whole model to each device, sends each its
part of the batch, runs them with a thread each, and gathers answers and gradients on the first one.

Why it is slow
--------------
All weights travel in every step, and nothing of that is hidden behind computing. The threads share one interpreter, so
that they launch their work in turn. The first device has the losses, the optimizer and everybody's answers, and the
others wait for it.

How it shows
------------
In a script: the call, with two devices or more. In a recording of two devices or more: its own mark,
`DataParallel.forward`, or the operators that it is made of (`Broadcast`, `Scatter`, `Gather`, `ReduceAddCoalesced`).
At stake in a recording is the time in which the busiest device exchanges or copies between devices, or waits for the
host within the wrapper, and computes nothing; in a script the forward and the backward pass. How much of it
`DistributedDataParallel` leaves is not known: the finding is not scored. Source: PyTorch's TensorBoard plugin, whose
rule is the same mark with more than one device.

When it does not matter
-----------------------
With one device, or none: it then calls the model and nothing else. When the model is small and the batch is large.

Risk
----
`DistributedDataParallel` needs one process for each device: each has its own loader (a DistributedSampler), random
state and logs, and batch norm sees the batch of one device alone, as before.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.profile import Profile, Span
from unslow.core.units import share as show_share
from unslow.habits._devices import WITHIN
from unslow.habits._script import phase_share
from unslow.habits._shares import is_empty

NAME, MARK = "data-parallel-wrapper", "DataParallel.forward"
PARTS = frozenset({"broadcast", "scatter", "gather", "reduceaddcoalesced"})
"""Functions of torch.nn.parallel, recorded without a namespace (torch's own gather is `aten::gather`)."""
ADVICE = (
    "Wrap it into torch.nn.parallel.DistributedDataParallel instead, one process for each device: torchrun "
    "--nproc-per-node=N train.py, torch.distributed.init_process_group('nccl'), a DistributedSampler for the loader."
)


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, of the script's own call or of what was recorded."""
    script = evidence.facts.script
    wrapped = [noted for noted in script.of_kind("data-parallel") if noted.details["devices"] > 1] if script else []
    if wrapped:
        devices = int(wrapped[0].details["devices"])
        share = min(1.0, phase_share(evidence, "forward") + phase_share(evidence, "backward"))
        yield _finding(devices, share or 1.0, str(wrapped[0].site))
    elif not is_empty(evidence.profile) and len(evidence.profile.devices) > 1 and _is_wrapped(evidence.profile):
        yield _finding(len(evidence.profile.devices), _at_stake(evidence.profile), "")


def _finding(devices: int, share: float, site: str) -> Finding:
    title = f"One process drives {devices} devices with DataParallel: {show_share(share)} of the time is at stake."
    return Finding(NAME, title, share, None, {"devices": devices, "share_at_stake": share}, site, ADVICE)


def _is_wrapped(profile: Profile) -> bool:
    operators = {str(one.details.get("op", "")) for device in profile.devices for one in device.activities}
    return any(_is_part(name) for name in operators) or any(_is_own(span) for span in profile.spans)


def _is_part(name: str) -> bool:
    return "::" not in name and name.lower().removesuffix("backward") in PARTS


def _is_own(span: Span) -> bool:
    return span.name == MARK or ("::" not in span.name and _is_part(str(span.details.get("op", ""))))


def _at_stake(profile: Profile) -> float:
    """What the busiest device does for the wrapper, or waits for in it."""
    chosen = {
        place
        for place, span in enumerate(profile.spans)
        if span.category == "communication"
        or _is_own(span)
        or (span.category == "transfer" and span.details.get("direction") in (WITHIN, "peer-to-peer"))
    }
    return min(1.0, profile.share_of(chosen))


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
