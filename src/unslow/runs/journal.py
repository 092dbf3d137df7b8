"""`journal.jsonl`: each finished piece of a run, at once, one line each; a run goes on from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar, final

from unslow.core.errors import BadInput
from unslow.core.jsonable import from_json, to_json
from unslow.runs.folder import writing

T = TypeVar("T")
SCHEMA = "unslow.journal/1"


@final
class Journal:
    """Appends records of a kind and reads them back. A last line that was cut off is ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = _read(path)

    def add(self, kind: str, key: str, value: Any) -> None:
        """Write a record through to the disk."""
        record = {"schema": SCHEMA, "kind": kind, "key": key, "value": to_json(value)}
        self._lines.append(record)
        with writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def all(self, kind: str, of: type[T]) -> dict[str, T]:
        """Every record of a kind by key; of several with one key, the last."""
        return {line["key"]: from_json(of, line["value"]) for line in self._lines if line["kind"] == kind}

    def get(self, kind: str, key: str, of: type[T]) -> T | None:
        """One record, or None."""
        return self.all(kind, of).get(key)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            if number == text.count("\n") + 1:  # The run was cut off while it wrote this.
                break
            raise BadInput(
                f"{path}:{number} is not a line of a journal.", "Start a new run, without --resume."
            ) from error
        if record.get("schema") != SCHEMA:
            raise BadInput(
                f"{path}:{number} was written by another version ({record.get('schema')}).", "Start a new run."
            )
        lines.append(record)
    if lines and not text.endswith("\n"):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return lines
