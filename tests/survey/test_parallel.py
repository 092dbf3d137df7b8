"""Scripts with a `DistributedDataParallel` model, in a process group of one, surveyed."""

from __future__ import annotations

from pathlib import Path

import pytest
from surveyed import seen

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

SOURCE = """
import contextlib
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP

dist.init_process_group("gloo", init_method="file:///FOLDER/rendezvous", rank=0, world_size=1)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.other = nn.Linear(64, 64), nn.Linear(64, 64)
    def forward(self, x):
        return self.other(self.used(x)) if BOTH else self.used(x)

model = DDP(Net(), find_unused_parameters=SEARCH)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
x = torch.ones(64, 64)
while True:
    for part in range(PARTS):
        with model.no_sync() if QUIET and part < PARTS - 1 else contextlib.nullcontext():
            model(x).sum().backward()
    with torch.no_grad():
        model(x)
    optimizer.step()
    optimizer.zero_grad()
"""
HABITS = ("accumulation-without-no-sync", "unused-parameter-search")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"PARTS": 1, "QUIET": False, "SEARCH": False, "BOTH": True}, []),
        ({"PARTS": 3, "QUIET": True, "SEARCH": True, "BOTH": False}, []),
        ({"PARTS": 3, "QUIET": False, "SEARCH": True, "BOTH": True}, ["train.py:23", "train.py:17"]),
    ],
    ids=["plain", "no_sync and an unused branch", "accumulated and searched"],
)
def test_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choices: dict[str, object], expected: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = SOURCE.replace("/FOLDER", str(tmp_path))
    for name, value in choices.items():
        source = source.replace(name, repr(value))
    known = seen(tmp_path, source)
    (made,) = known.of_kind("ddp")
    assert made.details["world"] == 1 and made.details["looked_at"] == 20 and made.details["steps"] > 20
    assert made.details["unused"] == (0 if choices["BOTH"] else 2)
    assert [finding.site for habit in HABITS for finding in known.found(habit)] == expected


def test_a_wrapper_for_several_devices_that_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known = seen(
        tmp_path,
        """
        import torch

        model = torch.nn.DataParallel(torch.nn.Linear(4, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        while True:
            model(torch.ones(4, 4)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        """,
    )
    (made,) = known.of_kind("data-parallel")
    assert made.details["devices"] == 0 and made.site.line == 4 and not known.found("data-parallel-wrapper")
