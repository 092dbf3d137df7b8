"""What is known of one peer."""

from __future__ import annotations

from dataclasses import dataclass

from bench.peers._agreement import Agreement
from unslow.core.estimate import Estimate


@dataclass(frozen=True)
class Row:
    """One peer: times as fast as the original, and as unslow's bundle; its answers against the original's."""

    name: str
    speedup: Estimate | None = None
    against_unslow: Estimate | None = None
    latency_ms: float | None = None
    setup_s: float | None = None
    agreement: Agreement | None = None
    reason: str = ""
