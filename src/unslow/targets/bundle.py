"""A bundle of an earlier `unslow fix`: measured again, or improved on. It is checked as `unslow.load` checks it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from unslow.bundle.load import check_trust, checked, live_model, model_in
from unslow.bundle.manifest import NAME, Manifest, read_manifest
from unslow.core.errors import BadInput
from unslow.core.workload import Inference, Model, Target, Workload
from unslow.targets._adapter import MADE_REQUESTS, Adapter, Declared, located, made_array, requests_from_npz


def claims(path: Path, name: str, declared: Declared) -> bool:
    return path.is_dir() and (path / NAME).is_file()


def locate(path: Path, name: str, declared: Declared) -> Target:
    return located("bundle", path, name, declared, content(path))


def content(path: Path) -> Path:
    """The manifest stands for the whole: it holds the hashes of the bundle's files."""
    return path / NAME


def load(target: Target) -> Inference:
    manifest = _checked(target)
    model = Path(target.location) if manifest.recipe is None else live_model(manifest)
    if target.inputs:
        return Inference(model, requests_from_npz(target.inputs))
    if not manifest.inputs:
        raise BadInput(
            f"{target.location} does not say which arrays it takes.",
            "Give requests with --inputs FILE.npz, or name the workload that it was made of.",
        )
    rng = np.random.default_rng(0)
    made = [
        {leaf.name: made_array(leaf.name, leaf.shapes[0][0], leaf.dtype, rng) for leaf in manifest.inputs}
        for _ in range(MADE_REQUESTS)
    ]
    return Inference(model, made)


def model(target: Target, inference: Inference) -> Model:
    return model_in(Path(target.location), _checked(target))


def served(workload: Workload) -> Workload:
    """The workload as the bundle is served: its batches, clients and threads are part of what was proven."""
    folder = Path(workload.target.location)
    manifest = read_manifest(folder)
    # What stands in its environment is set before a process imports anything: it must be trusted as code is.
    check_trust(folder, manifest, workload.target.trust)
    return replace(workload, serving=manifest.serving, host=manifest.host)


def _checked(target: Target) -> Manifest:
    return checked(Path(target.location), trust=target.trust)


ADAPTER = Adapter("bundle", claims, locate, load, model, served, content)
