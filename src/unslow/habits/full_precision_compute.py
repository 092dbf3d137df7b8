"""Matrix products and convolutions run in float32, where this processor is faster at shorter numbers.

What it is
----------
A float32 number takes 32 bits. Trained models mostly answer as well with bfloat16 (16 bits) or int8 (8 bits) in their
matrix products and convolutions, and newer processors have instructions that compute two to eight times as many of
those at once.

Why it is slow
--------------
The arithmetic units are used at a half, a quarter or an eighth of their speed, and the weights take two or four times
the memory traffic. At batch size 1 that traffic alone is often the whole time of a layer.

How it shows
------------
The own time of matrix products, convolutions and attention on float32 arrays (where the recording has no dtypes: of
all, if most of the weights are float32). What must remain is the better of the micro-benchmarks "int8/float32:matmul"
and "bfloat16/float32:matmul" of this machine, or their ":conv" twins; for attention, which stays out of int8,
bfloat16 alone. Both compare within one library; what computes in int8 has float32 products of its own, which may be
faster than eager PyTorch's to begin with: of a model that is not compiled, "graph/eager:matmul" (or ":conv") times
"int8/float32" must remain. A kind of operator for which both types take 1 or more is left out: shorter numbers do not
pay on this processor, often for want of instructions, which the evidence names. The threshold is 1 % of the wall time,
below which a recording's noise is larger. Source: TensorBoard's profiler (time eligible for low precision above 0,
with none of it used), with the micro-benchmark in the place of a table of processors.

When it does not matter
-----------------------
When the time goes elsewhere: reading inputs, Python, element-wise work. When the processor has no fast instructions
for shorter numbers: converting back and forth then makes it slower (the most frequent complaint about quantization
tools).

Risk
----
Answers change slightly: bfloat16 keeps 2 to 3 significant digits, int8 has 256 levels. Most classifiers lose below
one point of accuracy, some models collapse. Never without checking the metric on labelled data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unslow.core.facts import Facts
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.machine import Machine
from unslow.core.profile import Span
from unslow.core.units import share as show_share
from unslow.habits._eager import is_compiled_model
from unslow.habits._floors import Part, bounded, joined
from unslow.habits._ops import Kind, array_inputs, has_array_of
from unslow.habits._shares import LEAST_SHARE, is_empty, shares_by_kind

NAME = "full-precision-compute"
_INT8: dict[Kind, str] = {"matmul": "int8/float32:matmul", "conv": "int8/float32:conv"}
_BFLOAT16: dict[Kind, str] = {
    "matmul": "bfloat16/float32:matmul", "conv": "bfloat16/float32:conv", "attention": "bfloat16/float32:matmul",
}  # fmt: skip
_X86_SETS = ("avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_ARM_SETS = ("asimddp", "i8mm", "bf16")
_ADVICE = "Try bfloat16 or int8 for the matrix products, and check the metric on labelled data."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if float32 products take time and a shorter type is faster here, or has not been measured."""
    profile, facts, machine = evidence.profile, evidence.facts, evidence.machine
    if facts.script is not None:
        return  # What trains keeps its weights in float32: `matrix-units-unused` looks at that.
    eager = facts.framework in ("torch", "exported") and not is_compiled_model(evidence)
    best: dict[Kind, float | None] = {kind: best_floor(machine.floors, kind, eager) for kind in _BFLOAT16}
    paying: dict[Kind, float | None] = {kind: floor for kind, floor in best.items() if floor is None or floor < 1}
    known = {kind: floor for kind, floor in best.items() if floor is not None}
    numbers: dict[str, EvidenceValue] = {f"best_floor_{kind}": floor for kind, floor in known.items()}
    numbers["missing_instruction_sets"] = ", ".join(missing_sets(machine)) or "none"
    numbers["float32_parameter_bytes"] = facts.parameter_bytes.get("float32", 0)
    if is_empty(profile):
        if paying and _mostly_float32(facts):
            title = "The weights are float32; how much of the time their products take is not known."
            yield Finding(NAME, title, 1.0, None, numbers, advice=_ADVICE)
        return
    shares = shares_by_kind(profile, lambda span: _is_float32(span, facts))
    at_stake = joined(Part(shares.get(kind, 0.0), floor) for kind, floor in paying.items())
    if at_stake.share < LEAST_SHARE:
        return
    numbers |= {f"float32_{kind}_share": shares.get(kind, 0.0) for kind in _BFLOAT16}
    may = "may" if at_stake.floor is None else "would"
    title = f"{show_share(at_stake.share)} of the time goes to float32 products; shorter numbers {may} be faster here."
    yield Finding(NAME, title, at_stake.share, at_stake.floor, numbers, advice=_ADVICE)


def best_floor(floors: Mapping[str, float], kind: Kind, eager: bool = False) -> float | None:
    """What remains of float32's time with the best shorter type for this kind of operator; None if not measured.

    `eager`: that float32 is eager PyTorch's. Where int8 does not pay, what else its library does better is no reason.
    """
    int8 = floors.get(_INT8[kind]) if kind in _INT8 else None
    if int8 is not None and int8 < 1 and eager:
        int8 *= bounded(floors.get(f"graph/eager:{kind}", 1.0))
    measured = (int8, floors.get(_BFLOAT16[kind]))
    return min((floor for floor in measured if floor is not None), default=None)


def missing_sets(machine: Machine) -> tuple[str, ...]:
    """The instruction sets for short numbers that this kind of processor may have, and this one has not."""
    arm = any(flag.startswith("asimd") for flag in machine.flags)
    return tuple(name for name in (_ARM_SETS if arm else _X86_SETS) if not machine.has(name))


def _is_float32(span: Span, facts: Facts) -> bool:
    return has_array_of(span, "float32") if array_inputs(span) else _mostly_float32(facts)


def _mostly_float32(facts: Facts) -> bool:
    return facts.parameter_bytes.get("float32", 0) * 2 > facts.parameters_total_bytes


HABIT = Habit(name=NAME, area="numbers", detect=detect)
