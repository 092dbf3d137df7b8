"""What the user names → a `Target` (plain data), and, where it is needed, the live `Inference`. One adapter a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unslow.core.discover import plugins
from unslow.core.errors import BadInput, BadUsage
from unslow.core.workload import Host, Inference, Model, Target, Workload
from unslow.targets._adapter import Adapter, Declared, content_hash, requests_from_npz


def adapters() -> dict[str, Adapter]:
    """Every adapter by its name."""
    return plugins("unslow.targets", "ADAPTER", Adapter)


def locate(text: str, declared: Declared | None = None) -> Target:
    """The target that the user's words name; nothing is loaded yet.

    Raises
    ------
    BadInput
        There is no such file.
    BadUsage
        No adapter takes it.
    """
    declared = declared or Declared()
    path, _, name = text.rpartition(":") if ":" in text else (text, "", "")
    location = Path(path).expanduser().resolve()
    if not location.exists():
        raise BadInput(f"There is no file {path}.", "Name a model file, a script, a bundle, or file.py:name.")
    for adapter in adapters().values():
        if adapter.claims(location, name, declared):
            if declared.arguments is not None and adapter.name != "script":
                raise BadUsage(
                    f"{text} takes no arguments of its own.", "Arguments after -- are for a script: train.py."
                )
            if declared.shapes and not adapter.takes_shapes:
                raise BadUsage(f"{path} says itself what its inputs are.", "--shape is for a model.onnx; leave it out.")
            return adapter.locate(location, name, declared)
    raise BadUsage(
        f"{path} is nothing that unslow can run.",
        "It takes file.py:name, train.py (a script), model.onnx, model.pt2 (torch.export), or a bundle that an earlier "
        "`unslow fix` wrote.",
    )


def claims(text: str) -> bool:
    """Whether the user's words name something that can be run."""
    path, _, name = text.rpartition(":") if ":" in text else (text, "", "")
    location = Path(path).expanduser()
    return any(adapter.claims(location, name, Declared()) for adapter in adapters().values())


def takes_shapes(text: str) -> bool:
    """Whether inputs of what the user's words name can be made from declared shapes."""
    path = Path(text).expanduser()
    return any(adapter.takes_shapes and adapter.claims(path, "", Declared()) for adapter in adapters().values())


def load(target: Target) -> Inference:
    """The live workload, built in this process.

    Raises
    ------
    BadInput
        The file, the name in it, or what it returns cannot be used.
    CannotRun
        A library that it needs is not installed.
    """
    return adapters()[target.kind].load(target)


def changed(target: Target) -> bool:
    """Whether the files that it names are not what they were when it was located."""
    if not target.fingerprint:
        return False
    content = adapters()[target.kind].content(Path(target.location))
    named = [content, *([Path(target.inputs)] if target.inputs else [])]
    return not all(path.is_file() for path in named) or content_hash(*named) != target.fingerprint


def makes_inputs(target: Target) -> bool:
    """Whether nobody gave its requests: they are made from declared shapes, or are the example it was saved with."""
    return target.kind in ("onnx-file", "exported-program", "bundle") and not target.inputs


def original(target: Target, inference: Inference) -> Workload:
    """The workload as the user has it: what every variant is compared with."""
    adapter = adapters()[target.kind]
    return adapter.served(Workload(target=target, model=adapter.model(target, inference)))


def host_of(target: Target) -> Host:
    """What a process must be started with to open the target as the user has it; nothing is loaded."""
    return adapters()[target.kind].served(Workload(target, Model(""))).host


def live(workload: Workload, inference: Inference | None) -> Any:
    """What the runtime gets where the target itself builds the model."""
    return None if workload.model.path or inference is None else inference.model


__all__ = [
    "Adapter",
    "Declared",
    "adapters",
    "changed",
    "host_of",
    "live",
    "load",
    "locate",
    "makes_inputs",
    "original",
    "requests_from_npz",
    "takes_shapes",
]
