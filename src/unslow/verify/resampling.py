"""What is drawn together: requests, groups, or the members of pairs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Units:
    """Rows of an evaluation and the units that they belong to.

    `rows` (n,) are row numbers; `members` (n, k) holds for each row the numbers of its k units, padded with `n_units`,
    which stands for "always there once". A resample draws `n_units` units with replacement; a row is repeated by the
    product of its units' counts. With one unit a row that is the cluster bootstrap (Davison & Hinkley 1997, 3.8); with
    two it is the bootstrap for dyadic data, where every pair that shares a member depends (Owen 2007, *The pigeonhole
    bootstrap*, Annals of Applied Statistics 1(2); Davezies, D'Haultfœuille & Guyonvarch 2021). The latter is
    conservative: noise of the pair itself, shared with no other, is counted up to √3 times.
    """

    rows: Rows
    members: Rows
    n_units: int
    name: str

    def draw(self, generator: np.random.Generator) -> Rows:
        """The row numbers of one resample, repeats included; may be empty with pairs."""
        drawn = generator.integers(0, self.n_units, size=self.n_units)
        return self._repeated(np.bincount(drawn, minlength=self.n_units))

    def without(self, units: Rows) -> Rows:
        """The row numbers that touch none of `units`."""
        counts = np.ones(self.n_units, dtype=np.intp)
        counts[units] = 0
        return self._repeated(counts)

    def subset(self, keep: NDArray[np.bool_]) -> Units:
        """Only the rows where `keep` (n,), and only the units that they touch."""
        members = self.members[keep]
        used = np.unique(members[members < self.n_units])
        number = np.full(self.n_units + 1, len(used), dtype=np.intp)
        number[used] = np.arange(len(used))
        return Units(self.rows[keep], number[members], len(used), self.name)

    def _repeated(self, counts: Rows) -> Rows:
        padded = np.append(counts, 1)
        weights = padded[self.members[:, 0]]
        for member in self.members.T[1:]:
            weights = weights * padded[member]
        return np.repeat(self.rows, weights)


def units_of(n_rows: int, groups: Sequence[Any] | NDArray[Any] | None, name: str = "requests") -> Units:
    """Units of `n_rows` rows: each row its own, or by `groups` (one id per row; a collection of ids where a row has
    several, like the two words of a pair). The length of `groups` is the caller's to check.
    """
    if groups is None:
        rows = np.arange(n_rows)
        return Units(rows, rows[:, None], n_rows, name)
    ids = [_ids(group) for group in groups]
    number = {key: k for k, key in enumerate(dict.fromkeys(key for row in ids for key in row))}
    members = np.full((n_rows, max((len(row) for row in ids), default=1)), len(number), dtype=np.intp)
    for k, row in enumerate(ids):
        members[k, : len(row)] = [number[key] for key in row]
    return Units(np.arange(n_rows), members, len(number), "groups")


def _ids(group: Any) -> tuple[Hashable, ...]:
    """The distinct ids of a row's group: of a collection its members, else itself."""
    if isinstance(group, np.ndarray):
        group = cast("NDArray[Any]", group).tolist()
    if isinstance(group, tuple | list | set | frozenset):
        return tuple(dict.fromkeys(cast("Sequence[Hashable]", group)))
    return (cast("Hashable", group),)
