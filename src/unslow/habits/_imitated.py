"""Products in bfloat16 on a processor that has no instructions for it, by this machine's micro-benchmarks."""

from __future__ import annotations

from collections.abc import Mapping

from unslow.core.machine import Machine
from unslow.core.profile import Span
from unslow.habits._ops import Kind, has_array_of, kind_of

SHORT = "bfloat16"
KEYS: Mapping[Kind, str] = {
    "matmul": "bfloat16/float32:matmul",
    "attention": "bfloat16/float32:matmul",
    "conv": "bfloat16/float32:conv",
}


def times_as_long(machine: Machine) -> dict[Kind, float]:
    """Of each kind of product that bfloat16 makes slower here: how many times float32's time it takes, at the least."""
    return {kind: machine.floors[key] for kind, key in KEYS.items() if machine.floors.get(key, 0.0) > 1}


def is_imitated(span: Span, machine: Machine) -> bool:
    """Whether the operator is such a product."""
    return has_array_of(span, SHORT) and kind_of(span) in times_as_long(machine)
