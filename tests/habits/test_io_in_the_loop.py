from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, phase, script, step, the
from unslow.core.script import Site, Written
from unslow.habits.io_in_the_loop import HABIT

SAVED = Written("checkpoint", Site("train.py", 20), 1.0, 30e-6)
SAID = Written("print", Site("train.py", 21), 1.0, 2e-6)
WRITING = step(phase("forward", 50), phase("checkpoint", 30, "io"), phase("print", 2, "io"))


def test_nothing_is_written_in_the_loop() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 90)), script()), evidence(WRITING, script()))


def test_a_line_now_and_then() -> None:
    rare = step(phase("forward", 90), phase("print", 0.5, "io"))
    assert not found(HABIT, evidence(rare, script(written=(SAID,))), evidence(EMPTY, script(written=(SAID,))))


def test_the_call_that_takes_longest_is_named() -> None:
    finding = the(HABIT, evidence(WRITING, script(written=(SAID, SAVED))))
    assert finding.site == "train.py:20" and "checkpoint" in finding.title
    assert finding.share == pytest.approx(0.32) and finding.floor == 0.0
