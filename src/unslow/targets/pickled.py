"""A live workload from a notebook or a script, carried to other processes by cloudpickle in a file of unslow's own."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.workload import Inference, Model, Target
from unslow.targets._adapter import Adapter, Declared, content_hash
from unslow.targets.python_file import model

SUFFIX = ".unslow-pickle"


def claims(path: Path, name: str, declared: Declared) -> bool:
    return False  # Never from the command line: whoever names a file must not run code by it.


def locate(path: Path, name: str, declared: Declared) -> Target:
    return Target("pickled", str(path), name, "", True, content_hash(path))


def write(inference: Inference, path: Path) -> Target:
    """Save a live workload for the processes of this run.

    Raises
    ------
    BadInput
        Something in it cannot be pickled.
    """
    pickler: Any = importlib.import_module("cloudpickle")
    try:
        # With where the caller imports from: what is pickled by name is looked for there.
        path.write_bytes(pickler.dumps((sys.path, pickler.dumps(inference))))
    except Exception as error:
        raise BadInput(
            f"The workload cannot travel to another process: {type(error).__name__}: {error}",
            "Put it into a file and name it: unslow.fix('file.py:name').",
        ) from error
    return locate(path, "", Declared())


def load(target: Target) -> Inference:
    pickler: Any = importlib.import_module("cloudpickle")
    folders, pickled = pickler.loads(Path(target.location).read_bytes())
    sys.path += [folder for folder in folders if folder not in sys.path]
    try:
        return pickler.loads(pickled)
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"The workload cannot be opened in another process: {error}",
            "Put it into a file and name it: unslow.fix('file.py:name').",
        ) from error


def _model(target: Target, inference: Inference) -> Model:
    return model(target, inference)


ADAPTER = Adapter("pickled", claims, locate, load, _model)
