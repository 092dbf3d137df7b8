"""The winner's bundle at its place in the run's folder, with what was measured of it in its manifest."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.bundle.artefacts import listed
from unslow.bundle.manifest import README, read_manifest, write_manifest
from unslow.bundle.readme import readme


def publish(source: Path, place: Path, measured: Mapping[str, Any]) -> None:
    """Copy a bundle to `place` (an earlier one there is replaced), whole or not at all, with `measured` in it.

    Raises
    ------
    OSError
        The disk is full, or the place cannot be written.
    """
    draft = place.with_name(f".{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _copied(source, draft)
        manifest = replace(read_manifest(draft), measured=measured)
        (draft / README).write_text(readme(manifest, place), encoding="utf-8")
        # The other hashes stay as they were: those of files that a bad copy had damaged would say that all is well.
        page = next(file for file in listed(draft) if file.path == README)
        files = (page, *(file for file in manifest.files if file.path != README))
        write_manifest(draft, replace(manifest, files=files))
        withdraw(place)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def withdraw(place: Path) -> None:
    """Remove the bundle of an earlier end of the run."""
    shutil.rmtree(place, ignore_errors=True)


def _copied(source: Path, draft: Path) -> None:
    try:
        shutil.copytree(source, draft)
    except shutil.Error as error:  # One reason for each file, as text, in place of an error number.
        reasons = [str(reason) for _, _, reason in error.args[0]]
        full = any(f"[Errno {errno.ENOSPC}]" in reason for reason in reasons)
        raise OSError(errno.ENOSPC, "No space left on device") if full else OSError(errno.EIO, reasons[0]) from error
