"""Writes a bundle: into a folder beside its place first, which then takes its name. Nothing is ever half-written."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.bundle.artefacts import listed
from unslow.bundle.contents import Contents, Live, put
from unslow.bundle.manifest import DATA_ONLY, NAME, README, SCHEMA, Manifest, write_manifest
from unslow.bundle.programs import free_axes
from unslow.bundle.readme import readme
from unslow.core.calls import Array
from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.machine import Machine
from unslow.core.variant import Applied
from unslow.core.workload import Workload
from unslow.runtimes import runtime_of


def write_bundle(
    folder: Path,
    workload: Workload,
    *,
    fixes: Sequence[Applied],
    measured: Mapping[str, Any],
    facts: Facts,
    machine: Machine,
    live: Any = None,
    example: Sequence[Mapping[str, Array]] = (),
) -> Path:
    """Saves the workload's model as a bundle at `folder` (an earlier bundle there is replaced); the folder.

    `live` is what the target built, where the model has no artefact: a torch module is exported (and changed in place:
    its mode, dtype and memory format), anything else becomes a recipe, which names the source file. `example` are a few
    requests by input name. `measured` is kept in the manifest as it is.

    Raises
    ------
    BadInput
        The folder is taken by something else, the disk is full, or a file of the artefact is missing.
    """
    _refuse_taken(folder)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        contents = put(partial, workload, facts, Live(live, example))
        manifest = _manifest(workload, contents, fixes, measured, facts, machine)
        (partial / README).write_text(readme(manifest, folder), encoding="utf-8")
        write_manifest(partial, replace(manifest, files=listed(partial)))
        _take_place(partial, folder)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise BadInput(f"The bundle cannot be written to {folder}: {reason}", "Free space, or name another.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _take_place(partial: Path, folder: Path) -> None:
    """Renames the finished folder; an earlier bundle is moved aside first and removed last."""
    earlier = folder.with_name(f".{folder.name}.{os.getpid()}.earlier")
    if folder.exists():
        folder.rename(earlier)
    partial.rename(folder)
    shutil.rmtree(earlier, ignore_errors=True)


def _refuse_taken(folder: Path) -> None:
    if folder.is_dir() and ((folder / NAME).is_file() or not any(folder.iterdir())):
        return
    if folder.exists() or folder.is_symlink():
        raise BadInput(f"{folder} exists and is no bundle.", "Name another folder; this one is left as it is.")


def _manifest(
    workload: Workload,
    contents: Contents,
    fixes: Sequence[Applied],
    measured: Mapping[str, Any],
    facts: Facts,
    machine: Machine,
) -> Manifest:
    runtime = runtime_of(contents.model.runtime)
    native = runtime.native_code
    return Manifest(
        schema=SCHEMA,
        target=str(workload.target),
        model=contents.model,
        serving=workload.serving,
        host=workload.host,
        inputs=facts.inputs,
        free_axes=free_axes(facts),
        outputs=facts.output_structure,
        fixes=tuple(fixes),
        measured=measured,
        libraries=_versions(("numpy", *runtime.libraries), machine),
        needs_trust=contents.recipe is not None or runtime.name not in DATA_ONLY or bool(workload.host.environment),
        native_code=native,
        flags=machine.flags if native else (),
        processor=machine.processor,
        recipe=contents.recipe,
        notes=contents.notes,
    )


def _versions(names: Sequence[str], machine: Machine) -> dict[str, str]:
    """The installed versions; as the machine tells them where a library has another name as a package."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = machine.libraries.get(name, "")
    return found
