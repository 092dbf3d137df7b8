"""Computes in bfloat16: 16-bit floats with the range of 32-bit ones and 3 decimal digits.

What it is
----------
Weights and intermediate results are held in 16 bits. Either the whole model is converted (`form`: "dtype"), or only
the operations for which PyTorch holds it to be safe, the matrix products and convolutions ("autocast"). OpenVINO has
a switch of its own. Answers are given in their old type.

Why it is slow
--------------
Full precision moves twice the bytes. Processors with bfloat16 instructions (AVX512-BF16, AMX) multiply two pairs,
with AMX sixteen times as many, in the time of one 32-bit pair.

How it shows
------------
The habit `full-precision-compute`: the share of the time in float32 matrix products, and what bfloat16 takes of it on
this machine.

When it does not matter
-----------------------
On processors without these instructions, where each number is converted forth and back: slower, often many times. And
where the time goes into small operations.

Risk
----
3 digits are left. Classifiers rarely notice; regressions, distances between near neighbours, and long sums do. The
guard must show that the metric, or the agreement with the original, holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._instructions import lacks_bfloat16
from unslow.fixes._settings import TORCH_RUNTIMES, half_precision, no_gain, output_types, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the type in the way that the model's runtime has for it."""
    if workload.model.runtime == "openvino":
        return with_settings(workload, precision="bf16")
    answered = output_types(workshop.facts)
    if parameters.get("form", "dtype") == "autocast":
        return with_settings(workload, autocast="bfloat16", output_dtypes=answered)
    return with_settings(workload, dtype="bfloat16", output_dtypes=answered)


def refuses(setting: Setting) -> str:
    """Refused without the instructions, where they are known not to pay, and where 16 bits are used already."""
    settings = setting.workload.model.settings
    if half_precision(setting.workload) or settings.get("precision") == "bf16":
        return "the model already computes in 16 bits"
    if missing := why_slower(setting):
        return f"this processor has {missing}"
    return "" if setting.workload.model.runtime == "openvino" else no_gain(setting, "bfloat16")


def why_slower(setting: Setting) -> str:
    """The instructions that are missing."""
    return lacks_bfloat16(setting.machine)


def space(setting: Setting) -> Sequence[Parameters]:
    """The whole model first: casting weights at each call costs time, which autocast does where they are not frozen."""
    return ({},) if setting.workload.model.runtime == "openvino" else ({"form": "dtype"}, {"form": "autocast"})


FIX = Fix(
    name="bfloat16",
    does="computes in 16-bit floats with the range of 32-bit ones",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=TORCH_RUNTIMES | {"openvino"},
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.5,
    build_seconds=1.0,
    why_slower=why_slower,
)
