"""`model.pt2`: what `torch.export.save` wrote, called as a newcomer calls it. It can run code: only with `--trust`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput, BadUsage, MissingExtra
from unslow.core.workload import Inference, Model, Target
from unslow.targets._adapter import Adapter, Declared, located, requests_from_npz


def claims(path: Path, name: str, declared: Declared) -> bool:
    return path.suffix == ".pt2"


def locate(path: Path, name: str, declared: Declared) -> Target:
    if not declared.trust:
        raise BadUsage(f"{path} can run code when it is loaded.", "If you know where it comes from, add --trust.")
    return located("exported-program", path, name, declared)


def load(target: Target) -> Inference:
    if target.inputs:
        return Inference(Path(target.location), requests_from_npz(target.inputs))
    return Inference(Path(target.location), [_example(target.location)])


def _example(location: str) -> Any:
    """The example inputs that the program was saved with: one request, of which nobody knows whether it is typical."""
    try:
        torch: Any = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise MissingExtra("torch", "torch", "Running an exported program") from error
    try:
        program = torch.export.load(location)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{location} cannot be loaded: {first}", "It must be what torch.export.save wrote.") from error
    if program.example_inputs is None:
        raise BadInput(f"{location} was saved without example inputs.", "Give requests with --inputs FILE.npz.")
    args, kwargs = program.example_inputs
    if args and kwargs:
        raise BadInput(
            f"{location} takes positional and named inputs.", "Give requests with --inputs FILE.npz, by name."
        )
    return dict(kwargs) if kwargs else tuple(args)


def model(target: Target, inference: Inference) -> Model:
    return Model("exported-program", target.location)


ADAPTER = Adapter("exported-program", claims, locate, load, model)
