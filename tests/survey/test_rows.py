"""What the script's own Python does between batches, and in making them: from the script to the finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import evidence
from unslow.habits import float64_compute, input_bound, row_by_row_python, slow_dataset_item

from .test_script import project, survey

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

__all__ = ["project"]

LOOP = """
import time, unslow

def rows():
    total = 0.0
    for n in range(60_000):
        total += n * 0.5
    return total

def read():
    time.sleep(0.02)
    return 1

for n in range(100_000):
    with unslow.step():
        STEP
"""
LOADER = """
import random, torch
from torch.utils.data import DataLoader

class Rows:
    def __len__(self):
        return 32

    def __getitem__(self, n):
        shift = random.random()
        numbers = sorted(float(k) for k in range(40_000))
        return torch.tensor([numbers[0] + shift])

for epoch in range(1000):
    for batch in DataLoader(Rows(), batch_size=4):
        pass
"""


def test_a_loop_over_numbers(project: Path) -> None:
    seen = survey(project, LOOP.replace("STEP", "rows()"))
    (finding,) = row_by_row_python.HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site in ("train.py:6", "train.py:7") and "in rows" in finding.title
    assert not list(input_bound.HABIT.detect(evidence(seen.profile, seen.facts)))


def test_a_reader_that_is_no_loader(project: Path) -> None:
    seen = survey(project, LOOP.replace("STEP", "read()"))
    (finding,) = input_bound.HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site == "train.py:11"
    assert not list(row_by_row_python.HABIT.detect(evidence(seen.profile, seen.facts)))


def test_items_that_are_made_slowly(project: Path) -> None:
    seen = survey(project, LOADER)
    (known,) = seen.script.loaders
    assert known.slowest_line == "train.py:11" and 0 < known.slowest_line_part <= 1
    (finding,) = slow_dataset_item.HABIT.detect(evidence(seen.profile, seen.facts))
    assert finding.site == "train.py:11"


TABLE = """
import numpy, unslow

table = numpy.random.default_rng(0).random((400, 400)).astype(numpy.DTYPE)

def likest(rows):
    return (rows @ rows.T).argmax()

for n in range(100_000):
    with unslow.step():
        likest(table)
"""


@pytest.mark.parametrize(("dtype", "lines"), [("float32", []), ("float64", ["train.py:7"])])
def test_a_table_of_numpys(project: Path, dtype: str, lines: list[str]) -> None:
    seen = survey(project, TABLE.replace("DTYPE", dtype))
    findings = float64_compute.HABIT.detect(evidence(seen.profile, seen.facts))
    assert [finding.site for finding in findings] == lines
