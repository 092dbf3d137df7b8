"""Turns floating-point numbers that are almost zero into zero.

What it is
----------
Below about 1e-38, 32-bit floats lose digits one by one until they are zero; these last ones are called subnormal (or
denormal). This fix sets the processor's switch that takes them for zero, for all threads of the process.

Why it is slow
--------------
Processors compute with subnormal numbers by a slow detour: an operation on one can take a hundred times longer. They
come from weights that decayed in training, from softmax and sigmoid far outside, and from states that fade out.

How it shows
------------
The habit `subnormal-numbers`: the part of the weights or results that is subnormal. The same layer takes longer for
some inputs than for others.

When it does not matter
-----------------------
When there are none, which is the usual case. Many newer processors are slow only for some operations on them.

Risk
----
Numbers smaller than 1e-38 are lost, and only those; answers hardly ever change by more than that. The switch holds
for the whole process, other libraries included.
"""

from __future__ import annotations

from dataclasses import replace

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches it on for the process."""
    if workload.host.flush_subnormals:
        return workload
    return replace(workload, host=replace(workload.host, flush_subnormals=True))


def refuses(setting: Setting) -> str:
    """Refused where it is on, or where no subnormal number was seen."""
    if setting.workload.host.flush_subnormals:
        return "subnormal numbers are taken for zero already"
    return "" if setting.facts.subnormal_share > 0 else "no subnormal number was seen"


FIX = Fix(
    name="flush-subnormals",
    does="turns floating-point numbers that are almost zero into zero",
    tag="numeric",
    slot="subnormals",
    treats=("subnormal-numbers",),
    runtimes=frozenset({"torch-module", "exported-program", "onnxruntime", "openvino", "aot-inductor", "function"}),
    apply=apply,
    refuses=refuses,
    odds=0.8,
    build_seconds=0.1,
)
