"""What a bundle says of itself: `manifest.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.facts import Leaf
from unslow.core.jsonable import from_json, to_json
from unslow.core.variant import Applied
from unslow.core.workload import Host, Model, Serving, Target

SCHEMA = "unslow.bundle/1"
NAME = "manifest.json"
README = "README.md"
ARTEFACTS = "files"
# The runtimes whose artefacts run nothing when they are read; whatever else a bundle may hold can run code.
DATA_ONLY = frozenset({"onnxruntime", "openvino"})


@dataclass(frozen=True)
class BundledFile:
    """A file of the bundle, by its path inside it (with `/`)."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Recipe:
    """Where no artefact could be made: the target that builds the model, and the hash of its source file."""

    target: Target
    sha256: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """`inputs` with the shapes that were seen; `free_axes` may have any length. `outputs` is the answer's structure.

    `measured` says how much faster than what it was shown to be, when and where; {} where it was not in the finals.
    `model.path` is inside the bundle. `libraries` are those that loading needs, in the versions that it was made with.
    `flags` are the instruction sets of the processor that native code was made for (empty without native code).
    """

    schema: str
    target: str
    model: Model
    serving: Serving
    host: Host
    inputs: tuple[Leaf, ...]
    free_axes: Mapping[str, tuple[int, ...]]
    outputs: Any
    fixes: tuple[Applied, ...]
    measured: Mapping[str, Any]
    libraries: Mapping[str, str]
    needs_trust: bool
    files: tuple[BundledFile, ...] = ()
    native_code: bool = False
    flags: tuple[str, ...] = ()
    processor: str = ""
    recipe: Recipe | None = None
    notes: tuple[str, ...] = field(default=())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it into the bundle's folder."""
    (folder / NAME).write_text(json.dumps(to_json(manifest), indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read it from the bundle's folder.

    Raises
    ------
    BadInput
        The folder is no bundle, or one of another version, or its manifest is damaged.
    """
    path = folder / NAME
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        schema = data["schema"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{folder} is not a bundle: its {NAME} cannot be read.", "Name another folder.") from error
    if schema != SCHEMA:
        raise BadInput(f"{folder} is a bundle of the version {schema!r}, not {SCHEMA!r}.", "Write it again.")
    try:
        return from_json(Manifest, data)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(f"The {NAME} of {folder} is damaged: {error}", "Write the bundle again.") from error
