"""The files of an artefact: which belong together, and their copies in a bundle."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from unslow.bundle.manifest import ARTEFACTS, NAME, BundledFile
from unslow.core.errors import BadInput

BLOCK = 1 << 20


def copied(artefact: Path, folder: Path) -> str:
    """Copies an artefact with all that it refers to into the bundle; its path inside the bundle.

    Raises
    ------
    BadInput
        It refers to a file outside its own folder, or a file is missing.
    """
    inside = folder / ARTEFACTS
    inside.mkdir(parents=True, exist_ok=True)
    for name in (artefact.name, *companions(artefact)):
        place = inside / leaving_refused(name, str(artefact))
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(artefact.parent / name, place)
        except FileNotFoundError as error:
            raise BadInput(f"{artefact} needs the file {name}, which is not there.", "Put it there.") from error
    return f"{ARTEFACTS}/{artefact.name}"


def companions(artefact: Path) -> list[str]:
    """The other files that the artefact needs, relative to it: weights of OpenVINO, external data of ONNX."""
    if artefact.suffix == ".xml":
        weights = artefact.with_suffix(".bin")
        return [weights.name] if weights.is_file() else []
    if artefact.suffix == ".onnx":
        return _external_data(artefact)
    return []


def _external_data(artefact: Path) -> list[str]:
    if importlib.util.find_spec("onnx") is None:
        prefixes = (f"{artefact.name}.", f"{artefact.name}_")
        return sorted(file.name for file in artefact.parent.iterdir() if file.name.startswith(prefixes))
    onnx: Any = importlib.import_module("onnx")
    model = onnx.load(artefact, load_external_data=False)
    entries = (entry for tensor in _tensors(model.graph) for entry in tensor.external_data)
    return sorted({str(entry.value) for entry in entries if entry.key == "location"})


def _tensors(graph: Any) -> Iterator[Any]:
    """Every stored tensor of a graph and of the graphs inside it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") or attribute.graphs else ():
                yield from _tensors(inner)


def leaving_refused(name: str, owner: str) -> str:
    """The relative path `name`, if it stays inside its folder.

    Raises
    ------
    BadInput
        It is absolute, climbs out with `..`, or is no path of this kind at all.
    """
    path = PurePosixPath(name)
    if not name or "\\" in name or "\0" in name or path.is_absolute() or ".." in path.parts:
        raise BadInput(f"{owner} names the file {name!r}, which leaves its folder.", "Do not use it.")
    return name


def listed(folder: Path) -> tuple[BundledFile, ...]:
    """All files of the bundle but the manifest, with their sizes and hashes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / NAME)
    return tuple(BundledFile(file.relative_to(folder).as_posix(), sha256(file), file.stat().st_size) for file in files)


def sha256(path: Path) -> str:
    """The file's SHA-256 as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
