"""The model computes in double precision, 64 bits a number, where models are made for 32.

What it is
----------
NumPy makes float64 arrays unless it is told otherwise, and one of them is enough: what it meets becomes float64 too.
The weights or the inputs of this model are float64.

Why it is slow
--------------
A vector instruction holds half as many numbers, a cache line holds half as many, and twice the bytes go through
memory. On most processors float64 takes twice float32's time; on most graphics processors for games 32 or 64 times.

How it shows
------------
The own time of operators with a float64 array input of at least one axis. A 0-dimensional float64 value (a Python
number that became a tensor) converts nothing and does not count. What must remain is the micro-benchmark of this
machine: "float32/float64:matmul" for matrix products, convolutions and attention, "float32/float64:elementwise" for all
else; ONNX Runtime has products of its own, which are not measured: no floor is known of them (2.8 times were seen where
PyTorch's promise 2.3). The threshold is 1 % of the wall time, below which a recording's noise is larger. Where the
recording has no dtypes, float64 weights or inputs are evidence enough, without a floor. Of a script whose loss or model
is float64, the calls that make float64 arrays, with the place of the largest; all its computing is then at stake. Of a
script that computes with NumPy itself, samples of its stack in lines whose arrays are float64, from 5 % of a step on.
Source: the dtypes themselves; no profiler that we know of has this rule.

When it does not matter
-----------------------
When the result needs more than 7 digits: sums of millions of terms, differences of nearly equal numbers, solvers.
When float64 arrays only pass by, and are cast at once.

Risk
----
Numbers keep about 7 significant digits instead of 16. A classifier's answers hardly ever change; long sums and
physical simulations may.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.facts import Facts
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._doubles import ADVICE, in_a_script
from unslow.habits._floors import Part, joined
from unslow.habits._ops import has_array_of
from unslow.habits._shares import LEAST_SHARE, is_empty, operators, shares_by_kind

NAME = "float64-compute"
_PRODUCTS = frozenset({"matmul", "conv", "attention"})


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if operators compute on float64 arrays."""
    profile, facts, floors = evidence.profile, evidence.facts, evidence.machine.floors
    if facts.script is not None and facts.framework == "script":  # A recording of one knows operators, not calls.
        yield from in_a_script(NAME, evidence, facts.script)
        return
    if not any(span.details.get("dtypes") for span, _ in operators(profile)):
        yield from _by_facts(evidence)
        return
    shares = shares_by_kind(profile, lambda span: has_array_of(span, "float64"))
    products = sum(share for kind, share in shares.items() if kind in _PRODUCTS)
    others = sum(shares.values()) - products
    product = None if facts.framework == "onnx" else floors.get("float32/float64:matmul")
    both = joined((Part(products, product), Part(others, floors.get("float32/float64:elementwise"))))
    if both.share < LEAST_SHARE:
        return
    numbers: dict[str, EvidenceValue] = {
        "float64_share": both.share,
        "float64_matmul_share": products,
        "float64_elementwise_share": others,
        "float64_parameter_bytes": facts.parameter_bytes.get("float64", 0),
    }
    title = f"{show_share(both.share)} of the time goes to operators on float64 arrays, twice the usual width."
    yield Finding(NAME, title, both.share, both.floor, numbers, advice=ADVICE)


def _by_facts(evidence: Evidence) -> Iterator[Finding]:
    profile, facts = evidence.profile, evidence.facts
    weights, inputs = facts.parameter_bytes.get("float64", 0), _float64_inputs(facts)
    if not weights and not inputs:
        return
    what = f"{size(weights)} of the weights are float64" if weights else f"the input {inputs[0]} is float64"
    numbers: dict[str, EvidenceValue] = {"float64_parameter_bytes": weights, "float64_inputs": len(inputs)}
    at_stake = 1.0 if is_empty(profile) else profile.shares["compute"] + profile.shares["framework"]
    title = f"{what[0].upper()}{what[1:]}; the recording does not show how much of the time goes to it."
    yield Finding(NAME, title, min(1.0, at_stake), None, numbers, advice=ADVICE)


def _float64_inputs(facts: Facts) -> tuple[str, ...]:
    """The names of float64 inputs with at least one axis."""
    wide = [leaf for leaf in facts.inputs if leaf.dtype == "float64"]
    return tuple(leaf.name for leaf in wide if any(shape for shape, _ in leaf.shapes))


HABIT = Habit(name=NAME, area="numbers", detect=detect)
