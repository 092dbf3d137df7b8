"""The workshop of this process: files that fixes make, kept by the content of their keys, with what making them
took."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from unslow import targets
from unslow.core.calls import to_numpy
from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.core.variant import ArrayRequest, Workshop
from unslow.core.workload import Inference, Target
from unslow.survey.requests import read_requests

MADE = "made.json"


@final
class LocalWorkshop(Workshop):
    """Keeps what it makes under `cache`; `survey` is the folder where the survey saved the requests.

    `spent_seconds` is what making this variant's files took, also where they were found made.
    """

    def __init__(
        self, target: Target, facts: Facts, machine: Machine, cache: Path, survey: Path, places: Sequence[int]
    ) -> None:
        self.facts = facts
        self.machine = machine
        self.spent_seconds = 0.0
        self._target = target
        self._cache = cache
        self._survey = survey
        self._places = places
        self._inference: Inference | None = None

    def make(self, name: str, key: Mapping[str, Any], builder: Callable[[Path], None]) -> Path:
        whole = {
            "key": to_json(key),
            "fingerprint": self.facts.fingerprint,
            "libraries": to_json(self.machine.libraries),
        }
        digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
        folder = self._cache / f"{name}-{digest}"
        if not (folder / MADE).is_file():
            self._build(folder, whole, builder)
        self.spent_seconds += json.loads((folder / MADE).read_text())["seconds"]
        return folder

    def _build(self, folder: Path, key: Mapping[str, Any], builder: Callable[[Path], None]) -> None:
        draft = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        started, before = time.perf_counter(), self.spent_seconds
        try:
            builder(draft)
            # What a builder asked the workshop for is counted by that call.
            seconds = time.perf_counter() - started - (self.spent_seconds - before)
            (draft / MADE).write_text(json.dumps({"schema": "unslow.made/1", "seconds": max(0.0, seconds), **key}))
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def inference(self) -> Inference:
        if self._inference is None:
            self._inference = targets.load(self._target)
        return self._inference

    def requests(self, most: int) -> Sequence[ArrayRequest]:
        saved = read_requests(self._survey).inputs
        places = [place for place in self._places if place < len(saved)] or list(range(len(saved)))
        step = max(1, len(places) // most)
        return [{name: to_numpy(value) for name, value in saved[place].items()} for place in places[::step][:most]]
