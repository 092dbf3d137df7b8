"""Batches of few rows in scripts: of the loader that a training takes its batches from, of the calls that score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unslow.core.finding import Evidence, EvidenceValue, Finding
from unslow.core.profile import FREE, Span
from unslow.core.script import ScriptFacts
from unslow.habits._batches import BENCHMARK_ROWS, DISPATCH, FEW_ROWS, MANY_REQUESTS, PRODUCT, VECTOR, floor_from
from unslow.habits._floors import Part, joined
from unslow.habits._ops import Kind, array_inputs, kind_of
from unslow.habits._scoring import most_called, rows_per_call, scoring_calls
from unslow.habits._script import data_share, phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty, within

LONG_NS = 100_000
"""Of one operator: starting it takes some microseconds."""
FOR_ROWS: frozenset[Kind] = frozenset({"matmul", "conv", "attention", "softmax", "elementwise", "layout"})
"""Kinds of operators that work on all that a row has: its tokens, its pixels, its scores."""


def in_a_script(name: str, evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """At most one finding of the habit `name`."""
    yield from (
        _of_training(name, evidence, script) if script.step == "optimizer" else _of_scoring(name, evidence, script)
    )


def _of_training(name: str, evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The loader that gives most batches, where they are small and the model's part of the step could serve more."""
    loader = max(script.loaders, key=lambda loader: loader.batches, default=None)
    if loader is None or not 0 < loader.batch_size <= FEW_ROWS or loader.items < MANY_REQUESTS * BENCHMARK_ROWS:
        return
    rows = float(loader.batch_size)
    # What the optimizer does depends on no row, nor does the loop around it: of a step's time such a part is divided.
    once = rows / BENCHMARK_ROWS
    shared = (PRODUCT, DISPATCH)
    parts = [part for phase in ("forward", "backward") for part in _in_phase(evidence, phase, rows, shared)]
    parts += [Part(phase_share(evidence, phase), once) for phase in ("optimizer", "zero-grad")]
    model = sum(part.share for part in parts)
    if model < LEAST_SHARE:
        return
    waits = data_share(evidence)
    items = min(1.0, loader.item_s * rows / loader.wait_s) if loader.wait_s > 0 else 1.0
    parts += [Part(waits, max(items, once)), Part(max(0.0, 1.0 - model - waits), once)]
    whole = joined(parts)
    title = f"The loader at {loader.site} gives batches of {loader.batch_size}: a step has costs that no row shares."
    numbers: dict[str, EvidenceValue] = {"batch_size": loader.batch_size, "items": loader.items}
    advice = (
        "Train on larger batches, with a learning rate to match. That is another training: --allow batch-size measures "
        "it, and says whether the losses stay as good."
    )
    yield Finding(name, title, whole.share, whole.floor, numbers, str(loader.site), advice)


def _of_scoring(name: str, evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call of a model with few rows that is made most often, by a script that never asks for a gradient."""
    few = [noted for noted in scoring_calls(script) if 0 < (rows_per_call(noted) or 0) <= FEW_ROWS]
    calls = tuple(noted for noted in few if noted.times_in_steps >= MANY_REQUESTS)
    share = phase_share(evidence, "forward")
    if not calls or (not is_empty(evidence.profile) and share < LEAST_SHARE):
        return
    call = most_called(calls)
    rows = rows_per_call(call) or 1.0
    is_vector = call.details["floats"] and all(len(shape) <= 2 for shape in call.details["shapes"])
    known = (VECTOR if is_vector else PRODUCT, DISPATCH)
    floor = joined(_in_phase(evidence, "forward", rows, known)).floor if share else None
    each = "row" if round(rows, 2) == 1 else "rows"
    title = f"{call.details['model']} is called with {rows:.3g} {each} at a time, {call.times_in_steps} times."
    numbers: dict[str, EvidenceValue] = {"rows_per_call": round(rows, 2), "calls": call.times_in_steps}
    advice = "Call the model with many rows: a DataLoader with a larger batch_size, or rows stacked before the call."
    yield Finding(name, title, share or 1.0, floor, numbers, str(call.site), advice)


def _in_phase(evidence: Evidence, phase: str, rows: float, shared: Sequence[str]) -> tuple[Part, Part]:
    """What a phase takes for each call, with the best of the `shared` micro-benchmarks; and what it surely computes for
    each row, as in attention: that shares no more with other calls than a product of many rows does."""
    profile, floors = evidence.profile, evidence.machine.floors
    inside = within(profile, lambda span: span.details.get("phase") == phase)
    long = {index for index in inside if _is_for_rows(profile.spans[index], profile.own_ns[index])}
    for_rows = profile.share_of(long)

    def best(keys: Sequence[str]) -> float | None:
        return min((floor_from(floors[key], rows) for key in keys if key in floors), default=None)

    return Part(phase_share(evidence, phase) - for_rows, best(shared)), Part(for_rows, best((PRODUCT,)))


def _is_for_rows(span: Span, own_ns: float) -> bool:
    """Whether an operator takes long, and not for weights that few rows are multiplied by."""
    if span.name == FREE:
        return True
    if span.category != "compute" or own_ns < LONG_NS * span.calls or kind_of(span) not in FOR_ROWS:
        return False
    given = [shape for _, shape in array_inputs(span) if len(shape) > 1]
    return kind_of(span) != "matmul" or min((min(shape[-2:]) for shape in given), default=0) > FEW_ROWS
