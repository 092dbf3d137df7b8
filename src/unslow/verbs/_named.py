"""What a caller names, from the command line or from Python → a `Target`, with a folder of its own for the run."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from unslow import targets
from unslow.core.errors import BadInput, BadUsage
from unslow.core.jsonable import from_json
from unslow.core.options import Options
from unslow.core.workload import MARK, Inference, Target
from unslow.runs.folder import RunFolder, new_folder, write_json, writing
from unslow.targets import pickled
from unslow.targets._travel import named_arrays, write_arrays

TARGET_FILE = "target.json"
OPTIONS_FILE = "options.json"
COMMAND_FILE = "command.txt"


@dataclass(frozen=True)
class Named:
    """A target, and the folder of its run."""

    target: Target
    folder: RunFolder


def named(
    what: Any,
    inputs: Any = None,
    *,
    out: str = "",
    shapes: Mapping[str, Sequence[int]] | None = None,
    arguments: Sequence[str] | None = None,
    trust: bool = False,
    command: str = "",
    **about: Any,
) -> Named:
    """The target of a path, a `Target`, an `Inference`, a function marked `@workload`, or a model with its inputs.

    `about` are the other fields of `Inference`, `command` is what repeats the run.

    Raises
    ------
    BadInput, BadUsage
        It cannot be used.
    """
    _refuse_unknown(about)
    is_path = isinstance(what, (str, Path))
    if shapes and not is_path:
        raise BadUsage("`shapes` are for the declared inputs of a model file.", "Give requests as `inputs`.")
    if arguments is not None and not is_path:
        raise BadUsage("`arguments` are for a script.", "Name it by its path: unslow.fix('train.py', arguments=[…]).")
    given_shapes = {name: tuple(s) for name, s in (shapes or {}).items()}
    given = None if arguments is None else tuple(arguments)
    declared = targets.Declared(_file_of(inputs), given_shapes, trust, given)
    if is_path:
        what = targets.locate(str(what), declared)
    if about and is_path:
        what = _judged(what, inputs, about)
    elif is_path and inputs is not None and not declared.inputs:
        return _with_inputs(what, inputs, declared, out, command)
    if isinstance(what, Target):
        if not is_path and (inputs is not None or about):
            raise BadUsage("A Target has its inputs already.", "Give the path instead.")
        return _kept(what, new_folder(what, out), command)
    inference = what if is_path else _inference(what, inputs, about)
    folder = new_folder(Target("pickled", _label(inference)), out)
    return _kept(pickled.write(inference, folder.path / "work" / f"target{pickled.SUFFIX}"), folder, command)


def _file_of(inputs: Any) -> str:
    """The file that the requests lie in; "" where they are given as they are."""
    return str(inputs) if isinstance(inputs, (str, Path)) else ""


def _with_inputs(target: Target, inputs: Any, declared: targets.Declared, out: str, command: str) -> Named:
    """A file with live requests, which are saved where a file of inputs would lie."""
    arrays = named_arrays(inputs)
    folder = new_folder(target, out)
    path = folder.path / "work" / "inputs.npz"
    with writing(folder.path):
        write_arrays(arrays, path)
    text = f"{target.location}:{target.name}" if target.kind == "python-file" and target.name else target.location
    return _kept(targets.locate(text, replace(declared, inputs=str(path))), folder, command)


def _judged(target: Target, inputs: Any, about: Mapping[str, Any]) -> Inference:
    """A model file with its requests and how its answers are judged."""
    said = ", ".join(about)
    if target.kind not in ("onnx-file", "exported-program"):
        raise BadUsage(
            f"{said} cannot be given with {target}: a workload says itself how it is judged.",
            "Put it into a function marked @unslow.workload, and name that.",
        )
    if inputs is None:
        raise BadInput(
            f"{said} cannot be used on {target} without inputs.", "Give requests: unslow.fix(path, inputs, …)."
        )
    requests = targets.requests_from_npz(_file_of(inputs)) if _file_of(inputs) else inputs
    return Inference(Path(target.location), requests, **about)


def _refuse_unknown(about: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(Inference) if field.name not in ("model", "inputs")]
    unknown = [name for name in about if name not in known]
    if unknown:
        raise BadUsage(f"There is no argument {unknown[0]!r}.", f"Beside the options there are: {', '.join(known)}.")


def command_of(folder: RunFolder, target: Target) -> str:
    """What repeats the run: as it was typed or called when the run began."""
    try:
        return (folder.path / "work" / COMMAND_FILE).read_text(encoding="utf-8")
    except OSError:
        return f"unslow fix {shlex.quote(str(target))}"


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


def _kept(target: Target, folder: RunFolder, command: str) -> Named:
    write_json(folder.path / "work" / TARGET_FILE, target)
    if command:
        with writing(folder.path):
            (folder.path / "work" / COMMAND_FILE).write_text(command, encoding="utf-8")
    return Named(target, folder)


def _inference(what: Any, inputs: Any, about: Mapping[str, Any]) -> Inference:
    if isinstance(what, Inference) or getattr(what, MARK, False):
        if inputs is not None or about:
            raise BadUsage(
                "A workload says itself what its inputs and its metric are.", "Leave them out, or give the model alone."
            )
        return what if isinstance(what, Inference) else what()
    if not callable(what):
        raise BadUsage(
            f"{type(what).__name__} is nothing that can be run.",
            "Give a path, a model with inputs, or an unslow.Inference.",
        )
    if isinstance(inputs, (str, Path)):
        inputs = targets.requests_from_npz(str(inputs))
    if inputs is None:
        if inspect.isroutine(what) and not inspect.signature(what).parameters:
            return Inference(what, [()], **about)
        raise BadInput("The model has no inputs.", "Give requests: unslow.fix(model, [x1, x2, …]).")
    return Inference(what, inputs, **about)


def _label(inference: Inference) -> str:
    model = inference.model
    return Path(model).stem if isinstance(model, (str, Path)) else getattr(model, "__name__", type(model).__name__)
