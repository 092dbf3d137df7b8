"""Many requests come one or two at a time through a model that would answer sixteen together in little more time.

What it is
----------
Requests could be joined along their first axis (tried: the answers stay the same), and are answered nearly alone.

Why it is slow
--------------
Each call starts every operator, and reads every weight from memory, for a single row. With sixteen rows both are paid
once for all sixteen.

How it shows
------------
At most 4 rows a request, in a stream of at least 8 requests. What must remain comes from micro-benchmarks of this
machine, time per request at 16 requests a call against 1: "batched/single:dispatch" for the part of the time that
starts operators, "batched/single:vector" for the rest where a row is one vector of numbers, "batched/single:matmul"
where it is more (tokens, images). With a fixed cost per call and a cost per row, both follow from such a ratio, and
so does what is left for the number of rows that share a call already. Source of the thresholds: 4 rows are a quarter
of the benchmark's batch, the 8 requests half of it: beyond, the figure says little about this stream. All of the time
is at stake. Of a script that never asks for a gradient, its calls of a model count, with what they take at stake. Of
one that trains, the `batch_size` of the loader that gives most batches, with forward, backward and optimizer at stake:
what the optimizer does depends on no row, so that its time is shared by as many rows as there are.

When it does not matter
-----------------------
When the time until a single answer is what counts: a batch waits for its last request, and answers all of them late.
It pays for throughput and for cost. Convolutions over large images gain little, since they reuse their weights in
each image.

Risk
----
Each answer takes longer, and memory grows with the batch. Rows of different lengths need padding. Sums in another
order can change the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import ScriptFacts
from unslow.habits._batches import (
    BENCHMARK_ROWS,
    DISPATCH,
    PRODUCT,
    VECTOR,
    floor_from,
    has_vector_rows,
    rows_per_request,
)
from unslow.habits._floors import Part, joined
from unslow.habits._scoring import most_called, rows_per_call, scoring_calls
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, host_share, is_empty

NAME = "tiny-batches"
FEW_ROWS = BENCHMARK_ROWS / 4
MANY_REQUESTS = BENCHMARK_ROWS // 2


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if requests of few rows could be joined and there are enough of them."""
    facts = evidence.facts
    if facts.script is not None:
        yield from _of_a_script(evidence, facts.script)
        return
    rows = rows_per_request(facts)
    if not facts.batch_axis or facts.requests < MANY_REQUESTS or rows is None or rows > FEW_ROWS:
        return
    floor = None if is_empty(evidence.profile) else _floor(evidence, rows)
    if floor is not None and floor >= 1:
        return
    numbers: dict[str, EvidenceValue] = {
        "rows_per_request": round(rows, 2),
        "requests": facts.requests,
        "pays_for": "throughput and cost, not latency",
    }
    each = "row" if round(rows, 2) == 1 else "rows"
    title = f"Requests are answered {rows:.3g} {each} at a time, though {facts.requests} of them could share calls."
    advice = "Gather requests for a few milliseconds and answer them in one call, where throughput is what counts."
    yield Finding(NAME, title, 1.0, floor, numbers, advice=advice)


def _floor(evidence: Evidence, rows: float) -> float | None:
    """What remains of all the time, with 16 rows a call; None where it was not measured here."""
    floors, facts = evidence.machine.floors, evidence.facts
    product = floors.get(VECTOR if has_vector_rows(facts) else PRODUCT, floors.get(PRODUCT))
    if product is None:
        return None
    starting = host_share(evidence)
    parts = ((starting, floors.get(DISPATCH, product)), (1 - starting, product))
    return joined(Part(share, floor_from(measured, rows)) for share, measured in parts).floor


def _of_a_script(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    yield from _of_training(evidence, script) if script.step == "optimizer" else _of_scoring(evidence, script)


def _of_training(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The loader that gives most batches, where they are small and the model's part of the step could serve more."""
    loader = max(script.loaders, key=lambda loader: loader.batches, default=None)
    if loader is None or not 0 < loader.batch_size <= FEW_ROWS or loader.items < MANY_REQUESTS * BENCHMARK_ROWS:
        return
    floors, rows = evidence.machine.floors, float(loader.batch_size)
    measured = [floors[name] for name in (PRODUCT, DISPATCH) if name in floors]
    floor = min((floor_from(ratio, rows) for ratio in measured), default=None)
    # What the optimizer does depends on no row: of a step's time its part is divided.
    parts = [Part(phase_share(evidence, name), floor) for name in ("forward", "backward")]
    parts += [Part(phase_share(evidence, name), rows / BENCHMARK_ROWS) for name in ("optimizer", "zero-grad")]
    whole = joined(parts)
    if whole.share < LEAST_SHARE:
        return
    title = f"The loader at {loader.site} gives batches of {loader.batch_size}: a step has costs that no row shares."
    numbers: dict[str, EvidenceValue] = {"batch_size": loader.batch_size, "items": loader.items}
    advice = (
        "Train on larger batches, with a learning rate to match. That is another training: --allow batch-size measures "
        "it, and says whether the losses stay as good."
    )
    yield Finding(NAME, title, whole.share, whole.floor, numbers, str(loader.site), advice)


def _of_scoring(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call of a model with few rows that is made most often, by a script that never asks for a gradient."""
    few = [noted for noted in scoring_calls(script) if 0 < (rows_per_call(noted) or 0) <= FEW_ROWS]
    calls = tuple(noted for noted in few if noted.times_in_steps >= MANY_REQUESTS)
    share = phase_share(evidence, "forward")
    if not calls or (not is_empty(evidence.profile) and share < LEAST_SHARE):
        return
    call, floors = most_called(calls), evidence.machine.floors
    rows = rows_per_call(call) or 1.0
    is_vector = call.details["floats"] and all(len(shape) <= 2 for shape in call.details["shapes"])
    measured = [floors[name] for name in (VECTOR if is_vector else PRODUCT, DISPATCH) if name in floors]
    floor = min((floor_from(ratio, rows) for ratio in measured), default=None) if share else None
    each = "row" if round(rows, 2) == 1 else "rows"
    title = f"{call.details['model']} is called with {rows:.3g} {each} at a time, {call.times_in_steps} times."
    numbers: dict[str, EvidenceValue] = {"rows_per_call": round(rows, 2), "calls": call.times_in_steps}
    advice = "Call the model with many rows: a DataLoader with a larger batch_size, or rows stacked before the call."
    yield Finding(NAME, title, share or 1.0, floor, numbers, str(call.site), advice)


HABIT = Habit(name=NAME, detect=detect)
