"""Samples of a thread's Python stack, as our recordings hold them, and what the thread was doing at each.

A sample that came late by the switch interval found the interpreter busy: Python's own time, `framework`. One that came
in time found the thread in native code without the interpreter (NumPy, BLAS, a library): `compute`; or, where the
thread hardly asked for a processor since the sample before, waiting for something: `other`. But a thread that waits in
native code while others of its process work (a library's pool) waits for them to compute. What `torch.compile` made of
a model calls its kernels with the interpreter held: it computes, however late the sample came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.profile import Category
from unslow.read._files import AGAIN, listing, mapping, nanoseconds

# The sampler waits for the whole interval before it asks for the interpreter, then for that to be given up and for
# itself to be woken: seen are 1.5 times the interval and more; where the interpreter is free, hardly ever once.
HELD = 1.1
# Native code that ran, or stood in the queue of the processors, for less than this part of the time was waiting.
LEAST_WORKED = 0.3
COMPILED = re.compile(r"/c[a-z2-7]{51}\.py:\d+ ")
"""A line in a file that PyTorch's compiler has written: it names them after 256 bits of their content, in base 32."""
WAITS = frozenset({"threading.py", "queue.py", "selectors.py", "socket.py", "subprocess.py", "connection.py", "ssl.py"})


@dataclass(frozen=True)
class Sample:
    """One: when, what the thread was doing, its stack ("file:line function", outermost first), what it was part of."""

    at_ns: int
    category: Category
    stack: tuple[str, ...]
    within: str = ""


def samples_in(document: Mapping[str, Any], path: Path) -> list[Sample]:
    """The samples of a recording, in the order of time.

    Raises
    ------
    BadInput
        The recording is damaged.
    """
    stacks = [
        tuple(map(str, listing(stack, path, "a stack"))) for stack in listing(document.get("stacks"), path, "stacks")
    ]
    switch_ns = nanoseconds(document, "switch_interval_ns", path)
    interval_ns = nanoseconds(document, "interval_ns", path)
    found: list[Sample] = []
    for row in listing(document.get("samples"), path, "samples"):
        sample = mapping(row, path, "a sample")
        place = nanoseconds(sample, "stack", path)
        if place >= len(stacks):
            raise BadInput(f"{path} has a sample of stack {place}, which it does not hold.", AGAIN)
        late_ns = nanoseconds(sample, "late_ns", path)
        worked_ns = nanoseconds(sample, "worked_ns", path) if "worked_ns" in sample else interval_ns
        pool = bool(sample.get("others")) and not _is_a_wait(stacks[place])
        category = _category(late_ns >= HELD * switch_ns, pool or worked_ns >= LEAST_WORKED * interval_ns)
        if stacks[place] and COMPILED.search(stacks[place][-1]):
            category = "compute"
        within = str(sample.get("within", ""))
        found.append(Sample(nanoseconds(sample, "at_ns", path), category, stacks[place], within))
    return sorted(found, key=lambda sample: sample.at_ns)


def _is_a_wait(stack: tuple[str, ...]) -> bool:
    """Whether Python itself waits, as for an item of a queue that another thread fills."""
    return bool(stack) and stack[-1].rpartition(":")[0].rpartition("/")[2] in WAITS


def _category(held: bool, worked: bool) -> Category:
    if held:
        return "framework"
    return "compute" if worked else "other"
