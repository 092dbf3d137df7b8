"""How many rows share a call of a model, and what a row takes where sixteen do, by the machine's micro-benchmarks."""

from __future__ import annotations

from unslow.core.facts import Facts
from unslow.habits._floors import bounded

DISPATCH, VECTOR, PRODUCT = "batched/single:dispatch", "batched/single:vector", "batched/single:matmul"
BENCHMARK_ROWS = 16
FEW_ROWS = BENCHMARK_ROWS / 4
MANY_REQUESTS = BENCHMARK_ROWS // 2


def has_vector_rows(facts: Facts) -> bool:
    """Whether a row of the first input with axes is one vector of numbers."""
    first = next((leaf for leaf in facts.inputs if any(shape for shape, _ in leaf.shapes)), None)
    return first is not None and first.dtype.startswith("float") and all(len(shape) <= 2 for shape, _ in first.shapes)


def rows_per_request(facts: Facts) -> float | None:
    """The mean length of axis 0 over the stream, of the first input with axes; None if no input has any."""
    for leaf in facts.inputs:
        counted = [(shape[0], count) for shape, count in leaf.shapes if shape]
        if counted:
            return sum(rows * count for rows, count in counted) / max(1, sum(count for _, count in counted))
    return None


def floor_from(measured: float, rows: float) -> float:
    """What remains of the time per row at 16 rows a call, for calls of `rows` rows today.

    With a cost `a` per call and `c` per row, a + c = 1 for one row, and a / 16 + c = `measured`.
    """
    per_call = (1 - bounded(measured)) * BENCHMARK_ROWS / (BENCHMARK_ROWS - 1)
    per_row = 1 - per_call
    now = per_call / max(1.0, rows) + per_row
    return bounded(measured / now) if now > 0 else 1.0
