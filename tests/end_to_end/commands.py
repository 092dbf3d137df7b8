"""`unslow` as a user runs it: in a process of its own, on small workloads that are written to a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

NUMPY_WORK = """
import pathlib

import numpy as np
import unslow

WEIGHTS = pathlib.Path(__file__).with_name("weights.npy")
if not WEIGHTS.exists():
    np.save(WEIGHTS, np.random.default_rng(0).standard_normal((1500, 200)).astype(np.float32))

def predict(x):
    weights = np.load(WEIGHTS)
    return np.tanh(x @ weights)

@unslow.workload
def work():
    rng = np.random.default_rng(1)
    return unslow.Inference(predict, [rng.standard_normal((1, 1500)).astype(np.float32) for _ in range(12)])
"""


def written(folder: Path, text: str, name: str = "file.py") -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(text))
    return file


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "UNSLOW_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "unslow.cli.main", *map(str, arguments)]


def path_without(folder: Path, *libraries: str) -> str:
    """A PYTHONPATH with which no process can import these libraries, as where they are not installed."""
    place = folder / "lacking"
    place.mkdir()
    (place / "sitecustomize.py").write_text(f"import sys\nsys.modules |= dict.fromkeys({libraries!r})\n")
    before = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(place), *([before] if before else [])])


def unslow(folder: Path, *arguments: object, timeout_s: float = 500) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder),
        timeout=timeout_s,
        check=False,
    )


@dataclass(frozen=True)
class Ended:
    """A process that was sent a signal."""

    returncode: int
    stdout: str
    stderr: str
    pid: int


def stopped_when(folder: Path, ready: Callable[[], bool], signal_number: int, *arguments: object) -> Ended:
    """Starts `unslow`, and sends it a signal as soon as `ready`."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command(*arguments), cwd=folder, env=environment(folder), **pipes) as process:
        deadline = time.monotonic() + 300
        while not ready() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err, process.pid)


def lines_of(journal: Path, kind: str) -> list[dict[str, Any]]:
    """The whole lines of a kind; one that is being written is left out."""
    if not journal.exists():
        return []
    whole = [line for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [record for record in map(json.loads, whole) if record["kind"] == kind]


def workers_of(parent: int) -> list[int]:
    """Processes of ours that were started by this one, and still are there."""
    found: list[int] = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "unslow.worker" in line and line[-1] == str(parent) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found
