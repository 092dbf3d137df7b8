"""Switches the model to evaluation mode: no dropout, and batch normalisation with its stored statistics.

What it is
----------
PyTorch modules start in training mode, where dropout throws values away at random and batch normalisation computes
the statistics of each batch. This fix calls `model.eval()`, which switches both to what they do in use.

Why it is slow
--------------
Random masks are drawn and multiplied in for each dropout. Statistics are computed where stored ones would do, and a
normalisation with stored statistics can be folded into the layer before it. Fast paths (of attention, for example)
are taken in evaluation mode only.

How it shows
------------
The habit `train-mode-at-inference` names the modules that are still in training mode and behave differently there.
Often the same request gets two different answers.

When it does not matter
-----------------------
When the model has neither dropout nor batch normalisation: both modes compute the same.

Risk
----
The answers change, to what the model was trained to answer; nobody wants the random ones, except for estimates of
uncertainty by repeated dropout, which this fix would end. A model in training mode is compared in evaluation mode,
and the report says so.
"""

from __future__ import annotations

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `eval` on; nothing where no module is in training mode."""
    return with_settings(workload, eval=True) if workshop.facts.training else workload


def refuses(setting: Setting) -> str:
    """Refused where it is on already, or where no module would behave differently."""
    if setting.workload.model.settings.get("eval"):
        return "the model already runs in evaluation mode"
    return "" if setting.facts.training else "no part of the model behaves differently in evaluation mode"


FIX = Fix(
    name="eval-mode",
    does="switches the model to evaluation mode, where dropout is off and stored statistics are used",
    tag="exact",
    slot="evaluation",
    treats=("train-mode-at-inference",),
    runtimes=frozenset({"torch-module"}),
    apply=apply,
    refuses=refuses,
    extra="torch",
    libraries=("torch",),
    odds=0.8,
    build_seconds=0.1,
)
