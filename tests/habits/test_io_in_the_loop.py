from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, in_a_row, phase, script, step, the
from unslow.core.script import Site, Written
from unslow.habits.io_in_the_loop import HABIT

SAVED = Written("checkpoint", Site("train.py", 20), 1.0, 30e-6)
SAID = Written("print", Site("train.py", 21), 1.0, 2e-6)
WRITING = step(phase("forward", 50), phase("checkpoint", 30, "io"), phase("print", 2, "io"))


def test_nothing_is_written_in_the_loop() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 90)), script()), evidence(WRITING, script()))


@pytest.mark.parametrize(
    ("call", "times", "rest_us", "expected"),
    [
        ("logging.Logger.handle", 1.0, 400, 1.0),
        ("os.fsync", 1.0, 400, 0.75),
        ("os.fsync", 0.125, 400, 0.969),
        ("os.fdatasync", 1.0, 40_000, 1.0),
        ("os.fsync", 20.0, 400, 0.75),
        ("os.fsync", 1.0, 100, 0.5),
    ],
)
def test_what_follows_a_line_that_is_forced_to_the_disk_is_cold(
    call: str, times: float, rest_us: float, expected: float
) -> None:
    line = Written("log", Site("train.py", 21), times, 200e-6, call=call)
    alike = in_a_row(*(step(phase("log", rest_us / 2, "io"), us=rest_us * 1.5) for _ in range(8)))
    finding = the(HABIT, evidence(alike, script(written=(line,))))
    assert finding.rest_at_best == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize(("kind", "expected"), [("checkpoint", 0.87), ("log", 1.0)])
def test_a_checkpoint_empties_the_caches(kind: str, expected: float) -> None:
    written = Written(kind, Site("train.py", 21), 1.0, 200e-6)
    alike = in_a_row(*(step(phase(kind, 30, "io"), us=90) for _ in range(8)))
    assert the(HABIT, evidence(alike, script(written=(written,)))).rest_at_best == pytest.approx(expected)
    few = in_a_row(*(step(phase(kind, 30, "io"), us=900) for _ in range(8)))
    assert the(HABIT, evidence(few, script(written=(written,)))).rest_at_best == 1


def test_a_line_now_and_then() -> None:
    rare = step(phase("forward", 90), phase("print", 0.5, "io"))
    assert not found(HABIT, evidence(rare, script(written=(SAID,))), evidence(EMPTY, script(written=(SAID,))))


def test_the_call_that_takes_longest_is_named() -> None:
    finding = the(HABIT, evidence(WRITING, script(written=(SAID, SAVED))))
    assert finding.site == "train.py:20" and "checkpoint" in finding.title
    assert finding.share == pytest.approx(0.32) and finding.floor == 0.0
