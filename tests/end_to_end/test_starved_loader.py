"""Turns of a script whose loader is starved give what whole runs give: batches in a queue are drained first."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from commands import unslow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Items are waited for, not computed: so that the ratio does not depend on who else uses the cores.
STARVED = """
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __len__(self):
        return 128

    def __getitem__(self, index):
        time.sleep(0.006)
        return torch.full((8,), index / 128), torch.tensor([index / 128])


torch.manual_seed(0)
torch.set_num_threads(1)
loader = DataLoader(Rows(), batch_size=8, num_workers=1, persistent_workers=True)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(int(sys.argv[1])):
    for rows, numbers in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(rows), numbers).backward()
        optimizer.step()
    print(time.perf_counter())
"""
FIRST, EPOCHS, PAIRS = 2, 12, 4
T_OF_95_PERCENT = 3.18
"""With three degrees of freedom."""


def seconds(script: Path) -> float:
    """Of a whole run, from the end of its first epochs (its workers have started by then) to its own end."""
    command = [sys.executable, script.name, str(EPOCHS)]
    done = subprocess.run(command, cwd=script.parent, check=True, capture_output=True, text=True)
    ends = list(map(float, done.stdout.split()))
    return ends[-1] - ends[FIRST - 1]


def test_what_turns_say_is_what_whole_runs_take(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(STARVED)
    out = tmp_path / "run"
    done = unslow(
        tmp_path, "fix", "train.py", "--only", "loader-workers", "--budget", "90s", "--out", str(out), "--", "1000"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    said = next(trial for trial in report["trials"] if trial["id"] == report["winner"])["speedup"]
    patched = tmp_path / "patched" / "train.py"
    patched.parent.mkdir()
    patched.write_text(STARVED)
    subprocess.run(["git", "init", "-q"], cwd=patched.parent, check=True)
    subprocess.run(["git", "apply", report["patch"]], cwd=patched.parent, check=True)
    ratios: list[float] = []
    for _ in range(PAIRS):
        before, after = seconds(script), seconds(patched)
        ratios.append(math.log(before / after))
    half = T_OF_95_PERCENT * statistics.stdev(ratios) / math.sqrt(PAIRS)
    low, high = (math.exp(statistics.mean(ratios) + side * half) for side in (-1, 1))
    assert said["low"] <= high and low <= said["high"], f"turns {said}, whole runs {low:.2f} to {high:.2f}"
