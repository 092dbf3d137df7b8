"""Loads a bundle, after its files were checked; imports the runtime of the winner and no other framework."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.bundle.artefacts import leaving_refused, sha256
from unslow.bundle.loaded import Bundle
from unslow.bundle.manifest import DATA_ONLY, NAME, BundledFile, Manifest, Recipe, read_manifest
from unslow.core.errors import BadInput, CannotRun
from unslow.core.workload import Model
from unslow.runtimes import open_model, runtime_of

# Instruction sets that compilers use for speed, as prefixes of the processor's flags; other flags do not matter.
INSTRUCTION_SETS = (
    *("sse", "ssse", "avx", "amx", "fma", "f16c", "bmi", "abm", "vaes", "vpclmul", "gfni"),
    *("asimd", "sve", "sme"),
)


def load(folder: str | Path, *, trust: bool = False) -> Bundle:
    """The bundle at `folder`, ready to answer.

    `trust` allows what can run code: exported programs, machine code, and recipes, which import the user's source file.

    Raises
    ------
    BadInput
        It is no bundle, is damaged, leaves its folder, or needs trust.
    CannotRun
        It holds machine code for another processor or another version of its library.
    MissingExtra
        Its runtime is not installed.
    """
    place = Path(folder)
    manifest = checked(place, trust=trust)
    return Bundle(place, manifest, open_model(model_in(place, manifest), manifest.host, live_model(manifest)))


def checked(folder: Path, *, trust: bool) -> Manifest:
    """The manifest of a bundle that may be opened here; nothing of it is loaded yet. Raises as `load`."""
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    check_trust(folder, manifest, trust)
    if runtime_of(manifest.model.runtime).native_code:
        _check_processor(folder, manifest)
        _check_versions(folder, manifest)
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """That the bundle holds exactly the files that its manifest lists, unchanged, and none that lies elsewhere.

    Raises
    ------
    BadInput
        It does not.
    """
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise BadInput(f"{path} is a link; a bundle holds its files itself.", "Do not use it, unless you wrote it.")
    for file in manifest.files:
        _check_file(folder, file)
    known = {NAME, *(file.path for file in manifest.files)}
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    strange = [name for name in found if name not in known and "__pycache__" not in name]
    if strange:
        raise BadInput(f"{folder} holds {strange[0]}, which its manifest does not list.", "Remove it.")
    if manifest.model.path and manifest.model.path not in known:
        raise BadInput(f"The manifest of {folder} lists no {manifest.model.path!r}.", "Write the bundle again.")


def _check_file(folder: Path, file: BundledFile) -> None:
    path = folder / leaving_refused(file.path, f"The manifest of {folder}")
    if not path.is_file():
        raise BadInput(f"{path} is missing.", "Copy the whole folder of the bundle, or write it again.")
    if path.stat().st_size != file.bytes or sha256(path) != file.sha256:
        raise BadInput(f"{path} is damaged: its content is not what the manifest says.", "Copy the bundle again.")


def check_trust(folder: Path, manifest: Manifest, trust: bool) -> None:
    """That what can run code is trusted: a recipe, most runtimes, variables of a process's environment (LD_PRELOAD).

    Raises
    ------
    BadInput
        It is not.
    """
    # Asked of the runtime, not of the manifest: whoever changed one could have changed the other.
    if trust or (manifest.recipe is None and manifest.model.runtime in DATA_ONLY and not manifest.host.environment):
        return
    what = "a recipe, which runs a Python file" if manifest.recipe else f"a model for {manifest.model.runtime}"
    if manifest.host.environment:
        what = f"a value for the variable {min(manifest.host.environment)}"
    raise BadInput(
        f"{folder} holds {what}: loading it can run code.",
        "If you trust whoever wrote it: unslow.load(folder, trust=True), or --trust.",
    )


def _check_processor(folder: Path, manifest: Manifest) -> None:
    facts: Any = importlib.import_module("unslow.machine.facts")
    processor, flags = facts.processor_and_flags()
    missing = missing_flags(manifest.flags, flags)
    if not manifest.flags or missing:
        lacking = f"lacks {', '.join(missing[:4])}" if missing else "cannot be compared with it"
        made_for = manifest.processor or "an unknown processor"
        raise CannotRun(
            f"{folder} holds machine code for {made_for}; this one ({processor or 'unknown'}) {lacking}.",
            "Run `unslow fix` on this machine.",
        )


def missing_flags(wanted: Sequence[str], present: Sequence[str]) -> list[str]:
    """The instruction sets among `wanted` that this processor has not."""
    return [flag for flag in wanted if flag.startswith(INSTRUCTION_SETS) and flag not in present]


def _check_versions(folder: Path, manifest: Manifest) -> None:
    """Machine code calls into its library: the release (major.minor) must be the one that it was made with."""
    for name in runtime_of(manifest.model.runtime).libraries:
        made_with = manifest.libraries.get(name, "")
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # `open_model` says which extra is missing
        if _release(made_with) != _release(here):
            raise CannotRun(
                f"{folder} holds machine code made with {name} {made_with or '(unknown)'}; {here} is installed.",
                f"pip install {name}=={made_with.partition('+')[0]}, or run `unslow fix` again.",
            )


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


def model_in(folder: Path, manifest: Manifest) -> Model:
    """How the bundle's model is opened, by the whole path of its artefact."""
    model = manifest.model
    return replace(model, path=str((folder / model.path).resolve())) if model.path else model


def live_model(manifest: Manifest) -> Any:
    """The model that a recipe builds; None for a bundle that holds an artefact."""
    return None if manifest.recipe is None else _built(manifest.recipe)


def _built(recipe: Recipe) -> Any:
    """The live model, from its source file."""
    source = Path(recipe.target.location)
    if not source.is_file():
        raise BadInput(f"The bundle is built by {source}, which is not there.", "Put the file back.")
    if sha256(source) != recipe.sha256:
        raise BadInput(f"{source} has changed since the bundle was written.", "Run `unslow fix` again.")
    targets: Any = importlib.import_module("unslow.targets")
    return targets.load(replace(recipe.target, trust=True)).model
