"""A bundle that an earlier `unslow fix` wrote: measured again, or improved on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.jsonable import from_json
from unslow.core.workload import Inference, Model, Target
from unslow.targets._adapter import MADE_REQUESTS, Adapter, Declared, content_hash, made_array, requests_from_npz

MANIFEST = "manifest.json"


def claims(path: Path) -> bool:
    return path.is_dir() and (path / MANIFEST).is_file()


def locate(path: Path, name: str, declared: Declared) -> Target:
    return Target(
        "bundle",
        str(path),
        name,
        str(Path(declared.inputs).resolve()) if declared.inputs else "",
        declared.trust,
        content_hash(path / MANIFEST),
    )


def _manifest(target: Target) -> dict[str, Any]:
    try:
        return json.loads((Path(target.location) / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{target.location}/{MANIFEST} cannot be read: {error}", "Write the bundle again with `unslow fix`."
        ) from error


def load(target: Target) -> Inference:
    if target.inputs:
        return Inference(Path(target.location), requests_from_npz(target.inputs))
    rng = np.random.default_rng(0)
    leaves = _manifest(target).get("inputs", [])
    made = [
        {leaf["name"]: made_array(leaf["name"], leaf["shapes"][0][0], leaf["dtype"], rng) for leaf in leaves}
        for _ in range(MADE_REQUESTS)
    ]
    return Inference(Path(target.location), made)


def model(target: Target, inference: Inference) -> Model:
    manifest = _manifest(target)
    stored = from_json(Model, manifest["model"])
    return Model(stored.runtime, str(Path(target.location) / stored.path) if stored.path else "", stored.settings)


ADAPTER = Adapter("bundle", claims, locate, load, model)
