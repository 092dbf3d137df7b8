"""What goes into a bundle: the artefact that there is, an export of the live module, or a recipe."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unslow.bundle.artefacts import copied, sha256
from unslow.bundle.manifest import ARTEFACTS, Recipe
from unslow.bundle.programs import NEEDS_SOURCE, Calls, free_axes, pickled_parts, save_live, save_program
from unslow.core.calls import Array
from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.workload import Model, Workload
from unslow.runtimes.torch_module import prepared

PROGRAM = f"{ARTEFACTS}/model.pt2"


@dataclass(frozen=True)
class Contents:
    """How the bundle's model is opened, or the recipe that builds it; what the reader should know."""

    model: Model
    recipe: Recipe | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Live:
    """What the target built in this process, and a few of its requests, by input name."""

    model: Any = None
    example: Sequence[Mapping[str, Array]] = ()


def put(folder: Path, workload: Workload, facts: Facts, live: Live) -> Contents:
    """Fills the bundle's folder with the model's files.

    Raises
    ------
    BadInput
        The artefact is incomplete, or the source that a recipe would need is no file.
    """
    if workload.model.path:
        return Contents(_with_path(workload.model, _copied(Path(workload.model.path), folder)))
    try:
        return Contents(_exported(folder, workload.model, facts, live))
    except BadInput as error:
        (folder / PROGRAM).unlink(missing_ok=True)
        return Contents(workload.model, _recipe(workload, error.what), (f"No artefact could be made. {error.what}",))


def _copied(artefact: Path, folder: Path) -> str:
    """The artefact in the bundle; an exported program is saved anew without its pickled example inputs."""
    if artefact.suffix == ".pt2" and pickled_parts(artefact):
        torch: Any = importlib.import_module("torch")
        (folder / ARTEFACTS).mkdir(parents=True, exist_ok=True)
        save_program(torch, torch.export.load(artefact), folder / ARTEFACTS / artefact.name)
        return f"{ARTEFACTS}/{artefact.name}"
    return copied(artefact, folder)


def _with_path(model: Model, path: str) -> Model:
    return replace(model, path=path)


def _exported(folder: Path, model: Model, facts: Facts, live: Live) -> Model:
    if model.runtime != "torch-module":
        raise BadInput(f"A model of the runtime {model.runtime} is the user's own code.", NEEDS_SOURCE)
    if not live.example or not facts.flat_inputs:
        raise BadInput("The model's inputs are no flat list of arrays.", NEEDS_SOURCE)
    calls = _calls(model, live)
    (folder / ARTEFACTS).mkdir(parents=True, exist_ok=True)
    structure = save_live(calls, free_axes(facts), folder / PROGRAM)
    settings = {**model.settings, "inputs": list(calls.requests[0]), "structure": structure}
    return Model("torch-module", PROGRAM, settings)


def _calls(model: Model, live: Live) -> Calls:
    """The module as its runtime would call it: in its mode, dtype and memory format, with its inputs converted."""
    torch: Any = importlib.import_module("torch")
    if not isinstance(live.model, torch.nn.Module):
        raise BadInput(f"The model is a {type(live.model).__name__}, no torch module.", NEEDS_SOURCE)
    tensor = prepared(live.model, model.settings)
    requests = [{name: tensor(array) for name, array in request.items()} for request in live.example]
    parameters = inspect.signature(live.model.forward).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return Calls(live.model, open_ended or set(requests[0]) <= set(parameters), requests)


def _recipe(workload: Workload, reason: str) -> Recipe:
    source = Path(workload.target.location)
    if not source.is_file():
        raise BadInput(f"{reason} Its source {source} is no file either.", "Name the model as file.py:name.")
    return Recipe(workload.target, sha256(source), reason)
