"""The programs of the planted suite: what is planted in each, and how it is run with that and without."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench._common import ROOT

PROGRAMS = ROOT / "tests" / "planted" / "programs"
NOTHING = "nothing"
_LINE = re.compile(r"^(Planted|By hand|Shows where|Quota): *(.+?)\s*$", re.MULTILINE)
_CONDITION = re.compile(r"(\S+) (below|above) ([0-9.]+)")
_QUOTA = re.compile(r"([0-9.]+) cores?")
MARKED, REMOVED = ("planted", "clean"), "fixed"
FLAG = "--fixed"


@dataclass(frozen=True)
class Condition:
    """On which machines a program shows what it is for: where this micro-benchmark is below (or above) a limit."""

    floor: str
    is_below: bool
    limit: float

    def holds(self, floors: Mapping[str, float]) -> bool:
        measured = floors.get(self.floor)
        return measured is not None and (measured < self.limit if self.is_below else measured > self.limit)

    def __str__(self) -> str:
        return f"{self.floor} {'below' if self.is_below else 'above'} {self.limit:g}"


@dataclass(frozen=True)
class Program:
    """A program of `tests/planted/programs`; `workload` is the name of its marked function ("" for a script). With a
    `quota_cores` it is looked at as in a container that grants so many cores' worth of time."""

    path: Path
    habit: str
    by_hand: str
    workload: str
    shows_where: Condition | None = None
    quota_cores: float | None = None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def is_clean(self) -> bool:
        return self.habit == NOTHING

    @property
    def target(self) -> str:
        """What `unslow diagnose` is given."""
        return f"{self.path}:{self.workload}" if self.workload else str(self.path)

    @property
    def without(self) -> str:
        """What `unslow compare` is given for the same, with the habit removed by hand."""
        return f"{self.path}:{REMOVED}" if self.workload else f"{self.path} {FLAG}"


def programs(chosen: Sequence[str] = ()) -> list[Program]:
    """All of them by name, or those that are chosen."""
    found = [program_of(path) for path in sorted(PROGRAMS.glob("*.py"))]
    return [program for program in found if not chosen or program.name in chosen]


def program_of(path: Path) -> Program:
    """What a program says of itself. Raises `ValueError` where it does not say what is planted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = dict(_LINE.findall(ast.get_docstring(tree) or ""))
    if "Planted" not in said:
        raise ValueError(f"{path} does not say what is planted.")
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    marked = next((name for name in MARKED if name in functions), "")
    condition, quota_cores = _condition(path, said.get("Shows where", "")), _quota(path, said.get("Quota", ""))
    return Program(path, said["Planted"], said.get("By hand", ""), marked, condition, quota_cores)


def _condition(path: Path, said: str) -> Condition | None:
    if not said:
        return None
    if (found := _CONDITION.fullmatch(said)) is None:
        raise ValueError(f"{path} does not say where it shows as 'NAME below 0.8' or 'NAME above 1': {said!r}.")
    name, side, limit = found.groups()
    return Condition(name, side == "below", float(limit))


def _quota(path: Path, said: str) -> float | None:
    if not said:
        return None
    if (found := _QUOTA.fullmatch(said)) is None:
        raise ValueError(f"{path} does not say its quota as '1 core' or '1.5 cores': {said!r}.")
    return float(found[1])
