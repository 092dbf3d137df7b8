"""Puts a patch's files into the user's working tree; never over changes that are not committed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.edits.patch import MANIFEST, digest, patched_files


def applied(folder: Path, force: bool = False) -> tuple[Path, ...]:
    """Write the patched files of a patch's `folder` where they belong; the files that were written.

    Raises
    ------
    BadInput
        A file is not what it was when the patch was made, or holds changes that git does not know (unless `force`).
    """
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    base, files = Path(manifest["base"]), patched_files(folder)
    _refuse_changed(base, manifest["before"])
    unsaved = [] if force else dirty(base, [name for name in files if (base / name).exists()])
    if unsaved:
        raise BadInput(
            f"{unsaved[0]} has changes that are not committed: the patch was not applied.",
            "Commit them first, or say --force.",
        )
    for name, file in files.items():
        shutil.copyfile(file, base / name)
    return tuple(base / name for name in files)


def _refuse_changed(base: Path, before: Mapping[str, str]) -> None:
    for name, known in before.items():
        if digest(base / name) != known:
            raise BadInput(
                f"{base / name} has changed since the patch was made: it was not applied.", "Run `unslow fix` again."
            )


def dirty(base: Path, names: Sequence[str]) -> list[str]:
    """Which of the files hold changes that git does not know; none where there is no git, or no repository."""
    if not names or shutil.which("git") is None:
        return []
    command = ["git", "status", "--porcelain", "--", *names]
    done = subprocess.run(command, cwd=base, capture_output=True, text=True, check=False)
    return [line[3:] for line in done.stdout.splitlines()] if done.returncode == 0 else []
