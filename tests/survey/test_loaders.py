"""What a survey learns of the items of a loader: which part of their time is computed, where they can be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from unslow.core.script import LoaderFacts

from .test_script import project, survey  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

LOOP = """
import os
import time

import torch
from torch.utils.data import DataLoader


class Rows:
    def __init__(self):
        self.made_in = os.getpid()

    def __len__(self):
        return 8

    def __getitem__(self, index):
        {item}
        return torch.full((2,), float(index))


def main():
    for _ in range(1000):
        for batch in DataLoader(Rows(), batch_size=4{more}):
            pass


{begins}
"""
GUARDED = 'if __name__ == "__main__":\n    main()'
WAITS = "time.sleep(0.02)"
COMPUTES = "until = time.process_time() + 0.02\n        while time.process_time() < until:\n            pass"
ONLY_HERE = "if os.getpid() != self.made_in:\n            raise RuntimeError('not here')"


def loader(folder: Path, item: str, more: str = "", begins: str = GUARDED) -> LoaderFacts:
    (found,) = survey(folder, LOOP.format(item=item, more=more, begins=begins)).script.loaders
    return found


def test_items_that_are_waited_for_take_no_processor_time(project: Path) -> None:  # noqa: F811
    found = loader(project, WAITS)
    assert found.item_s >= 0.02 and found.slowest_item_s >= found.item_s
    assert 0 < found.item_cpu_s < 0.5 * found.item_s
    assert (found.start_method, found.why_not_forked) == ("fork", "")


def test_items_that_are_computed_take_it(project: Path) -> None:  # noqa: F811
    found = loader(project, COMPUTES)
    assert found.item_cpu_s >= 0.02


def test_items_that_only_this_process_can_make(project: Path) -> None:  # noqa: F811
    found = loader(project, ONLY_HERE, begins="main()")
    assert (found.start_method, found.why_not_forked) == ("none", "RuntimeError: not here")


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_of_workers_that_are_there_nothing_is_tried(project: Path) -> None:  # noqa: F811
    assert loader(project, WAITS, more=", num_workers=1").start_method == ""


FILLS = """
import sys, time
import torch
from torch.utils.data import DataLoader, Dataset

class Kept(Dataset):
    kept = {}
    def __len__(self):
        return 96
    def __getitem__(self, index):
        if KEPT and index in self.kept:
            return self.kept[index]
        time.sleep(0.02)
        self.kept[index] = torch.full((4,), float(index))
        return self.kept[index]

model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loader = DataLoader(Kept(), batch_size=2)
for epoch in range(100000):
    for rows in loader:
        optimizer.zero_grad()
        model(rows).sum().backward()
        optimizer.step()
"""


def test_a_first_epoch_in_which_a_cache_is_filled_is_not_what_is_told(project: Path) -> None:  # noqa: F811
    seen = survey(project, FILLS.replace("KEPT", "True"))
    assert seen.facts.seconds_per_request < 0.01 and seen.profile.shares["data"] < 0.9
    assert seen.script.loaders[0].wait_s < 0.01


def test_an_epoch_like_all_others_is(project: Path) -> None:  # noqa: F811
    seen = survey(project, FILLS.replace("KEPT", "False"))
    assert seen.facts.seconds_per_request > 0.03 and seen.profile.shares["data"] > 0.9


HELPER = """
import torch
from torch.utils.data import DataLoader, TensorDataset


def made(rows, shuffle):
    return DataLoader(TensorDataset(torch.rand(rows, 3)), 4, shuffle)


train, validation = made(40, True), made(8, False)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(100_000):
    for (rows,) in train:
        model(rows).sum().backward()
        optimizer.step()
    for (rows,) in validation:
        model(rows)
"""


def test_loaders_of_training_and_validation_that_one_call_makes(project: Path) -> None:  # noqa: F811
    found = survey(project, HELPER).script
    assert [(one.items, one.made, one.site.line) for one in found.loaders] == [(40, 1, 7), (8, 1, 7)]
    assert found.period == 10


TOLD = """
import numpy as np
import torch
from torch.utils.data import DataLoader


class Rows:
    epoch = 0

    def __len__(self):
        return 8

    METHOD

    def __getitem__(self, index):
        return np.random.default_rng((self.epoch, index)).random(3)


rows = Rows()
loader = DataLoader(rows, batch_size=4)
for epoch in range(100_000):
    CALL
    for batch in loader:
        pass
"""


@pytest.mark.parametrize(
    ("method", "call", "changes"),
    [
        ("", "", ""),
        ("", "rows.epoch = epoch", "epoch"),
        ("def set_epoch(self, epoch): self.epoch = epoch", "rows.set_epoch(epoch)", "set_epoch()"),
    ],
)
def test_a_data_set_that_is_another_one_in_the_next_epoch(
    project: Path,  # noqa: F811
    method: str,
    call: str,
    changes: str,
) -> None:
    (found,) = survey(project, TOLD.replace("METHOD", method).replace("CALL", call)).script.loaders
    assert found.changes == changes and bool(found.why_not_cached) is bool(changes)
