"""cuDNN is not asked to try its convolution algorithms, although the shapes never change.

What it is
----------
cuDNN has several algorithms for each convolution. By default it guesses one; with `torch.backends.cudnn.benchmark` it
times them at the first call with a shape and keeps the fastest.

Why it is slow
--------------
The guess does not know the GPU's real times; for some shapes another algorithm takes half as long.

How it shows
------------
A model with convolutions on an NVIDIA GPU, whose inputs had one shape in all the steps that were seen (two, where an
epoch's last batch is smaller), while the switch is off. At stake are the forward and the backward pass; the threshold
is 5 % of a step (where data is waited for, of what is left without that). What must remain is not known on this
machine. Source: PyTorch's performance tuning guide ("enable cuDNN auto-tuner"). Only a live run shows it: a
recording does not say what the script could have set.

When it does not matter
-----------------------
When shapes change all the time: each new one is timed anew.

Risk
----
None of its own: see the fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._models import fixed_shapes, least_share, model_share, models, on_cuda

NAME = "autotune-off"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if every model with convolutions has fixed shapes: the switch is for all of them."""
    share = model_share(evidence)
    called = [noted for noted in models(evidence) if on_cuda(noted) and noted.details["convolutions"]]
    if share < least_share(evidence) or not called or not all(map(fixed_shapes, called)):
        return
    if any(noted.details["cudnn_benchmark"] is not False for noted in called):
        return
    numbers = {"model_share": share, "convolutions": sum(int(noted.details["convolutions"]) for noted in called)}
    title = (
        f"{show_share(share)} of a step goes to {numbers['convolutions']} convolutions of fixed shapes and what is "
        "around them, whose algorithms cuDNN only guesses."
    )
    advice = "Say torch.backends.cudnn.benchmark = True at the beginning."
    yield Finding(NAME, title, share, None, numbers, str(called[0].site), advice)


HABIT = Habit(name=NAME, area="device", detect=detect)
