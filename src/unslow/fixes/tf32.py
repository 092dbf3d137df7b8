"""Lets a GPU read the float32 numbers of its products as TF32.

What it is
----------
`torch.set_float32_matmul_precision("high")`, and the same switch of cuDNN's for convolutions. Types stay float32.

Why it is slow
--------------
In full float32 the tensor cores lie idle, which multiply several times as fast.

How it shows
------------
The habit `tf32-off`.

When it does not matter
-----------------------
On GPUs before Ampere (compute capability 8), and where products are in 16 bits already.

Risk
----
A product's factors keep 10 bits of their fraction, some 3 decimal digits; sums are float32. Networks learn as well, as
a rule; linear algebra (inverses, long recurrences) may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import called_models, early_place
from unslow.fixes._script import SCRIPT, site_of, with_change

NAME = "tf32"
LEAST_CAPABILITY = 8
LINES = ('torch.set_float32_matmul_precision("high")', "torch.backends.cudnn.allow_tf32 = True")


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    """Refused where no GPU of the script's has it, or no line of the script's own can be put before its models."""
    able = [noted for noted in called_models(setting) if noted.details["capability"] >= [LEAST_CAPABILITY]]
    if not able:
        return "no model is called on a GPU that has TF32"
    return "" if early_place(setting) else "no call of the script's own shows where the switch could stand"


def space(setting: Setting) -> Sequence[Parameters]:
    place = early_place(setting)
    return ({"site": to_json(place)},) if place else ()


def install(parameters: Parameters) -> None:
    """As soon as the script has imported torch."""
    from unslow.scripts.imports import when_imported

    def switch(torch: Any) -> None:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True

    when_imported("torch", switch)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """Two lines after the imports of that file."""
    return (Edit(site_of(parameters), switches=LINES, imports=("import torch",)),)


FIX = Fix(
    name=NAME,
    does="lets a GPU read float32 numbers as TF32 in its products",
    tag="lossy",
    slot="tf32",
    treats=("tf32-off",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.7,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
