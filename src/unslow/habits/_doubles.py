"""Double precision in scripts: calls of PyTorch that make it, and lines that compute with arrays of NumPy's."""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding
from unslow.core.script import ScriptFacts
from unslow.core.units import share as show_share
from unslow.habits._sampled import Sampled, sampled, shares_by
from unslow.habits._shares import LEAST_SHARE, is_empty

ADVICE = "Make weights and inputs float32: `model.float()`, `array.astype(numpy.float32)`."
LEAST_OF_LINES = 0.05
LEAST_ELEMENTS = 1_000
"""Smaller arrays take the time that a call takes, of whatever type they are."""


def in_a_script(name: str, evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """At most one finding of the habit `name`."""
    found = list(_by_calls(name, evidence, script))
    yield from found or _by_lines(name, evidence)


def _by_calls(name: str, evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """Of a script: the calls that made float64, with all its computing at stake."""
    default = [noted for noted in script.of_kind("double") if noted.details["call"] == "set_default_dtype"]
    makers = default + [noted for noted in script.of_kind("double") if noted.details["elements"]]
    # A table that comes as float64 and is cast at once costs nothing: the loss, or the whole model, must be float64.
    is_used = default or script.of_kind("backward") or any(noted.details["call"] == "Module.double" for noted in makers)
    share = 0.0 if is_empty(evidence.profile) else evidence.profile.shares["compute"]
    if not makers or not is_used or share < LEAST_SHARE:
        return
    floors = [evidence.machine.floors.get(f"float32/float64:{kind}") for kind in ("matmul", "elementwise")]
    known = [min(1.0, floor) for floor in floors if floor is not None]
    largest = default[0] if default else max(makers, key=lambda noted: noted.details["elements"])
    numbers: dict[str, EvidenceValue] = {"compute_share": share, "calls_that_make_float64": len(makers)}
    how = f"by {largest.details['call']}, {largest.details['elements']:,} of them"
    how = "it is the default type" if default else how
    title = f"The script makes float64 numbers ({how}), and {show_share(share)} of a step is computing."
    yield Finding(name, title, share, min(known, default=None), numbers, str(largest.site), ADVICE)


def _by_lines(name: str, evidence: Evidence) -> Iterator[Finding]:
    """Of a script: its lines that call NumPy with float64 arrays (what other libraries make of them is theirs)."""
    lines = shares_by((one for one in sampled(evidence.profile) if _is_on_float64(one)), lambda one: one.line)
    share = min(1.0, sum(lines.values()))
    if share < LEAST_OF_LINES:
        return
    floors = [evidence.machine.floors.get(f"float32/float64:{kind}") for kind in ("matmul", "elementwise")]
    known = [min(1.0, floor) for floor in floors if floor is not None]
    line = next(iter(lines))
    title = f"{show_share(share)} of a step computes on float64 arrays, twice the usual width; most of it at {line}."
    yield Finding(name, title, share, min(known, default=None), {"float64_share": share}, line, ADVICE)


def _is_on_float64(one: Sampled) -> bool:
    """Native code that a line of the script's own or NumPy runs, on arrays of which at least half are float64."""
    elements: dict[str, int] = one.span.details.get("operands") or {}
    return one.is_numpys and 2 * elements.get("float64", 0) >= max(2 * LEAST_ELEMENTS, sum(elements.values()))
