"""Computes in 32-bit floats what was computed in 64-bit ones.

What it is
----------
The weights and the inputs become 32-bit floats (7 decimal digits); the answers are given in their old type. Models
become 64-bit by accident: a NumPy array is 64-bit unless said otherwise, and one such array in the weights makes all
that follows 64-bit.

Why it is slow
--------------
64-bit numbers take twice the memory and twice the time to move, and a vector instruction computes half as many of
them. Some engines have no good 64-bit kernels at all.

How it shows
------------
The habit `float64-compute`: the share of the time in operations on 64-bit floats, and what 32-bit ones take of it on
this machine (half, as a rule).

When it does not matter
-----------------------
When the 64-bit part is small, or when the digits are needed: long sums, differences of nearly equal numbers, physics.

Risk
----
Answers differ from the 7th digit on. unslow measures how much on each request.
"""

from __future__ import annotations

from unslow.core.facts import Facts
from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import TORCH_RUNTIMES, output_types, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the runtime's type; nothing where no weight or input is 64-bit."""
    if not _has_doubles(workshop.facts):
        return workload
    return with_settings(workload, dtype="float32", output_dtypes=output_types(workshop.facts))


def _has_doubles(facts: Facts) -> bool:
    return facts.parameter_bytes.get("float64", 0) > 0 or any(leaf.dtype == "float64" for leaf in facts.inputs)


def refuses(setting: Setting) -> str:
    """Refused where a type is chosen already, or nothing is 64-bit."""
    if setting.workload.model.settings.get("dtype"):
        return "the model's type is chosen already"
    return "" if _has_doubles(setting.facts) else "no weight and no input is a 64-bit float"


FIX = Fix(
    name="float32",
    does="computes in 32-bit floats what was computed in 64-bit ones",
    tag="numeric",
    slot="doubles",
    treats=("float64-compute",),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    refuses=refuses,
    extra="torch",
    libraries=("torch",),
    odds=0.9,
    build_seconds=0.5,
)
