"""Who was still getting faster when its warm-up ended, as a report says it."""

from __future__ import annotations

import math
from dataclasses import replace

from made import heats, ran, variant
from unslow.core.heat import Final
from unslow.verbs._trials import Results
from unslow.verbs._write import still_warming

A, B = variant("a"), variant("b")


def final(of: str, **fields: bool) -> Final:
    plain = Final(of, ((math.log(2),) * 25,) * 3, (5.0,), (10.0,), 2.0, 2.0, 400, 4.0, 4.0, 400, 3.0, 1.0, 10**6)
    return replace(plain, **fields)


def results(*finals: Final, a: bool = False, b: bool = False) -> Results:
    found = heats(ran(A, still_warming=a), ran(B, still_warming=b))
    return Results(found, {}, {}, {one.id: one for one in finals}, {}, {})


def test_of_what_was_warm_nothing_is_said() -> None:
    assert still_warming(results(final(A.id))) == []


def test_what_the_finals_found_warm_counts_not_what_the_race_saw() -> None:
    assert still_warming(results(final(A.id), a=True)) == []


def test_those_that_were_still_getting_faster_are_named() -> None:
    assert still_warming(results(final(A.id, still_warming=True), b=True)) == ["a", "b"]
    assert still_warming(results(final(A.id, original_still_warming=True), b=True)) == ["the original", "b"]
