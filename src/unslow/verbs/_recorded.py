"""A recording made elsewhere, looked at: nothing runs, and the machine that it comes from is not this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow import targets
from unslow.core.events import Event, Listener
from unslow.core.facts import Facts
from unslow.core.finding import Evidence, Finding
from unslow.core.machine import Machine
from unslow.core.options import Options
from unslow.core.profile import Profile
from unslow.core.trial import RatedFinding
from unslow.fixes import fixes_for
from unslow.habits import diagnose, doubts
from unslow.processes.reading import read_apart
from unslow.read import facts_of, reader_of, recordings_in
from unslow.verbs._look import rated

ELSEWHERE = Machine("not known: recorded elsewhere", 1, 1, 1, None, 0, (), (), "", "")


@dataclass(frozen=True)
class Recorded:
    """What can be said of a recording."""

    path: Path
    facts: Facts
    profile: Profile
    findings: list[Finding]

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be concluded from it, and how to record better."""
        return doubts(self.profile)

    def rated(self, worth: float) -> tuple[RatedFinding, ...]:
        """The findings with the fixes that `unslow fix` has for the script or the model behind the recording."""
        return rated(self.findings, worth, fixes_for("script" if self.facts.script else self.facts.framework))


def recording_of(what: Any) -> Path | None:
    """The path of a recording, by its content, or of a folder with one a rank; None for whatever else there is to look
    at."""
    if not isinstance(what, (str, Path)) or targets.claims(str(what)) or not Path(what).exists():
        return None
    if Path(what).is_dir():
        return Path(what) if recordings_in(Path(what)) else None
    return Path(what) if reader_of(Path(what)) is not None else None


def recorded(path: Path, options: Options, listener: Listener) -> Recorded:
    """Read and diagnose. Raises `BadInput` for a damaged recording."""
    listener(Event("survey", f"reading {path}"))
    profile = read_apart(path)
    facts = facts_of(profile)
    listener(Event("profile", "where the time goes", payload=profile))
    findings = diagnose(Evidence(profile, facts, ELSEWHERE), options.worth)
    seen = Recorded(path, facts, profile, findings)
    listener(Event("findings", "what slows it", payload=seen.rated(options.worth)))
    for note in seen.notes:
        listener(Event("note", note))
    return seen
