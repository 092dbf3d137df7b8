"""What a Kineto recording of a gigabyte takes to be diagnosed, against `json.load` of the same file.

    python -m bench.large_trace [--bytes 1000000000] [--turns 3]

Both run in turns in fresh processes. Memory is the resident size of all processes that the command has started, looked
at every 20 ms. The limits: 500 MB, and no more time than `json.load` takes (medians). The file is made for this
(`_made_trace.py`), in a temporary folder, and deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import _made_trace
from bench._common import Bar, ended, machine_words, progress, save, told
from unslow.core.jsonable import to_json
from unslow.processes.local import tree_memory_bytes

BYTES, TURNS, LOOK_S = 1_000_000_000, 3, 0.02
MOST_BYTES = 500_000_000
EXPECTED = ("launch-bound", "loader-in-main-process")
"""The largest of what is wrong with the recording."""
DIAGNOSE = "from unslow.cli.main import main; main()"
LOAD = "import json, sys; json.load(open(sys.argv[1]))"


@dataclass(frozen=True)
class Turn:
    """One run: how long it took, the most memory of its processes, and the habits that it named, largest first."""

    seconds: float
    peak_bytes: int
    habits: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description="A Kineto recording of a gigabyte, against json.load.")
    parser.add_argument("--bytes", type=int, default=BYTES)
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unslow-large-trace-") as folder:
        path = Path(folder) / "trace.json"
        steps = _made_trace.write(path, arguments.bytes)
        size = path.stat().st_size
        progress(f"{size / 1e6:.0f} MB, {steps} steps")
        ours, theirs = _in_turns(path, arguments.turns)
    ended(*_bars(size, steps, ours, theirs))


def _in_turns(path: Path, turns: int) -> tuple[list[Turn], list[Turn]]:
    ours, theirs = list[Turn](), list[Turn]()
    for number in range(turns):
        ours.append(_turn([sys.executable, "-c", DIAGNOSE, "diagnose", str(path), "--json"]))
        progress(f"diagnose {number + 1} of {turns}: {ours[-1]}")
        theirs.append(_turn([sys.executable, "-c", LOAD, str(path)]))
        progress(f"json.load {number + 1} of {turns}: {theirs[-1]}")
    return ours, theirs


def _turn(command: Sequence[str]) -> Turn:
    """Raises `CalledProcessError` where it fails."""
    with tempfile.TemporaryFile() as answer:
        started, peak = time.perf_counter(), 0
        process = subprocess.Popen(command, stdout=answer, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, tree_memory_bytes(process.pid))
            time.sleep(LOOK_S)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(command))
        answer.seek(0)
        text = answer.read()
    return Turn(seconds, peak, tuple(one["habit"] for one in json.loads(text)["findings"]) if text else ())


def _bars(size: int, steps: int, ours: Sequence[Turn], theirs: Sequence[Turn]) -> tuple[Bar, Bar]:
    about = {"bytes": size, "steps": steps, "memory_of_machine": psutil.virtual_memory().total, "cores": os.cpu_count()}
    runs = {"diagnose": to_json(list(ours)), "json.load": to_json(list(theirs))}
    save("large_trace", {"schema": "unslow.bench.runs/1", "about": about, "machine": machine_words(), "runs": runs})
    right = all(turn.habits[: len(EXPECTED)] == EXPECTED for turn in ours)
    peak = max(turn.peak_bytes for turn in ours)
    ratio = statistics.median(t.seconds for t in ours) / statistics.median(t.seconds for t in theirs)
    what = f"a Kineto recording of {size / 1e9:.2g} GB diagnosed"
    return (
        told(Bar("large-trace-memory", f"{what}: memory", "≤ 500 MB", peak / 1e6, right and peak <= MOST_BYTES, " MB")),
        told(Bar("large-trace-time", f"{what}: time ÷ json.load's", "≤ 1", ratio, right and ratio <= 1)),
    )


if __name__ == "__main__":
    main()
