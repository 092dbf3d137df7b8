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
from unslow.fixes._settings import TORCH_RUNTIMES

MOST_FIXES = 4
EAGER_SLOTS = frozenset({"mode", "layout"})
LAST_SLOTS = frozenset({"threads", "serving"})
"""Chosen where all else is by default."""
LEAST_PADDING = 0.02
"""Share of the tokens below which cutting padding cannot be seen."""


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
    """A variant, what it makes of the workload, and the slot of that of its fixes that is not set to its default."""

    variant: Variant
    workload: Workload
    special: str = ""


def every_variant(ground: Ground) -> list[Variant]:
    """Every combination of fixes of different slots that is different from the original and from each other.

    All of them would be hundreds. Left out is what differs by two settings or more from what is in: at most one fix is
    set otherwise than by default, and that in a pair at most; threads and serving are chosen where all else is by
    default; without a runtime of its own (eager) there are pairs at most. Two orders of the same fixes that give the
    same workload are one variant. Left out too is what a conversion makes void: eager mode's settings, and 8-bit
    weights before the move to another engine, which has its own.
    """
    shop = DryWorkshop(ground.facts, ground.machine)
    seen = {_identity(ground.original)}
    found: list[Variant] = []
    level: list[_Grown] = [_Grown(Variant(), ground.original)]
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
        if fix.slot in slots or _void(fix, parent, slots) or not _applies(fix, setting):
            continue
        for index, parameters in enumerate(fix.space(setting)):
            special = fix.slot if index > 0 else parent.special
            if not (index and parent.special) and _sensible({*slots, fix.slot}, special):
                applied = Applied(fix.name, dict(parameters))
                workload = fix.apply(parent.workload, parameters, shop)
                yield _Grown(parent.variant.with_fix(applied), workload, special)


def _void(fix: Fix, parent: _Grown, slots: set[str]) -> bool:
    """Whether converting would leave nothing of what was done before."""
    moves = bool(fix.gives) and fix.gives != parent.workload.model.runtime
    quantised = "precision" in slots and parent.workload.model.runtime not in TORCH_RUNTIMES
    return moves and (bool(slots & EAGER_SLOTS) or quantised)


def _sensible(slots: set[str], special: str) -> bool:
    """Whether a combination of fixes of these slots is in the grid; see `every_variant`. `special`: not by default."""
    last = slots & LAST_SLOTS
    if len(last) > 1 or (special and special not in LAST_SLOTS and slots & (LAST_SLOTS | EAGER_SLOTS)):
        return False
    return len(slots) <= 2 or (not special and "runtime" in slots)


def _applies(fix: Fix, setting: Setting) -> bool:
    installed = all(importlib.util.find_spec(library.partition(".")[0]) for library in fix.libraries)
    return (
        installed
        and setting.objective in fix.objectives
        and setting.workload.model.runtime in fix.runtimes
        and not fix.refuses(setting)
        and ("padding-waste" not in fix.treats or setting.facts.padding_share >= LEAST_PADDING)
    )


def _identity(workload: Workload) -> str:
    return json.dumps(to_json(workload), sort_keys=True)
