"""Loaders that join items in loops of Python, and tensors of lists of arrays: from the script to the finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import evidence
from unslow.habits import arrays_stacked_slowly, slow_collate

from .test_script import project, survey

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

__all__ = ["project"]

SCRIPT = """
import numpy as np, torch
from torch.utils.data import DataLoader

rows = [(np.arange(400.0) / (n + 3), n) for n in range(64)]

def collate(items):
    COLLATE

weight = torch.ones(400, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.0)
for epoch in range(1000):
    for x, n in DataLoader(rows, batch_size=16, collate_fn=collate):
        (x @ weight).sum().backward()
        optimizer.step()
"""


def test_numbers_one_by_one(project: Path) -> None:
    joins = "return torch.tensor([[float(v) for v in row] for row, _ in items]), torch.tensor([n for _, n in items])"
    seen = survey(project, SCRIPT.replace("COLLATE", joins))
    (known,) = seen.script.loaders
    assert known.joined and not known.why_not_vectorised and 0 < known.vector_collate_s < known.collate_s
    assert known.collate is not None and (known.collate.line, known.collate.end_line) == (7, 8)
    (finding,) = slow_collate.HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site == "train.py:7" and finding.floor is not None and finding.floor < 1
    assert not seen.script.of_kind("arrays")


def test_a_list_of_arrays(project: Path) -> None:
    joins = "return torch.tensor([row for row, _ in items]).float(), torch.tensor([n for _, n in items])"
    seen = survey(project, SCRIPT.replace("COLLATE", joins))
    (call,) = seen.script.of_kind("arrays")
    assert call.site.line == 8 and call.direct and not call.details["why_not_stacked"]
    assert call.details["bytes"] == 16 * 400 * 8 and call.seconds_in_steps > 0
    (finding,) = arrays_stacked_slowly.HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site == "train.py:8"


def test_one_array_of_all(project: Path) -> None:
    joins = "return torch.tensor(np.stack([row for row, _ in items])).float(), torch.tensor([n for _, n in items])"
    seen = survey(project, SCRIPT.replace("COLLATE", joins))
    assert not seen.script.of_kind("arrays")
    assert not list(slow_collate.HABIT.detect(evidence(seen.profile, seen.facts)))
