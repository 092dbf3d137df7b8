"""Scripts that go wrong only after they have been surveyed: while they race, are judged, or are measured at last."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from commands import unslow, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# The survey's mirror is called otherwise than those of the runs that come after it.
SCRIPT = """
import os, shutil, subprocess, sys, time
from multiprocessing import Pool

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __len__(self):
        return 640

    def __getitem__(self, index):
        time.sleep(0.002)
        return torch.full((8,), index / 640), torch.tensor([index / 640])

def work(number):
    time.sleep(0.001)

def begin():
    {begin}

def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Rows(), batch_size=8)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    step, is_surveyed, kept = 0, "mirrors" not in os.getcwd(), begin()
    for epoch in range(10_000):
        for rows, numbers in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(rows), numbers).backward()
            optimizer.step()
            step += 1
            {each}

if __name__ == "__main__":
    main()
"""
STRAY = "stray-of-a-test-of-unslow"
STARTS = (
    f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)', '{STRAY}'], start_new_session=True)\n"
    f"    os.system('(setsid sh -c \"sleep 3600; : {STRAY}\" > /dev/null 2>&1 &)')\n"
    "    pool = Pool(2)\n"
    "    pool.map_async(work, range(10**6))\n"
    "    return pool"
)


def project(tmp_path: Path, begin: str = "pass", each: str = "pass") -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    written(folder, SCRIPT.format(begin=begin, each=each), "train.py")
    (folder / "notes.txt").write_text("the user's")
    return folder


def fixed(folder: Path) -> tuple[int, list[str], Path]:
    """The exit code, the lines of the error, and the folder of the run."""
    out = folder.parent / "run"
    done = unslow(folder, "fix", "train.py", "--only", "loader-workers", "--budget", "30s", "--out", out)
    assert {path.name for path in folder.iterdir()} == {"cache", "notes.txt", "train.py"}  # the cache is this test's
    assert (folder / "notes.txt").read_text() == "the user's"
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stderr.splitlines(), out


@pytest.mark.parametrize(
    ("each", "says"),
    [
        ("raise ValueError('the disk is full')", "raised ValueError: the disk is full"),
        ("sys.exit('no more')", "ended with the words 'no more'"),
        ("os._exit(3)", "ended with exit code 3"),
        ("os.kill(os.getpid(), 11)", "crashed with SIGSEGV"),
        ("input('go on? ')", "reads standard input"),
    ],
    ids=["raises", "exits", "quits", "crashes", "asks"],
)  # fmt: skip
def test_it_goes_wrong_after_some_steps(tmp_path: Path, each: str, says: str) -> None:
    code, error, out = fixed(project(tmp_path, each=f"if step == 40 and not is_surveyed: {each}"))
    if code:  # The original went wrong first.
        assert code == 2 and len(error) == 2 and says in error[0]
        assert (out / "journal.jsonl").exists()
    else:
        report = json.loads((out / "report.json").read_text())
        assert report["winner"] is None and says in report["trials"][0]["reason"]


def test_it_deletes_its_outputs_between_steps(tmp_path: Path) -> None:
    begin = "os.makedirs('out', exist_ok=True)"
    writes = "open('out/model.pt', 'w').close(); shutil.rmtree('out'); os.makedirs('out')"
    each = f"{writes}; os.path.exists('notes.txt') and os.remove('notes.txt')"
    code, _, out = fixed(project(tmp_path, begin, each))
    assert code == 0
    trials = json.loads((out / "report.json").read_text())["trials"]
    assert trials and all(trial["verdict"] != "failed" for trial in trials)


def test_what_it_starts_is_gone_afterwards(tmp_path: Path) -> None:
    code, _, out = fixed(project(tmp_path, STARTS))
    assert code == 0 and json.loads((out / "report.json").read_text())["trials"]
    left = [one for one in psutil.process_iter(["cmdline", "status"]) if STRAY in " ".join(one.info["cmdline"] or [])]
    assert not [one for one in left if one.info["status"] != psutil.STATUS_ZOMBIE]


def test_a_script_that_hangs_without_a_step(tmp_path: Path) -> None:
    folder = project(tmp_path, "time.sleep(3600)")
    done = unslow(folder, "fix", "train.py", "--patience", "20s", "--out", tmp_path / "run")
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and len(lines) == 2
    assert "It hung" in lines[0] and "unslow.step()" in lines[1]
