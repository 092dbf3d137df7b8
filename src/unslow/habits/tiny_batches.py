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
is at stake. Of a script that never asks for a gradient, its calls of a model count, with what they take at stake: the
best of these micro-benchmarks is what must remain, but for operators of 0.1 ms and more that work on all that a row has
(attention, convolutions, products of more than 4 rows), which are products at best. Of one that trains, the
`batch_size` of the loader that gives most batches, with all of the step at stake: what the optimizer and the loop do
depends on no row, so that their time is shared by as many rows as there are; of the wait for a batch its items must
remain.

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
from unslow.habits._batches import (
    DISPATCH,
    FEW_ROWS,
    MANY_REQUESTS,
    PRODUCT,
    VECTOR,
    floor_from,
    has_vector_rows,
    rows_per_request,
)
from unslow.habits._floors import Part, joined
from unslow.habits._shares import host_share, is_empty
from unslow.habits._tiny_in_scripts import in_a_script

NAME = "tiny-batches"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if requests of few rows could be joined and there are enough of them."""
    facts = evidence.facts
    if facts.script is not None:
        yield from in_a_script(NAME, evidence, facts.script)
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


HABIT = Habit(name=NAME, area="numbers", detect=detect)
