"""One call of attention in one operator, as it can be timed on a machine: plain data for another process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FusedAttention:
    """`batches` (all axes but the last two in one) times `queries` × `width` against `keys` × `width`, of numbers of
    type `dtype` ("bfloat16"). `masked`: a part of the scores is hidden, at best a causal half."""

    batches: int
    queries: int
    keys: int
    width: int
    dtype: str
    masked: bool

    @property
    def scores(self) -> int:
        """How many there are."""
        return self.batches * self.queries * self.keys
