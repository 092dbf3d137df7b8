"""What the benches share: where things lie, results that can be gone on with, and how a bar is told."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unslow.core.errors import BadUsage
from unslow.core.estimate import Estimate
from unslow.core.events import Event
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.machine.facts import this_machine
from unslow.runs.folder import write_json

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = Path(os.environ.get("UNSLOW_BENCH_RESULTS", str(HERE / "results"))).resolve()
GRIDS = HERE / "grids"
RUNS = ROOT / "unslow-runs"
BAR_SCHEMA = "unslow.bench.bar/1"
EXAMPLES: Mapping[str, str] = {
    "encoder": "examples/sentence_encoder/workload.py:encoder",
    "classifier": "examples/image_classifier/workload.py:classifier",
    "file_type": "examples/file_type/workload.py:file_type",
    "voice_activity": "examples/voice_activity/workload.py:voice_activity",
}


@dataclass(frozen=True)
class Bar:
    """A row of the table: what was to be reached, and what was. `low` and `high` are of its interval, if it has one."""

    name: str
    what: str
    limit: str
    value: float
    passed: bool
    unit: str = ""
    low: float | None = None
    high: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" ({self.low:.3g} to {self.high:.3g})"
        return f"{self.name}: {self.value:.3g}{self.unit}{interval} {'pass' if self.passed else 'miss'} [{self.limit}]"


def target_of(example: str) -> str:
    """`file.py:name` of an example, absolute.

    Raises
    ------
    BadUsage
        There is no such example.
    """
    if example not in EXAMPLES:
        raise BadUsage(f"There is no example {example!r}.", f"Examples: {', '.join(EXAMPLES)}.")
    return str(ROOT / EXAMPLES[example])


def counted(bar: Bar, times: int, wanted: int) -> Bar:
    """The bar of repeated runs: fewer than are asked for are progress, and pass nothing."""
    return bar if times >= wanted else replace(bar, passed=False, limit=f"{bar.limit}, of {wanted}")


def told(bar: Bar) -> Bar:
    """Print the bar's line, and keep it."""
    save(f"bar-{bar.name}", {"schema": BAR_SCHEMA, **to_json(bar), "machine": machine_words()})
    sys.stdout.write(f"{bar}\n")
    sys.stdout.flush()
    return bar


def ended(*bars: Bar) -> None:
    """End the script: 0 if every bar passed, else 1."""
    raise SystemExit(0 if all(bar.passed for bar in bars) else 1)


def saved(name: str) -> dict[str, Any]:
    """What was kept under this name; empty if nothing was."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def save(name: str, value: Any) -> Path:
    """Keep a result, whole or not at all; its file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    write_json(path, value)
    return path


def repeated(name: str, times: int, measure: Callable[[int], Any], about: Mapping[str, Any]) -> list[Any]:
    """`measure(0)` to `measure(times - 1)`, as plain JSON; those that are kept under `name` are not measured again.

    A file of another workload (`about`) is begun anew.
    """
    before = saved(name)
    asked = to_json(about)
    done: list[Any] = before.get("runs", []) if before.get("about") == asked else []
    for number in range(len(done), times):
        started = time.monotonic()
        done.append(to_json(measure(number)))
        save(name, {"schema": "unslow.bench.runs/1", "about": asked, "machine": machine_words(), "runs": done})
        progress(f"{name}: {number + 1} of {times}, {time.monotonic() - started:.0f} s")
    return done[:times]


def progress(text: str) -> None:
    """A line on standard error, with the time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def telling(event: Event) -> None:
    """A listener that tells of what is begun, not of every pair of turns."""
    if event.stage not in ("race", "finals", "profile", "findings") or event.payload is not None:
        progress(f"  {event.stage}: {event.text}")


def machine_words() -> dict[str, Any]:
    """The machine in a few words, for a result's file."""
    machine: Machine = this_machine(floors=False)
    return {
        "processor": machine.processor,
        "cores": machine.cores,
        "system": machine.system,
        "libraries": dict(machine.libraries),
        "at": time.strftime("%Y-%m-%dT%H:%M:%S"),
    }


def estimate_of(data: Mapping[str, Any]) -> Estimate:
    """A speed-up (of a comparison or a trial, as plain JSON) as an estimate; its ends may be the word "inf"."""
    point, low, high = (float(data[key]) for key in ("point", "low", "high"))
    return Estimate(point, low, high, data["level"], data.get("process_pairs", 0) or data.get("turn_pairs", 0))


@contextmanager
def environment(**settings: str) -> Generator[None]:
    """Within it, these variables are set, here and in the processes started from here."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
