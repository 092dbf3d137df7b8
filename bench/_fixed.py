"""Runs of `unslow fix` on an example, kept: what the bars about speed-ups are read from."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._common import RUNS, environment, progress, save, saved, target_of, telling
from unslow.core.events import Event
from unslow.core.options import Options
from unslow.core.trial import Report, Trial
from unslow.fixes import all_fixes
from unslow.report.json import report_from_json
from unslow.verbs.fix import fix

WITHOUT_LOSS = ("exact", "numeric")


def lossy_fixes() -> tuple[str, ...]:
    return tuple(name for name, fix in all_fixes().items() if fix.tag == "lossy")


def fixed(example: str, label: str, *, seed: int = 0, skip: Sequence[str] = (), again: bool = False) -> Report:
    """The report of a run on the example, with every cache empty; not run again where its folder still has it."""
    name = f"fix-{example}-{label}"
    known = saved(name)
    path = Path(known.get("folder", "")) / "report.json"
    if known and path.is_file() and not again:
        return report_from_json(json.loads(path.read_text()))
    progress(f"unslow fix {target_of(example)} ({label})")
    folder = RUNS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    clock = _Clock()
    with environment(UNSLOW_CACHE=str(folder / "cache")):
        options = Options(seed=seed, skip=tuple(skip))
        report = fix(target_of(example), options=options, out=str(folder), listener=clock)
    save(name, {"schema": "unslow.bench.fix/1", "folder": report.folder, "findings_s": clock.findings_s})
    return report


def findings_seconds(example: str, label: str) -> float:
    """How long the profile and the findings took to be on screen in that run."""
    return float(saved(f"fix-{example}-{label}")["findings_s"])


class _Clock:
    """Notes when the findings were told."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.findings_s = 0.0

    def __call__(self, event: Event) -> None:
        if event.stage == "findings":
            self.findings_s = time.monotonic() - self._started
        telling(event)


def best(report: Report, tags: Sequence[str], among: Sequence[str] = ()) -> Trial | None:
    """The fastest trial with these tags (and one of the fixes `among`) that is `faster` and whose outputs are kept."""
    right = [trial for trial in report.trials if trial.fixes and trial.tag in tags and trial.verdict == "faster"]
    if among:
        right = [trial for trial in right if any(applied.name in among for applied in trial.fixes)]
    kept = [trial for trial in right if trial.outputs is not None and trial.outputs.verdict == "kept" and trial.speedup]
    return max(kept, key=speed_of, default=None)


def speed_of(trial: Trial | None) -> float:
    return trial.speedup.point if trial is not None and trial.speedup is not None else 0.0


def about(trial: Trial | None) -> dict[str, Any]:
    """What a bar keeps of a trial."""
    if trial is None:
        return {"trial": "none was faster with its outputs kept"}
    outputs = trial.outputs.reason if trial.outputs else ""
    pairs = trial.speedup.process_pairs if trial.speedup else 0
    return {"trial": str(trial), "id": trial.id, "outputs": outputs, "process_pairs": pairs}
