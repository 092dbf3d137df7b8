"""`kill -9` of unslow at random moments, then `--resume`: nothing finished is measured again, no process is left.

    python -m bench.bars.kill9 [--times 20] [--seed 0]
    python -m bench.bars.kill9 --script [--times 50]

`unslow fix` runs on a small torch model; with `--script` on `examples/remote_store`, a script with loader workers, an
object server and a proxy of its own, and every other time it is interrupted (Ctrl-C) instead of killed. Each time it is
killed at a random moment; then its processes must be gone, and it is started again with `--resume` (or anew, when it
was done, or had not begun to write). In the end it is let run to its end. A record of the journal that is there twice
was measured twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench._common import HERE, ROOT, RUNS, Bar, counted, ended, progress, save, told
from unslow.core.jsonable import to_json

TARGET = f"{HERE}/workloads.py:small_torch"
SCRIPT, ARGUMENTS = ROOT / "examples" / "remote_store" / "train.py", ("--", "--epochs", "2000")
BUDGET = "60s"
TIMES, SCRIPT_TIMES = 20, 50
MOST_DELAY_S = 45.0
LONGEST_RUN_S = 600.0
GONE_WITHIN_S = 5.0
INTERRUPTED_WITHIN_S = 20.0
"""An interrupted one writes its report first."""
ONCE = ("heat", "guarded", "final")
"""Kinds of records of the journal that are written when something was measured."""


@dataclass(frozen=True)
class Killed:
    """One moment: after how many seconds, what the journal held, and which processes were still there afterwards."""

    after_s: float
    resumed: bool
    by: str
    records: int
    left: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill unslow, and go on.")
    parser.add_argument("--script", action="store_true")
    parser.add_argument("--times", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    RUNS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unslow-kill9-", dir=RUNS) as scratch:
        trial = _Trial(Path(scratch), random.Random(arguments.seed), arguments.script)
        while len(trial.kills) < (arguments.times or trial.wanted):
            trial.kill_once()
        _keep(trial, whole=False)  # Whatever becomes of the last run, the kills have been seen.
        left, whole = _left_bar(trial), trial.finish()
        _keep(trial, whole)
        ended(left, _again_bar(trial, whole))


class _Trial:
    """The runs so far: the folder that is gone on with, and those that came to their end."""

    def __init__(self, scratch: Path, coin: random.Random, script: bool) -> None:
        self.script = script
        self.kills: list[Killed] = []
        self.twice: list[str] = []
        self._scratch = scratch
        self._coin = coin
        self._number = 0
        self._fails = 0

    @property
    def name(self) -> str:
        return "kill9-script" if self.script else "kill9"

    @property
    def wanted(self) -> int:
        return SCRIPT_TIMES if self.script else TIMES

    @property
    def folder(self) -> Path:
        return self._scratch / f"run-{self._number}"

    def kill_once(self) -> None:
        """Start or go on, kill at a random moment, and look at what is left."""
        resumed = (self.folder / "work" / "target.json").is_file()
        process = self._start(resumed)
        delay = self._coin.uniform(0.3, MOST_DELAY_S)
        try:
            code = process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            family = _descendants(process.pid)
            by = _end(process, interrupt=self.script and len(self.kills) % 2 == 1)
            left = _left(process.pid, family)
            self.kills.append(Killed(delay, resumed, by, len(_records(self.folder)), left))
            self._note()
            progress(
                f"{by} {len(self.kills)} after {delay:.1f} s: {len(left)} left, {len(_records(self.folder))} records"
            )
            return
        self._note()
        self._fails += code != 0
        if self._fails > 3:
            raise SystemExit(f"unslow fix ends with code {code} by itself; see {self.folder}")
        progress("it came to its end before the kill; the next one starts anew")
        self._number += 1

    def finish(self) -> bool:
        """Let the last run go on to its end; whether it did, with a report."""
        process = self._start((self.folder / "work" / "target.json").is_file())
        try:
            code = process.wait(timeout=LONGEST_RUN_S)
        except subprocess.TimeoutExpired:
            progress(f"the last run did not end within {LONGEST_RUN_S:.0f} s")
            _end(process, interrupt=False)
            code = -1
        self._note()
        return code == 0 and (self.folder / "report.json").is_file()

    def _start(self, resume: bool) -> subprocess.Popen[bytes]:
        new = [str(SCRIPT) if self.script else TARGET, "--out", str(self.folder)]
        what = ["--resume", str(self.folder)] if resume else new
        own = ARGUMENTS if self.script and not resume else ()
        command = [
            sys.executable,
            "-c",
            "from unslow.cli.main import main; main()",
            "fix",
            *what,
            "--budget",
            BUDGET,
            *own,
        ]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "UNSLOW_CACHE": str(self._scratch / "cache")},
            preexec_fn=_heeds_interrupts,
        )

    def _note(self) -> None:
        found = [f"{self.folder.name}: {kind} {key}" for kind, key in measured_twice(_records(self.folder))]
        self.twice = sorted({*self.twice, *found})


def _heeds_interrupts() -> None:
    """As in a terminal, however this bench was started (a shell's background jobs ignore them)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(process: subprocess.Popen[bytes], interrupt: bool) -> str:
    """Kill it, or interrupt it as Ctrl-C does and wait until it has ended; says which."""
    if not interrupt:
        process.kill()
        process.wait()
        return "kill"
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=INTERRUPTED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "interrupt without an end"
    return "interrupt"


def _records(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the journal."""
    path = folder / "journal.jsonl"
    text = path.read_text(errors="replace") if path.is_file() else ""
    return records_of(text)


def records_of(text: str) -> list[dict[str, Any]]:
    """The records of a journal's text; a last line that was cut off is none."""
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def measured_twice(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The kind and key of each record of a measurement that is there more than once."""
    counted = Counter((record["kind"], record["key"]) for record in records if record["kind"] in ONCE)
    return [found for found, times in counted.items() if times > 1]


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _left(pid: int, family: list[psutil.Process]) -> tuple[str, ...]:
    """What is still there some seconds later, running or stopped: descendants, and workers that name this parent."""
    until = time.monotonic() + GONE_WITHIN_S
    while True:
        alive = [found for found in {*family, *_workers_of(pid)} if _alive(found)]
        if not alive or time.monotonic() > until:
            return tuple(_described(found) for found in alive)
        time.sleep(0.1)


def _workers_of(pid: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "unslow.worker" in line and line[-1] == str(pid):
            found.append(process)
    return found


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.status()} {' '.join(process.cmdline()[:4])}"
    except psutil.Error:
        return str(process.pid)


def _left_bar(trial: _Trial) -> Bar:
    kills, left = len(trial.kills), sum(bool(killed.left) for killed in trial.kills)
    return _told(Bar(f"{trial.name}-left", f"of {kills} kills, those that left a process", "0", left, left == 0), trial)


def _again_bar(trial: _Trial, whole: bool) -> Bar:
    twice = {"ends_with_a_report": whole, "twice": trial.twice}
    what, limit = "finished trials measured again after --resume", "0, and the run ends"
    passed = not trial.twice and whole
    return _told(Bar(f"{trial.name}-again", what, limit, len(trial.twice), passed, details=twice), trial)


def _keep(trial: _Trial, whole: bool) -> None:
    kept = {"kills": to_json(trial.kills), "twice": trial.twice, "ended": whole}
    save(trial.name, {"schema": "unslow.bench.kill9/1", **kept})


def _told(bar: Bar, trial: _Trial) -> Bar:
    return told(counted(bar, len(trial.kills), trial.wanted))


if __name__ == "__main__":
    main()
