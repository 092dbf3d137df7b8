"""A small script, surveyed in a process of its own, and what a habit makes of it."""

from __future__ import annotations

import textwrap
from pathlib import Path

from handmade import machine
from unslow import targets
from unslow.core.facts import Facts
from unslow.core.finding import Evidence, Finding
from unslow.core.jsonable import from_json, to_json
from unslow.core.script import Noted, ScriptFacts
from unslow.habits import all_habits
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow.read import read
from unslow.targets import Declared


class Seen:
    """The facts and the profile of a script."""

    def __init__(self, facts: Facts, recording: str) -> None:
        assert facts.script is not None
        self.facts, self.script = facts, facts.script
        self.profile = read(Path(recording)).self_check()

    def of_kind(self, kind: str) -> tuple[Noted, ...]:
        known: ScriptFacts = self.script
        return known.of_kind(kind)

    def found(self, habit: str) -> list[Finding]:
        return list(all_habits()[habit].detect(Evidence(self.profile, self.facts, machine())))


def seen(folder: Path, source: str) -> Seen:
    """The script is written into `folder`, as train.py."""
    script = folder / "train.py"
    script.write_text(textwrap.dedent(source))
    target = targets.locate(str(script), Declared(arguments=()))
    out = folder / "survey"
    out.mkdir()
    with LocalProcesses().start(Conditions(out / "log")) as process:
        answer = process.ask("survey", 100.0, target=to_json(target), folder=str(out))
    return Seen(from_json(Facts, answer["facts"]), answer["recording"])
