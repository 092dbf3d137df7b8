"""`train.py`, with its own arguments: a script that is run as it is."""

from __future__ import annotations

from pathlib import Path

from unslow.core.errors import BadUsage
from unslow.core.workload import Inference, Model, Target
from unslow.targets import python_file
from unslow.targets._adapter import Adapter, Declared, content_hash


def claims(path: Path, name: str, declared: Declared) -> bool:
    """A Python file without the name of a workload, that marks none, or that is given arguments of its own."""
    return path.suffix == ".py" and not name and (declared.arguments is not None or not python_file.marks_any(path))


def locate(path: Path, name: str, declared: Declared) -> Target:
    if declared.inputs or declared.shapes:
        raise BadUsage(
            f"{path.name} is run as a script, which reads its own inputs.",
            f"Leave --inputs and --shape out, or name what is in it: {path.name}:NAME.",
        )
    arguments = tuple(declared.arguments or ())
    here = str(Path.cwd())
    return Target("script", str(path), arguments=arguments, directory=here, fingerprint=content_hash(path))


def load(target: Target) -> Inference:
    raise BadUsage(
        f"{target} is a script: it has steps, and answers no requests.",
        "Name a function in it that is marked @unslow.workload, as file.py:name.",
    )


def model(target: Target, inference: Inference) -> Model:
    return Model("script")


ADAPTER = Adapter("script", claims, locate, load, model)
