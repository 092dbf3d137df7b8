"""What the fixes share that change how requests meet the model."""

from __future__ import annotations

from collections.abc import Iterable

from unslow.core.variant import Setting

EVERY_RUNTIME = frozenset({"torch-module", "exported-program", "onnxruntime", "openvino", "aot-inductor", "function"})
MOST_MEMORY_SHARE = 0.5
"""A variant runs beside the original, and both beside what else the machine does."""
LIBRARIES_BYTES = 400 << 20
"""What a process with a framework takes before it holds a model, roughly."""


def not_joinable(setting: Setting) -> str:
    """Why requests cannot share a call, in one sentence; "" if they can."""
    if setting.facts.carried:
        return "each request needs the outputs of the one before"
    if not setting.facts.batch_axis:
        return "joined requests do not give the same answers as single ones, or could not be joined"
    if setting.facts.requests < 2:
        return "there is only one request"
    return ""


def sizes(setting: Setting, wanted: Iterable[int]) -> tuple[int, ...]:
    """Of the batch sizes wanted those for which there are enough requests and memory, at least 2."""
    facts = setting.facts
    each = max(facts.peak_memory_bytes - facts.parameters_total_bytes - LIBRARIES_BYTES, 0)
    most_bytes = MOST_MEMORY_SHARE * setting.machine.memory_bytes
    fixed = min(facts.peak_memory_bytes, facts.parameters_total_bytes + LIBRARIES_BYTES)
    return tuple(
        size for size in wanted if size <= max(2, facts.requests) and (size == 2 or fixed + size * each <= most_bytes)
    )
