"""`unslow-runs/NAME-TIME/`: made before anything is measured; every file in it is written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.jsonable import to_json
from unslow.core.workload import Target

ROOT = "unslow-runs"
LEAST_FREE_BYTES = 50_000_000
"""Below this much free room a run would stop half-way: an export of even a small model does not fit."""


@dataclass(frozen=True)
class RunFolder:
    """The places of a run's files."""

    path: Path

    @property
    def survey(self) -> Path:
        return self.path / "work" / "survey"

    @property
    def logs(self) -> Path:
        return self.path / "work" / "logs"

    @property
    def answers(self) -> Path:
        return self.path / "work" / "answers"

    @property
    def bundles(self) -> Path:
        return self.path / "work" / "bundles"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def new_folder(target: Target, out: str = "") -> RunFolder:
    """Make the folder of a new run: `out`, or one named after the target and the time.

    Raises
    ------
    BadInput
        It cannot be made, holds a run already, or there is no room on the disk.
    """
    path = Path(out) if out else Path(ROOT) / f"{_name(target)}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = RunFolder(_unused(path.resolve()) if not out else path.resolve())
    if folder.journal.exists():
        raise BadInput(
            f"{folder.path} holds an earlier run.", f"Go on with it by --resume {folder.path}, or choose another --out."
        )
    with writing(folder.path):
        for inner in (folder.path, folder.survey, folder.logs, folder.answers, folder.bundles):
            inner.mkdir(parents=True, exist_ok=True)
        room = os.statvfs(folder.path)
        if room.f_bavail * room.f_frsize < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, "less than 50 MB are free")
    return folder


def _unused(path: Path) -> Path:
    number = 2
    chosen = path
    while chosen.exists():
        chosen = path.with_name(f"{path.name}-{number}")
        number += 1
    return chosen


def _name(target: Target) -> str:
    return re.sub(
        r"[^\w.-]+", "-", target.name if target.kind == "python-file" and target.name else Path(target.location).stem
    )


@contextlib.contextmanager
def writing(path: Path) -> Generator[None]:
    """Turns what the file system refuses into two plain lines."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        todo = (
            "Free some room, or choose another disk with --out."
            if error.errno == errno.ENOSPC
            else "Choose another folder with --out."
        )
        raise BadInput(f"Cannot write {path}: {reason}.", todo) from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    with writing(path):
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all."""
    write_text(path, json.dumps(to_json(value), indent=1) + "\n")


def user_cache() -> Path:
    """Where what is made once is kept between runs: `UNSLOW_CACHE`, else the user's cache folder."""
    given = os.environ.get("UNSLOW_CACHE")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "unslow"
    return base.expanduser().resolve()
