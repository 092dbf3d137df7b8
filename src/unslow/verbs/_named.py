"""What a caller names, from the command line or from Python → a `Target`, with a folder of its own for the run."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow import targets
from unslow.core.errors import BadInput, BadUsage
from unslow.core.jsonable import from_json
from unslow.core.options import Options
from unslow.core.workload import MARK, Inference, Target
from unslow.runs.folder import RunFolder, new_folder, write_json
from unslow.targets import pickled

TARGET_FILE = "target.json"
OPTIONS_FILE = "options.json"


@dataclass(frozen=True)
class Named:
    """A target, and the folder of its run."""

    target: Target
    folder: RunFolder


def named(
    what: Any, inputs: Any = None, *, out: str = "", declared: targets.Declared | None = None, **about: Any
) -> Named:
    """The target of a path, a `Target`, an `Inference`, a function marked `@workload`, or a model with its inputs.

    `about` are the other fields of `Inference`.

    Raises
    ------
    BadInput, BadUsage
        It cannot be used.
    """
    if isinstance(what, (str, Path)):
        if inputs is not None or about:
            raise BadUsage(
                "A file says itself what its inputs and its metric are.",
                "Put them into a function marked @unslow.workload.",
            )
        what = targets.locate(str(what), declared)
    if isinstance(what, Target):
        folder = new_folder(what, out)
        _keep(what, folder)
        return Named(what, folder)
    inference = _inference(what, inputs, about)
    folder = new_folder(Target("pickled", _label(what)), out)
    target = pickled.write(inference, folder.path / "work" / f"target{pickled.SUFFIX}")
    _keep(target, folder)
    return Named(target, folder)


def resumed(path: str) -> Named:
    """The target and the folder of an interrupted run.

    Raises
    ------
    BadInput
        It is no folder of a run, or the target is not what it was when the run began.
    """
    folder = RunFolder(Path(path).expanduser().resolve())
    try:
        target = from_json(Target, json.loads((folder.path / "work" / TARGET_FILE).read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{path} is not the folder of a run that can go on.", "Name a folder under unslow-runs/."
        ) from error
    if targets.changed(target):
        raise BadInput(
            f"{target} has changed since the run in {path} began.",
            "What was measured is of another workload: run it anew.",
        )
    return Named(target, folder)


def options_of(folder: RunFolder) -> Options | None:
    """The options that a run began with; None before it has.

    Raises
    ------
    BadInput
        They cannot be read.
    """
    path = folder.path / "work" / OPTIONS_FILE
    try:
        return from_json(Options, json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, BadUsage) as error:
        raise BadInput(
            f"{path}, the options that the run began with, cannot be read.",
            "What was measured under them cannot be gone on with: run it anew.",
        ) from error


def keep_options(options: Options, folder: RunFolder) -> None:
    """Write them down for whoever goes on with the run."""
    write_json(folder.path / "work" / OPTIONS_FILE, options)


def _keep(target: Target, folder: RunFolder) -> None:
    write_json(folder.path / "work" / TARGET_FILE, target)


def _inference(what: Any, inputs: Any, about: Mapping[str, Any]) -> Inference:
    if isinstance(what, Inference):
        return what
    if getattr(what, MARK, False):
        return what()
    if not callable(what):
        raise BadUsage(
            f"{type(what).__name__} is nothing that can be run.",
            "Give a path, a model with inputs, or an unslow.Inference.",
        )
    if inputs is None:
        if inspect.isroutine(what) and not inspect.signature(what).parameters:
            return Inference(what, [()], **about)
        raise BadInput("The model has no inputs.", "Give requests: unslow.fix(model, [x1, x2, …]).")
    return Inference(what, inputs, **about)


def _label(what: Any) -> str:
    model = what.model if isinstance(what, Inference) else what
    return getattr(model, "__name__", type(model).__name__)
