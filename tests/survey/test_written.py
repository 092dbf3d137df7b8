"""What is built for a call that writes is a part of what writing costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from unslow.core.script import FORCING

from .test_script import project, survey

__all__ = ["project"]

SCRIPT = """
import torch

model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(100_000):
    loss = model(torch.ones(2, 4)).sum()
    loss.backward()
    optimizer.step()
    total = loss.item()
    other = model.state_dict()
    print(f"loss {loss.item():.3f}", loss.sum().item(), flush=True)
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
        "last.pt",
    )
"""


def test_values_and_states_among_the_arguments(project: Path) -> None:
    seen = survey(project, SCRIPT)
    written = {(one.kind, one.site.line): one for one in seen.script.written}
    assert set(written) == {("print", 12), ("checkpoint", 13)}
    assert all(round(one.calls_per_step, 1) == 1 for one in written.values())
    phases = [
        (str(span.details["phase"]), span.details["line"]) for span in seen.profile.spans if "phase" in span.details
    ]
    in_steps = len(seen.profile.steps)
    assert phases.count(("print", 12)) == 3 * in_steps and phases.count(("checkpoint", 13)) == 3 * in_steps
    assert phases.count(("sync", 10)) == in_steps and phases.count(("state", 11)) == in_steps
    assert ("sync", 12) not in phases and ("state", 14) not in phases


FORCED = """
import os

import torch

model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
file = open("losses.csv", "w")
for step in range(100_000):
    loss = model(torch.ones(2, 4)).sum()
    loss.backward()
    optimizer.step()
    file.write("step\\n")
    file.flush()
    os.fsync(file.fileno())
"""


SUMMARISED = """
import torch
from torch.utils.tensorboard import SummaryWriter

model = torch.nn.Linear(64, 64)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
writer = SummaryWriter("runs")
for step in range(100_000):
    loss = model(torch.ones(2, 64)).sum()
    loss.backward()
    optimizer.step()
    writer.add_scalar("loss", loss, step)
    writer.add_histogram("weights", model.weight, step)
"""


OPENED = """
import sys

import torch

model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
lines = open("losses.csv", "w")
for step in range(100_000):
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    with open("last.pt", "wb") as file:
        torch.save(model.state_dict(), file)
    torch.save(model.state_dict(), f="other.pt")
    print(step, file=lines)
    print(step, file=sys.stderr)
"""


def test_what_goes_into_a_file_that_the_script_has_opened(project: Path) -> None:
    written = {one.site.line: one.into_open_file for one in survey(project, OPENED).script.written}
    assert written == {13: True, 14: False, 15: True, 16: False}


def test_a_file_that_is_forced_to_the_disk(project: Path) -> None:
    (written,) = survey(project, FORCED).script.written
    assert (written.kind, written.site.line, round(written.calls_per_step, 1)) == ("log", 15, 1)
    assert written.call in FORCING


def test_what_is_summarised_for_tensorboard(project: Path) -> None:
    pytest.importorskip("tensorboard")
    seen = survey(project, SUMMARISED)
    written = {one.site.line: (one.kind, one.call.rpartition(".")[2]) for one in seen.script.written}
    assert written == {12: ("log", "add_scalar"), 13: ("log", "add_histogram")}
    assert seen.profile.phases["I/O"] > 0
