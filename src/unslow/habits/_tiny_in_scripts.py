"""Batches of few rows in scripts: of the loader that a training takes its batches from, of the calls that score."""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding
from unslow.core.script import ScriptFacts
from unslow.habits._batches import BENCHMARK_ROWS, DISPATCH, FEW_ROWS, MANY_REQUESTS, PRODUCT, VECTOR, floor_from
from unslow.habits._floors import Part, joined
from unslow.habits._scoring import most_called, rows_per_call, scoring_calls
from unslow.habits._script import data_share, phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty


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
    floors, rows = evidence.machine.floors, float(loader.batch_size)
    measured = [floors[key] for key in (PRODUCT, DISPATCH) if key in floors]
    floor = min((floor_from(ratio, rows) for ratio in measured), default=None)
    # What the optimizer does depends on no row, nor does the loop around it: of a step's time such a part is divided.
    shared = rows / BENCHMARK_ROWS
    parts = [Part(phase_share(evidence, phase), floor) for phase in ("forward", "backward")]
    parts += [Part(phase_share(evidence, phase), shared) for phase in ("optimizer", "zero-grad")]
    model = sum(part.share for part in parts)
    if model < LEAST_SHARE:
        return
    waits = data_share(evidence)
    items = min(1.0, loader.item_s * rows / loader.wait_s) if loader.wait_s > 0 else 1.0
    parts += [Part(waits, max(items, shared)), Part(max(0.0, 1.0 - model - waits), shared)]
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
    call, floors = most_called(calls), evidence.machine.floors
    rows = rows_per_call(call) or 1.0
    is_vector = call.details["floats"] and all(len(shape) <= 2 for shape in call.details["shapes"])
    measured = [floors[key] for key in (VECTOR if is_vector else PRODUCT, DISPATCH) if key in floors]
    floor = min((floor_from(ratio, rows) for ratio in measured), default=None) if share else None
    each = "row" if round(rows, 2) == 1 else "rows"
    title = f"{call.details['model']} is called with {rows:.3g} {each} at a time, {call.times_in_steps} times."
    numbers: dict[str, EvidenceValue] = {"rows_per_call": round(rows, 2), "calls": call.times_in_steps}
    advice = "Call the model with many rows: a DataLoader with a larger batch_size, or rows stacked before the call."
    yield Finding(name, title, share or 1.0, floor, numbers, str(call.site), advice)
