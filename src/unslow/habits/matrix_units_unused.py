"""A script computes in float32 (or float64) throughout, where half precision would do for its products.

What it is
----------
Matrix products and convolutions take and give 32-bit numbers. In mixed precision they take 16-bit ones, while weights,
sums and losses stay as they are ("autocast").

Why it is slow
--------------
GPUs have units for products of small matrices (tensor cores), and newer processors have them too (AMX) or at least
instructions for bfloat16: they multiply two to sixteen times as many 16-bit numbers in the same time. In float32 they
lie idle.

How it shows
------------
The script calls models whose weights are float32, and never turns autocast on. At stake is the own time of float32
products where operators were recorded; else, and on a GPU, the forward and the backward pass. What must remain of
products and of convolutions is the micro-benchmark of each on this machine ("bfloat16/float32:matmul" and ":conv"),
weighted by their time; where one of them shows no gain, and without operators, nobody knows, and the finding is not
scored. Autocast leaves float64 alone: of a model in it, what would be left in
float32 is at stake ("float32/float64:matmul" of its products, half where that is not known). The threshold is 5 % of a
step (where data is waited for, of what is left without that). It says nothing where the units do not exist: no GPU, and
none of avx512_bf16, amx_bf16, amx_fp16, avx512_fp16, bf16 among the processor's instructions.
Source: TensorBoard's profiler (time eligible for tensor cores above 0, with none of it used). Only a live run shows it:
a recording does not say what the script could have set.

When it does not matter
-----------------------
When a step waits for data or for Python. When the processor has no such instructions: emulated, half precision was
5 to 8 times slower by hand.

Risk
----
None of its own: see the fix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.machine import Machine
from unslow.core.script import Noted
from unslow.core.units import share as show_share
from unslow.habits._floors import Part, joined
from unslow.habits._models import is_float32, least_share, model_share, models, names_operators, on_cuda
from unslow.habits._ops import Kind, array_inputs, has_array_of
from unslow.habits._shares import is_empty, shares_by_kind

NAME = "matrix-units-unused"
HALF_SETS = ("avx512_bf16", "amx_bf16", "amx_fp16", "avx512_fp16", "bf16")
"""As x86 processors name their instructions for products of 16-bit numbers, and as ARM ones do."""
USUALLY_HALF = 0.5
"""What float32 takes of float64's time."""
_FLOOR_OF: dict[Kind, str] = {"matmul": "matmul", "attention": "matmul", "conv": "conv"}
_ADVICE = "Call the model within torch.autocast, and cast its answer back to float32 before the loss."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all float32 models that the script calls in its steps, or for its float64 ones."""
    script = evidence.facts.script
    called = [noted for noted in models(evidence) if is_float32(noted)]
    width = "float32" if called else "float64"
    called = called or [noted for noted in models(evidence) if noted.weighs_mostly("float64")]
    if script is None or not called or script.of_kind("autocast") or is_empty(evidence.profile):
        return
    at_stake = _at_stake(evidence, called, width)
    if at_stake.share < least_share(evidence) or not _has_units(evidence.machine, called):
        return
    numbers: dict[str, EvidenceValue] = {
        f"{width}_share": at_stake.share,
        f"{width}_parameter_bytes": sum(noted.details["parameter_bytes"][width] for noted in called),
    }
    what = "products" if names_operators(evidence) else "models"
    goes = f"goes to float32 {what}" if width == "float32" else f"would be left for float64 {what} made float32"
    title = f"{show_share(at_stake.share)} of a step {goes}; the units for 16-bit products lie idle."
    yield Finding(NAME, title, at_stake.share, at_stake.floor, numbers, str(called[0].site), _ADVICE)


def _at_stake(evidence: Evidence, called: Sequence[Noted], width: str) -> Part:
    floors = evidence.machine.floors
    left = floors.get("float32/float64:matmul", USUALLY_HALF) if width == "float64" else 1.0
    if any(map(on_cuda, called)) or not names_operators(evidence):
        return Part(left * model_share(evidence), None)
    shares = shares_by_kind(evidence.profile, lambda span: not array_inputs(span) or has_array_of(span, width))
    kept: dict[Kind, float] = {kind: floors.get(f"bfloat16/float32:{name}", 1.0) for kind, name in _FLOOR_OF.items()}
    # A floor of 1 or more was measured on products alone, without training: whether it holds here is not known.
    return joined(Part(left * shares.get(kind, 0.0), floor if floor < 1 else None) for kind, floor in kept.items())


def _has_units(machine: Machine, called: Sequence[Noted]) -> bool:
    """Whether a GPU computes, or the processor has instructions for products of 16-bit numbers."""
    return any(map(on_cuda, called)) or any(machine.has(name) for name in HALF_SETS)


HABIT = Habit(name=NAME, area="numbers", detect=detect)
