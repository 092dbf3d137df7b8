"""Convolutions over images that lie in memory colour plane by colour plane.

What it is
----------
A batch of images has four axes: image, channel, row, column. PyTorch keeps whole planes of one channel by default
(NCHW). In `channels_last` (NHWC) all channels of a pixel lie side by side.

Why it is slow
--------------
Convolution kernels sum over the channels of a pixel, and read them side by side: oneDNN on processors and tensor cores
on GPUs first copy planes into another order, in each layer, forward and backward.

How it shows
------------
A script calls a model with two-dimensional convolutions in its steps, with inputs of four axes none of which lies
channels last. At stake is the own time of convolutions, normalisation, pooling and copies in the forward and the
backward pass, where operators were recorded on the processor; else both passes. The threshold is 5 % of a step
(where data is waited for, of what is left without that). What must remain is not known on this machine. Of a recording
with a device: the kernels that turn planes into channels last and back (`nchwToNhwc`), from 1 % of the step on, of
which nothing must remain. Source: PyTorch's channels-last tutorial (gains of 8 to 35 % in training), and the strides
and `nchwToNhwc` kernels that profilers of GPUs look for.

When it does not matter
-----------------------
When images have few channels throughout, or a compiler has chosen the layout already. On GPUs mostly in half precision.

Risk
----
None of its own: see the fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import Noted
from unslow.core.units import share as show_share
from unslow.habits._models import kinds_within, least_share, model_share, models, names_operators, on_cuda
from unslow.habits._ops import Kind

NAME = "not-channels-last"
ADVICE = "Lay the model and its images out with .to(memory_format=torch.channels_last)."
TURNS = re.compile("nchwToNhwc|nhwcToNchw", re.IGNORECASE)
TURNED = 0.01
_KINDS: tuple[Kind, ...] = ("conv", "normalisation", "reduction", "layout")


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all such models."""
    if evidence.profile.devices:
        yield from _recorded(evidence)
        return
    called = [noted for noted in models(evidence) if _in_planes(noted)]
    if not called:
        return
    if names_operators(evidence) and not any(map(on_cuda, called)):
        shares = kinds_within(evidence)
        share = sum(shares.get(kind, 0.0) for kind in _KINDS) if shares.get("conv") else 0.0
    else:
        share = model_share(evidence)
    if share < least_share(evidence):
        return
    convolutions = sum(int(noted.details["convolutions"]) for noted in called)
    numbers = {"image_share": share, "convolutions": convolutions}
    several = f"{convolutions} convolutions and what is around them"
    which = several if convolutions > 1 else "one convolution and what is around it"
    title = f"{show_share(share)} of a step goes to {which}, over images that lie in memory plane by plane."
    yield Finding(NAME, title, share, None, numbers, str(called[0].site), ADVICE)


def _recorded(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all kernels that only change the layout."""
    profile = evidence.profile
    turning = {place for place, span in enumerate(profile.spans) if TURNS.search(span.name)}
    share = profile.share_of(turning)
    if share < TURNED:
        return
    title = f"{show_share(share)} of a step turns images between planes (NCHW) and channels last (NHWC)."
    yield Finding(NAME, title, share, 0.0, {"turning_share": share, "kernels": len(turning)}, advice=ADVICE)


def _in_planes(called: Noted) -> bool:
    known = called.details
    return bool(known["convolutions"] and known["images"]) and not known["channels_last"] and not known["compiled"]


HABIT = Habit(name=NAME, area="device", detect=detect)
