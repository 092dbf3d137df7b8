"""The steps that a Kineto recording marks, and those of them that are looked at where not all of it is kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from unslow.read._exposed import Step
from unslow.read._kineto_table import Column, Table


def steps_in(table: Table, rows: Column) -> list[Step]:
    """Each mark's name, start and end in ns, in the file's order."""
    each = table.each(rows, table.name, table.start, table.end)
    return [(table.names[name], start, end) for name, start, end in each]


def kept_steps(table: Table, steps: Sequence[Step]) -> tuple[list[Step], tuple[str, ...]]:
    """All steps, or where events were left out those that lie wholly in what was kept (of none the parts that do), and
    a sentence that says so."""
    if not table.left_out:
        return list(steps), ()
    low, high = table.low_ns, table.high_ns
    whole = [step for step in steps if low <= step[1] and step[2] <= high]
    parts = [(name, max(low, start), min(high, end)) for name, start, end in steps if start < high and end > low]
    return whole or parts, (_said(table, steps, whole),)


def _said(table: Table, steps: Sequence[Step], whole: Sequence[Step]) -> str:
    kept = len(table.start)
    share = f"The recording is too long to be kept whole: of its {kept + table.left_out:,} events these are {kept:,}"
    seconds = (table.high_ns - table.low_ns) / 1e9
    if not whole:
        return f"{share}, of {seconds:.3g} s around the middle."
    there, everywhere = (statistics.median(end - start for _, start, end in some) / 1e6 for some in (whole, steps))
    return (
        f"{share}, of {len(whole)} of its {len(steps)} steps around the middle. A step took {there:.3g} ms there, and "
        f"{everywhere:.3g} ms in the whole recording (medians)."
    )
