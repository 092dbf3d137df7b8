"""Computes a script's models in 16-bit floats where that is held to be safe, and all else in float32.

What it is
----------
The forward call is made within `torch.autocast`: matrix products and convolutions take bfloat16 numbers, what is
sensitive (sums, norms, exponentials) stays in float32, and backward does as forward did. Weights and their updates stay
float32, and an answer that is a tensor is cast back, so that the loss is computed as before. On GPUs without units for
bfloat16 (compute capability below 8) it is float16, whose range is small: there the loss is scaled too
(`torch.amp.GradScaler`). Autocast leaves float64 as it is: a model in float64 is made float32 first (`float32`).

Why it is slow
--------------
In float32 the units for products of 16-bit numbers (tensor cores, AMX, AVX512-BF16) lie idle, and activations take
twice the memory.

How it shows
------------
The habit `matrix-units-unused`.

When it does not matter
-----------------------
When the processor has no such instructions: each number is then converted forth and back, and a step takes 5 to 8 times
as long. The report names what is missing. When the time does not go into products.

Risk
----
bfloat16 keeps 3 decimal digits. Most networks learn as well; the losses over several seeds must show it. Answers that
are no tensors (a dict, a tuple) come in the types that autocast leaves them in.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes import float32
from unslow.fixes._instructions import lacks_bfloat16
from unslow.fixes._loss_scaling import cannot_scale, install_scaling, scaled_calls, scaling_edits
from unslow.fixes._models import Call, around_models, called_models
from unslow.fixes._script import SCRIPT, changed_by, facts_of, site_of, with_change

NAME = "mixed-precision"
DEVICES = ("cpu", "cuda")
WIDE = ("float32", "float64")
NATIVE_BFLOAT16 = 8
"""The compute capability from which on a GPU multiplies bfloat16 natively."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    """Refused where the script does it by itself, and where no call can be changed."""
    if facts_of(setting).of_kind("autocast"):
        return "the script turns autocast on by itself"
    if not _calls(setting):
        if any(noted.weighs_mostly("float64") for noted in called_models(setting)):
            return "autocast leaves float64 as it is: it is tried on top of float32"
        return "no float32 model is called by the script's own source"
    return cannot_scale(setting) if _needs_float16(setting) else ""


def space(setting: Setting) -> Sequence[Parameters]:
    """All calls at once: half of them would mix the types."""
    calls = _calls(setting)
    if not calls or refuses(setting):
        return ()
    return ({"calls": calls, **(scaled_calls(setting) if _needs_float16(setting) else {})},)


def why_slower(setting: Setting) -> str:
    """The instructions that the processor lacks, where it is the one that computes."""
    on_cpu = any(noted.details["device"] == "cpu" for noted in called_models(setting))
    return lacks_bfloat16(setting.machine) if on_cpu else ""


def _calls(setting: Setting) -> list[dict[str, Any]]:
    return [
        {"site": to_json(noted.site), "device": noted.details["device"], "cast": noted.details["returns"] in WIDE}
        for noted in called_models(setting)
        if _is_float32_in(setting, noted) and noted.details["device"] in DEVICES
    ]


def _is_float32_in(setting: Setting, called: Noted) -> bool:
    """As the script makes it, or as `float32` does, where that is on board."""
    made_so = called.weighs_mostly("float64") and float32.NAME in changed_by(setting.workload)
    return called.weighs_mostly("float32") or made_so


def _needs_float16(setting: Setting) -> bool:
    capabilities: list[list[int]] = [noted.details["capability"] for noted in called_models(setting)]
    return any(capability and capability[0] < NATIVE_BFLOAT16 for capability in capabilities)


def install(parameters: Parameters) -> None:
    """Around the models at these calls; where the loss is scaled, at its own calls."""
    if "backward" in parameters:
        install_scaling(parameters)
    calls = {site_of(call): call for call in parameters["calls"]}

    def change(model: Any, call: Call, site: Site) -> Call:
        torch: Any = sys.modules["torch"]

        def computed(*args: Any, **kwargs: Any) -> Any:
            with torch.autocast(calls[site]["device"], getattr(torch, _dtype(parameters))):
                result = call(*args, **kwargs)
            return result.float() if calls[site]["cast"] else result

        return computed

    around_models(list(calls), change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`model(x)` becomes `torch.autocast("cpu", torch.bfloat16)(model)(x).float()`."""
    around = tuple(
        Edit(
            site_of(call),
            callee=f'torch.autocast("{call["device"]}", torch.{_dtype(parameters)})({{}})',
            result="{}.float()" if call["cast"] else "",
            imports=("import torch",),
        )
        for call in parameters["calls"]
    )
    return (*around, *scaling_edits(parameters)) if "backward" in parameters else around


def _dtype(parameters: Parameters) -> str:
    return "float16" if "backward" in parameters else "bfloat16"


FIX = Fix(
    name=NAME,
    does="computes a script's models in 16-bit floats where that is safe",
    tag="lossy",
    slot="precision",
    treats=("matrix-units-unused",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    # So low that what gave nothing once is not tried in other company: without the instructions it is 5 to 8 times
    # slower, and to have measured that once is enough.
    odds=0.25,
    build_seconds=0.5,
    why_slower=why_slower,
    install=install,
    edit=edit,
)
