"""Floors: what is left of the time, at best, when a habit is removed on this machine; measured once, then cached.

A floor goes into "the most that can be gained", so it is the optimistic end of what was measured: the lower end of the
95 % interval of the median ratio (`_turns.optimistic`), of the size or kernel that gains most. "int8/float32:conv" 0.4
means that no change from float32 to int8 will leave less than about 0.4 of the convolutions' time.

The cache is one JSON file (`unslow.machine/1`) per processor, instruction sets, cores and library versions. It keeps
the raw ratios; floors are derived. What was cut off by the deadline is measured by the next call.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.machine import _children
from unslow.machine._turns import best, optimistic

SCHEMA = "unslow.machine/1"
# Raised when what a benchmark measures changes, so that older figures are not taken for it.
BENCHMARKS = 8
DEADLINE_SECONDS = 12.0
ROUNDS = 12
MOST_FRUITLESS = 3
LIBRARIES = ("numpy", "torch", "onnx", "onnxruntime", "openvino")

# Floors that were measured, and those that could not be, with the reason: {"ratios": [...]} or {"error": "..."}.
Entries = dict[str, dict[str, Any]]


class Asked(Protocol):
    """A benchmark process: what it can measure, and how to ask it."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def ask(self, name: str) -> Mapping[str, Any]: ...


Start = Callable[[Mapping[str, str], int, float], AbstractContextManager[Mapping[str, Asked]]]


@dataclass(frozen=True)
class Measured:
    """The content of a cache file. `complete`: nothing was cut off. `fruitless`: tries in a row that added nothing."""

    entries: Entries = field(default_factory=dict[str, dict[str, Any]])
    complete: bool = False
    fruitless: int = 0

    @property
    def final(self) -> bool:
        """Whether measuring again would be of no use."""
        return self.complete or self.fruitless >= MOST_FRUITLESS


def floors_of(
    machine: Machine, start: Start = _children.Children, folder: Path | None = None, remeasure: bool = False
) -> dict[str, float]:
    """The machine's floors by name, sorted; from the cache, else (or to `remeasure`) in at most `DEADLINE_SECONDS`.

    A floor whose library is missing, or that could not be measured, is not in the answer.
    """
    file = (cache_folder() if folder is None else folder) / f"machine-{_digest(machine)}.json"
    known = Measured() if remeasure else _load(file)
    if not known.final:
        # A system that lets us start no process costs the floors only.
        with suppress(OSError):
            known = measure(machine, start, known)
            _save(file, machine, known)
    ratios = {name: entry["ratios"] for name, entry in sorted(known.entries.items()) if entry.get("ratios")}
    return {name: optimistic(values) for name, values in ratios.items()}


def measure(machine: Machine, start: Start, known: Measured) -> Measured:
    """`known` and every floor that it lacks; one process works at a time, those that are compared across in turns."""
    with start(benchmarks(machine.libraries), machine.cores, DEADLINE_SECONDS) as children:
        entries = dict(known.entries)
        wanted = {name for child in children.values() for name in child.names if "/" in name}
        for child in children.values():
            for name in child.names:
                if name in wanted and name not in entries:
                    _keep(entries, name, child.ask(name))
        pairs = _pairs(children)
        for name, graphs in pairs.items():
            if name not in entries:
                _keep(entries, name, _across(graphs, children["torch"], name.rpartition(":")[2]))
        complete = all(child.names for child in children.values()) and entries.keys() >= wanted | pairs.keys()
    return Measured(entries, complete, 0 if len(entries) > len(known.entries) else known.fruitless + 1)


def _keep(entries: Entries, name: str, answer: Mapping[str, Any]) -> None:
    if answer.get("values"):
        entries[name] = {"ratios": list(answer["values"])}
    elif answer:
        entries[name] = {"error": str(answer.get("error", "no values"))}


def benchmarks(libraries: Mapping[str, str]) -> dict[str, str]:
    """The modules to run for the libraries that are installed; NumPy's stand in for PyTorch's."""
    chosen = ["torch" if "torch" in libraries else "numpy"]
    if "onnx" in libraries:
        chosen += [name for name in ("onnxruntime", "openvino") if name in libraries]
    return {name: f"unslow.machine._bench_{name}" for name in chosen}


def _pairs(children: Mapping[str, Asked]) -> dict[str, list[Asked]]:
    """The floors of graph runtimes against eager PyTorch, with the processes that can run each graph."""
    eager = [name.partition(":")[2] for name in children["torch"].names] if "torch" in children else []
    able = {kind: [child for child in children.values() if f"graph:{kind}" in child.names] for kind in eager}
    return {f"graph/eager:{kind}": graphs for kind, graphs in able.items() if graphs}


def _across(graphs: Sequence[Asked], eager: Asked, kind: str) -> Mapping[str, Any]:
    """Seconds of the graph ÷ seconds of eager operators, a ratio a round, of the graph runtime that gains most.

    The processes take turns. An error where eager operators or all graph runtimes fail; empty if one was cut off.
    """
    ratios: list[list[float]] = [[] for _ in graphs]
    failed: Mapping[str, Any] = {}
    for _ in range(ROUNDS):
        before = eager.ask(f"eager:{kind}")
        if "values" not in before:
            return before
        for graph, kept in zip(graphs, ratios, strict=True):
            after = graph.ask(f"graph:{kind}")
            if "values" in after:
                kept.append(min(after["values"]) / min(before["values"]))
            elif "error" not in after:
                return after
            else:
                failed = after
    measured = [kept for kept in ratios if len(kept) == ROUNDS]
    return {"values": best(*measured)} if measured else failed


def cache_folder() -> Path:
    """`UNSLOW_CACHE`, else `XDG_CACHE_HOME`/unslow, else ~/.cache/unslow."""
    if own := os.environ.get("UNSLOW_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "unslow"


def _identity(machine: Machine) -> dict[str, Any]:
    """What the floors depend on."""
    return {
        "benchmarks": BENCHMARKS,
        "processor": machine.processor,
        "flags": list(machine.flags),
        "cores": machine.cores,
        "libraries": {name: machine.libraries[name] for name in LIBRARIES if name in machine.libraries},
    }


def _digest(machine: Machine) -> str:
    return hashlib.sha256(json.dumps(_identity(machine), sort_keys=True).encode()).hexdigest()[:16]


def _load(file: Path) -> Measured:
    """What the cache file holds; nothing where it is missing, damaged or of another schema."""
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            return Measured()
        entries: Entries = {str(name): dict(entry) for name, entry in data["entries"].items()}
        # Damage must show here, where it can be repaired, and not where the floors are used.
        for entry in entries.values():
            entry["ratios"] = [float(ratio) for ratio in entry.get("ratios", ())]
        return Measured(entries, bool(data["complete"]), int(data["fruitless"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Measured()


def _save(file: Path, machine: Machine, measured: Measured) -> None:
    """Written beside and renamed, so that no reader sees half a file. Where it cannot be written, nothing is kept."""
    data = {"schema": SCHEMA, "machine": _identity(machine), **to_json(measured)}
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(data, stream, indent=1)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
