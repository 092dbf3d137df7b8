"""Computes in float16: 16-bit floats with 3 to 4 decimal digits and a small range.

What it is
----------
Weights and intermediate results are held in half the bits, the answers are given in their old type.

Why it is slow
--------------
Full precision moves twice the bytes, and processors with float16 instructions (AVX512-FP16, AMX-FP16) compute twice
as many or more of these numbers at a time.

How it shows
------------
The habit `full-precision-compute`: the share of the time in float32 matrix products. What float16 takes of it is not
among this machine's micro-benchmarks, since few processors compute in it: the race shows it.

When it does not matter
-----------------------
On processors without these instructions, which are most: there float16 is emulated, and slower than float32. Graphics
processors have them.

Risk
----
Numbers above 65504 become infinite, and small ones vanish; then the answers are wrong or not numbers. `bfloat16` has
no such limit, with one digit less.
"""

from __future__ import annotations

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._instructions import lacks_float16
from unslow.fixes._settings import TORCH_RUNTIMES, half_precision, output_types, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Converts the whole model; torch's autocast on processors prefers bfloat16."""
    return with_settings(workload, dtype="float16", output_dtypes=output_types(workshop.facts))


def refuses(setting: Setting) -> str:
    """Refused without the instructions, where they are known not to pay, and where 16 bits are used already."""
    if half_precision(setting.workload):
        return "the model already computes in 16 bits"
    missing = why_slower(setting)
    return f"this processor has {missing}" if missing else ""


def why_slower(setting: Setting) -> str:
    """The instructions that are missing."""
    return lacks_float16(setting.machine)


FIX = Fix(
    name="float16",
    does="computes in 16-bit floats with a small range",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    refuses=refuses,
    extra="torch",
    libraries=("torch",),
    odds=0.3,
    build_seconds=1.0,
    why_slower=why_slower,
)
