"""A GPU multiplies float32 numbers in full, where it could take shortened ones (TF32) without any change of types.

What it is
----------
TF32 is how tensor cores read float32 numbers: all of the range, 10 bits of the fraction instead of 23. PyTorch leaves
it off for matrix products, and on for convolutions.

Why it is slow
--------------
In full float32 the tensor cores lie idle, which multiply several times as fast.

How it shows
------------
A float32 model on an NVIDIA GPU of compute capability 8 or above, called in the steps while
`torch.get_float32_matmul_precision()` is "highest" (or cuDNN's TF32 is off and the model has convolutions), without
autocast. At stake are the forward and the backward pass; the threshold is 5 % of a step (where data is waited for, of
what is left without that). What must remain is not known on this machine. Source: PyTorch's performance monitor and
profiler (`allow_tf32` false where it is supported); NVIDIA's Ampere documentation. Only a live run shows it: a
recording does not say what the script could have set.

When it does not matter
-----------------------
When products are in 16 bits already, or are small.

Risk
----
None of its own: see the fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import Noted
from unslow.core.units import share as show_share
from unslow.habits._models import is_float32, least_share, model_share, models, on_cuda

NAME = "tf32-off"
LEAST_CAPABILITY = 8


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all models of the script."""
    script, share = evidence.facts.script, model_share(evidence)
    called = [noted for noted in models(evidence) if on_cuda(noted) and is_float32(noted) and _is_off(noted)]
    if script is None or not called or script.of_kind("autocast") or share < least_share(evidence):
        return
    first = called[0]
    known = {
        "model_share": share,
        "matmul_precision": str(first.details["matmul_precision"]),
        "cudnn_tf32": bool(first.details["cudnn_tf32"]),
        "compute_capability": ".".join(map(str, first.details["capability"])),
    }
    title = f"{show_share(share)} of a step goes to models in full float32 on a GPU that could read it as TF32."
    advice = 'Say torch.set_float32_matmul_precision("high") at the beginning.'
    yield Finding(NAME, title, share, None, known, str(first.site), advice)


def _is_off(called: Noted) -> bool:
    known = called.details
    if not known["capability"] or known["capability"][0] < LEAST_CAPABILITY:
        return False
    return known["matmul_precision"] == "highest" or (known["cudnn_tf32"] is False and known["convolutions"] > 0)


HABIT = Habit(name=NAME, area="numbers", detect=detect)
