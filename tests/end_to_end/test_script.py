"""`unslow fix train.py` from the script to its patch, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import unslow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WAITS = """
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        time.sleep(0.004)  # a store that answers after a while
        return torch.full((8,), index / 64) + torch.rand(1), torch.tensor([index / 64])


torch.manual_seed(0)
torch.set_num_threads(1)
loader = DataLoader(Rows(), batch_size=8)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(int(sys.argv[2])):
    for rows, numbers in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(rows), numbers).backward()
        optimizer.step()
    torch.save(model.state_dict(), "model.pt")
print("done")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(WAITS)
    (folder / "model.pt").write_text("the user's")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def test_a_script_that_waits_gets_workers_and_a_patch_that_git_takes(project: Path) -> None:
    out = project.parent / "run"
    done = unslow(
        project,
        "fix",
        "train.py",
        "--only",
        "loader-workers",
        "--budget",
        "1m",
        "--out",
        str(out),
        "--",
        "--epochs",
        "1000",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    winner = next(trial for trial in report["trials"] if trial["id"] == report["winner"])
    assert [fix["name"] for fix in winner["fixes"]] == ["loader-workers"] and winner["speedup"]["low"] > 1.02
    assert report["findings"][0]["habit"] == "loader-in-main-process"
    assert any("the loader at train.py:" in note and "random" in note for note in report["notes"])
    assert (project / "model.pt").read_text() == "the user's" and (project / "train.py").read_text() == WAITS
    subprocess.run(["git", "apply", "--check", report["patch"]], cwd=project, check=True)
    subprocess.run(["git", "apply", report["patch"]], cwd=project, check=True)
    assert "num_workers=" in (project / "train.py").read_text()
    (project / "model.pt").unlink()
    ran = subprocess.run([sys.executable, "train.py", "--epochs", "2"], cwd=project, capture_output=True, text=True)
    assert ran.stdout == "done\n", ran.stderr


def test_a_script_that_raises_is_two_plain_lines(project: Path) -> None:
    (project / "train.py").write_text("import torch\ntorch.zeros(2) @ torch.zeros(3)\n")
    done = unslow(project, "fix", "train.py", "--out", str(project.parent / "run"))
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[0].startswith("unslow: train.py:2 raised RuntimeError")
        and len(done.stderr.splitlines()) == 2
    )
