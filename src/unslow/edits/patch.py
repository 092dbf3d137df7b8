"""The patch of a script: its files as they are after the fixes, and `changes.diff`, which `git apply` takes."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.variant import Applied, Edit
from unslow.core.workload import Target

SCHEMA = "unslow.patch/1"
DIFF = "changes.diff"
PATCHED = "patched"
MANIFEST = "manifest.json"


def base_of(target: Target) -> Path:
    """The folder that the sites of a script's edits are relative to."""
    directory, script = Path(target.directory), Path(target.location)
    return directory if script.is_relative_to(directory) else script.parent


def edits_of(fixes: Sequence[Applied]) -> list[Edit]:
    """What the fixes change in the source.

    Raises
    ------
    BadInput
        One of them can be applied at run time only: the call it is for is not in the user's own source.
    """
    from unslow.fixes import all_fixes

    known = all_fixes()
    found: list[Edit] = []
    for applied in fixes:
        edit = known[applied.name].edit
        if edit is None:
            raise BadInput(f"{applied.name} has no form in source.", "Apply it by hand.")
        found += edit(applied.parameters)
    return found


def changed_files(base: Path, edits: Sequence[Edit], beside: Path) -> dict[str, str]:
    """The new text of every file that the edits change or add, by its path relative to `base`.

    Modules that a fix adds lie in the folder `beside`, where the script is, for it to import them.
    """
    from unslow.edits.source import edited

    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.site.file, []).append(edit)
    changed = {name: edited(_read(base / name), group) for name, group in by_file.items()}
    for edit in edits:
        if edit.module is not None:
            name, text = edit.module
            place = (beside / name).relative_to(base).as_posix()
            if (base / place).exists() and _read(base / place) != text:
                raise BadInput(f"{base / place} exists already, and is not ours.", "Move it, and run again.")
            changed[place] = text
    return changed


def write_patch(folder: Path, target: Target, fixes: Sequence[Applied]) -> dict[str, Any]:
    """Write `patched/` and `changes.diff`; the folder and its size, as a bundle's writer says it."""
    base = base_of(target)
    changed = changed_files(base, edits_of(fixes), Path(target.location).parent)
    for name, text in changed.items():
        place = folder / PATCHED / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")
    (folder / DIFF).write_text(diff(base, changed), encoding="utf-8", newline="")
    manifest = {
        "schema": SCHEMA,
        "base": str(base),
        "root": str(root_of(base)),
        "files": sorted(changed),
        "before": {name: digest(base / name) for name in sorted(changed)},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"folder": str(folder), "bytes": size}


def patched_files(folder: Path) -> Mapping[str, Path]:
    """The patched files by their paths relative to the working folder."""
    names: list[str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    return {name: folder / PATCHED / name for name in names}


def diff(base: Path, changed: Mapping[str, str]) -> str:
    """A patch in git's form, with paths relative to the repository that `base` lies in (to `base`, if in none)."""
    root = root_of(base)
    parts: list[str] = []
    # What is edited first, for whoever reads it; then the modules that are added.
    for name in sorted(changed, key=lambda name: (not (base / name).exists(), name)):
        place, file = _place(base / name, root), base / name
        is_new = not file.exists()
        before, after = "" if is_new else _read(file), changed[name]
        if before == after:
            continue
        parts.append(f"diff --git a/{place} b/{place}\n")
        parts += ["new file mode 100644\n"] if is_new else []
        lines = difflib.unified_diff(
            _lines(before),
            _lines(after),
            "/dev/null" if is_new else f"a/{place}",
            f"b/{place}",
        )
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)


def _place(file: Path, root: Path) -> str:
    """Where git finds it: not through a link.

    Raises
    ------
    BadInput
        It lies outside, and is reached by a link.
    """
    if file.parent.resolve() / file.name == file and not file.is_symlink():
        return file.relative_to(root).as_posix()
    real = file.resolve()
    if not real.is_relative_to(root.resolve()):
        raise BadInput(
            f"{file} is reached by a link to {real}, which a patch of {root} cannot change.",
            "Run unslow where that file lies, or make the change by hand.",
        )
    return real.relative_to(root.resolve()).as_posix()


def _lines(text: str) -> list[str]:
    """With their ends; as git counts them, at line feeds alone."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def digest(file: Path) -> str:
    """SHA-256 of a file, hex; "" where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def root_of(base: Path) -> Path:
    """The top of the repository that a folder lies in; the folder itself where it lies in none."""
    return next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), base)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", "The patch needs it as UTF-8 text.") from error
