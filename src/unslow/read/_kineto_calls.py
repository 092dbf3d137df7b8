"""What the operators of a Kineto recording were called with: beside the operator, or in our own recordings apart.

Our recorder takes the shapes in a window of their own (see `unslow.record.torch_profiler`). The k-th operator of a name
in a step is then the k-th of that name in the same request's other window; where the counts differ, the name is left
out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unslow.read._files import listing, mapping
from unslow.read._flops import torch_flops
from unslow.read._torch_ops import bare, tensors_of

MEMORY = ("peak_bytes", "allocations", "allocated_bytes")


@dataclass(frozen=True)
class Call:
    """Shapes, dtypes and printed values of all arguments, in order."""

    dims: Sequence[Any] = ()
    types: Sequence[Any] = ()
    values: Sequence[Any] = ()

    def details(self, name: str, computes: bool) -> dict[str, Any]:
        """`shapes`, `dtypes`, and `flops` for an operator that computes (its callers would count them again)."""
        shapes, dtypes = tensors_of(self.dims, self.types)
        flops = torch_flops(bare(name), self.dims, self.values) if computes else None
        found: dict[str, Any] = {"shapes": shapes, "dtypes": dtypes} if shapes else {}
        return found if flops is None else {**found, "flops": flops}


@dataclass(frozen=True)
class Calls:
    """Of one step: the calls by operator name, in order, and the memory that the step took."""

    by_name: Mapping[str, Sequence[Call]] = field(default_factory=dict[str, Sequence[Call]])
    memory: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, names: Sequence[str]) -> list[Call | None]:
        """The call of each of a step's operators, given by name in the order in which they began."""
        counts, seen = Counter(names), Counter[str]()
        found: list[Call | None] = []
        for name in names:
            same = self.by_name.get(name, ())
            found.append(same[seen[name]] if len(same) == counts[name] else None)
            seen[name] += 1
        return found


def call_in(dims: Any, types: Any, values: Any) -> Call | None:
    """The call that a recording keeps beside the operator; None where it keeps none."""
    fits = isinstance(dims, list) and isinstance(types, list) and isinstance(values, list)
    return Call(dims, types, values) if fits and dims else None  # pyright: ignore[reportUnknownArgumentType]


def calls_in(trace: Mapping[str, Any], path: Path) -> dict[str, Calls]:
    """By request, what our recorder put under `unslow_calls`; empty for the recordings of others."""
    if "unslow_calls" not in trace:
        return {}
    kept = mapping(trace["unslow_calls"], path, "calls")
    table = [_row(row, path) for row in listing(kept.get("calls"), path, "a table of calls")]
    requests = mapping(kept.get("requests"), path, "a table of requests")
    return {request: _of_request(mapping(entry, path, "a request"), table, path) for request, entry in requests.items()}


def _row(row: Any, path: Path) -> tuple[str, Call]:
    name, dims, types, values = (*listing(row, path, "a call"), *[None] * 4)[:4]
    return str(name), Call(*(listing(part, path, "a call's part") for part in (dims, types, values)))


def _of_request(entry: Mapping[str, Any], table: Sequence[tuple[str, Call]], path: Path) -> Calls:
    by_name: dict[str, list[Call]] = {}
    for place in listing(entry.get("ops"), path, "operators"):
        if isinstance(place, int) and 0 <= place < len(table):
            name, call = table[place]
            by_name.setdefault(name, []).append(call)
    return Calls(by_name, {key: entry[key] for key in MEMORY if isinstance(entry.get(key), int)})
