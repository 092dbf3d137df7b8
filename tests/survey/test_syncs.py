"""Values that a script asks for in its steps: from the script to the finding, and to what can be put off."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import evidence
from unslow.habits.sync_every_step import HABIT

from .test_script import project, survey

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

__all__ = ["project"]

SCRIPT = """
import torch

weight = torch.ones(3, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.0)
for epoch in range(1000):
    total = 0.0
    for n in range(8):
        optimizer.zero_grad()
        loss = weight.sum()
        loss.backward()
        optimizer.step()
        ASKED
    total / 8
"""


def test_what_is_asked_for_in_every_step(project: Path) -> None:
    asking = "\n        ".join(["total += loss.item()", "for _ in range(300):", "    total += loss.item()"])
    seen = survey(project, SCRIPT.replace("ASKED", asking))
    first, second = seen.script.of_kind("sync")
    assert (first.site.line, second.site.line) == (13, 15)
    assert first.details["call"] == "item" and first.details["device"] == "cpu" and first.details["numbers"] == "float"
    assert first.times_in_steps >= seen.script.noted_steps - 1 and second.times_in_steps >= 299 * (
        seen.script.noted_steps - 1
    )
    assert first.details["deferral"]["why_not"] == "" and first.details["deferral"]["name"] == "total"
    assert second.details["deferral"]["why_not"]  # what the outer loop does, it cannot say
    (finding,) = HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site == "train.py:15"


def test_what_is_asked_for_once_an_epoch(project: Path) -> None:
    seen = survey(project, SCRIPT.replace("ASKED", "total = loss").replace("total / 8", "total.item()"))
    (call,) = seen.script.of_kind("sync")
    assert call.times_in_steps < seen.script.noted_steps / 4
    assert not list(HABIT.detect(evidence(seen.profile, seen.facts)))
