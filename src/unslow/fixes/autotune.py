"""Lets cuDNN time its convolution algorithms at their first call and keep the fastest.

What it is
----------
`torch.backends.cudnn.benchmark = True`.

Why it is slow
--------------
Otherwise cuDNN guesses an algorithm from the shapes alone.

How it shows
------------
The habit `autotune-off`.

When it does not matter
-----------------------
Without convolutions, without an NVIDIA GPU, or when each batch has another shape: each new one is timed anew.

Risk
----
The algorithms sum in different orders, and which one is taken may differ from run to run: losses are no longer the same
to the bit from the same seed. The first steps take longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import called_models, early_place
from unslow.fixes._script import SCRIPT, site_of, with_change

NAME = "autotune"
LINE = "torch.backends.cudnn.benchmark = True"
WARM_STEPS = 5
"""Steps in which algorithms are still timed."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters, WARM_STEPS)


def refuses(setting: Setting) -> str:
    """Refused without convolutions on an NVIDIA GPU, and where no line can be put before the models."""
    known = [noted.details for noted in called_models(setting)]
    if not any(details["device"] == "cuda" and details["convolutions"] for details in known):
        return "no model with convolutions is called on an NVIDIA GPU"
    return "" if early_place(setting) else "no call of the script's own shows where the switch could stand"


def space(setting: Setting) -> Sequence[Parameters]:
    place = early_place(setting)
    return ({"site": to_json(place)},) if place else ()


def install(parameters: Parameters) -> None:
    """As soon as the script has imported torch."""
    from unslow.scripts.imports import when_imported

    def switch(torch: Any) -> None:
        torch.backends.cudnn.benchmark = True

    when_imported("torch", switch)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """A line after the imports of that file."""
    return (Edit(site_of(parameters), switches=(LINE,), imports=("import torch",)),)


FIX = Fix(
    name=NAME,
    does="lets cuDNN time its convolution algorithms and keep the fastest",
    tag="numeric",
    slot="autotune",
    treats=("autotune-off",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.5,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
