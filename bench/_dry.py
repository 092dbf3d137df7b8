"""Applies fixes to the plain data of a workload without making a single file: enough to ask for their search spaces."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.core.variant import Applied, ArrayRequest, Fix, Objective, Setting, Variant, Workshop
from unslow.core.workload import Inference, Workload

MOST_FIXES = 4
EAGER_SLOTS = frozenset({"mode", "layout"})


@final
class DryWorkshop(Workshop):
    """Names the files that a fix would make, and makes none."""

    def __init__(self, facts: Facts, machine: Machine) -> None:
        self.facts = facts
        self.machine = machine

    def make(self, name: str, key: Mapping[str, Any], builder: Callable[[Path], None]) -> Path:
        text = json.dumps(to_json(key), sort_keys=True)
        return Path("made") / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def inference(self) -> Inference:
        raise NotImplementedError("A dry workshop has no live workload; a fix may need it only where it makes a file.")

    def requests(self, most: int) -> Sequence[ArrayRequest]:
        return ()


@dataclass(frozen=True)
class Ground:
    """What a grid is made for."""

    original: Workload
    facts: Facts
    machine: Machine
    fixes: Mapping[str, Fix]
    objective: Objective = "latency"


@dataclass(frozen=True)
class _Grown:
    """A variant, what it makes of the workload, and which of its fixes is not set to its default."""

    variant: Variant
    workload: Workload
    special: str = ""


def every_variant(ground: Ground) -> list[Variant]:
    """Every combination of fixes of different slots that is different from the original and from each other.

    In a combination at most one fix is set otherwise than by default, and the number of threads is only chosen where
    all else is by default. (All of them would be hundreds; what is left out differs from what is in by two settings.)
    Two orders of the same fixes that give the same workload are one variant; what only another runtime's eager mode has
    (inference mode, a memory layout) is not combined with a conversion, which leaves nothing of it.
    """
    shop = DryWorkshop(ground.facts, ground.machine)
    seen = {_identity(ground.original)}
    found: list[Variant] = []
    level = [_Grown(Variant(), ground.original)]
    for _ in range(MOST_FIXES):
        grown = [child for parent in level for child in _children(parent, ground, shop)]
        level = []
        for child in grown:
            identity = _identity(child.workload)
            if identity not in seen:
                seen.add(identity)
                found.append(child.variant)
                level.append(child)
    return found


def _children(parent: _Grown, ground: Ground, shop: DryWorkshop) -> Iterator[_Grown]:
    setting = Setting(parent.workload, ground.facts, ground.machine, ground.objective)
    slots = {ground.fixes[applied.name].slot for applied in parent.variant.fixes}
    for fix in ground.fixes.values():
        eager = fix.gives and slots & EAGER_SLOTS
        if fix.slot in slots or "threads" in slots or eager or not _applies(fix, setting):
            continue
        for index, parameters in enumerate(fix.space(setting)):
            if parent.special and (index > 0 or fix.slot == "threads"):
                continue
            applied = Applied(fix.name, dict(parameters))
            workload = fix.apply(parent.workload, parameters, shop)
            yield _Grown(parent.variant.with_fix(applied), workload, fix.name if index > 0 else parent.special)


def _applies(fix: Fix, setting: Setting) -> bool:
    installed = all(importlib.util.find_spec(library.partition(".")[0]) for library in fix.libraries)
    return (
        installed
        and setting.objective in fix.objectives
        and setting.workload.model.runtime in fix.runtimes
        and not fix.refuses(setting)
    )


def _identity(workload: Workload) -> str:
    return json.dumps(to_json(workload), sort_keys=True)
