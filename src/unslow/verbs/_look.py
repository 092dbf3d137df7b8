"""The first half of every verb: the target, built and watched once; its profile; what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unslow.core.errors import BadInput, BadUsage, WorkerFailed
from unslow.core.events import Event, Listener, silent
from unslow.core.facts import Facts
from unslow.core.finding import Evidence, Finding
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.options import Options
from unslow.core.profile import Profile
from unslow.core.trial import RatedFinding
from unslow.core.variant import Fix
from unslow.core.workload import Target, Workload
from unslow.fixes import fixes_for
from unslow.habits import abstention, diagnose, doubts, wanted
from unslow.machine.attention import fused_seconds
from unslow.machine.facts import this_machine
from unslow.measure.bench import environment_of, memory_limit
from unslow.processes.base import Conditions, Processes
from unslow.read import read
from unslow.runs.folder import RunFolder
from unslow.runs.journal import Journal
from unslow.targets import content_hash, host_of

SURVEY_TIMEOUT_S = 600.0
"""After how long a survey is taken for hung, where the user's patience says nothing else."""


@dataclass(frozen=True)
class Surveyed:
    """What the survey's process learned."""

    workload: Workload
    facts: Facts
    recording: str


@dataclass(frozen=True)
class Look:
    """A workload, looked at: everything that can be said before anything is tried."""

    surveyed: Surveyed
    machine: Machine
    profile: Profile
    findings: Sequence[Finding]

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be concluded from the recording, and how to record better."""
        return doubts(self.profile)


def look(
    target: Target, folder: RunFolder, journal: Journal, options: Options, processes: Processes, listener: Listener
) -> Look:
    """Survey, read, diagnose. A survey that is in the journal is not made again."""
    if options.after_steps and target.kind != "script":
        raise BadUsage(f"{target} has no steps that could go by.", "--after is for a script: train.py.")
    listener(Event("survey", f"building {target} and watching it run"))
    surveyed = _kept(target, folder, journal) or survey(target, folder, options, processes, listener)
    journal.add("survey", "original", surveyed)
    profile = read(Path(surveyed.recording))
    # Where shares of the time are withheld no habit asks what must remain of them (fixes of types in PyTorch may).
    machine = this_machine(floors=abstention(profile) is None or surveyed.facts.framework == "torch")
    listener(Event("profile", "where the time goes", payload=profile))
    evidence = Evidence(profile, surveyed.facts, machine)
    if asked := wanted(evidence):
        listener(Event("findings", "timing attention in one operator, for the shapes that were seen"))
        evidence = replace(evidence, fused=fused_seconds(asked, machine.cores))
    findings = diagnose(evidence, options.worth)
    listener(
        Event("findings", "what slows it", payload=rated(findings, options.worth, fixes_for(surveyed.facts.framework)))
    )
    seen = Look(surveyed, machine, profile, findings)
    for note in seen.notes:
        listener(Event("note", note))
    return seen


def _kept(target: Target, folder: RunFolder, journal: Journal) -> Surveyed | None:
    """The survey of a run that goes on.

    Raises
    ------
    BadInput
        A module of the script's is not what it was.
    """
    kept = journal.get("survey", "original", Surveyed)
    script = kept.facts.script if kept is not None else None
    sources: Mapping[str, str] = {} if script is None else script.sources
    for name, digest in sources.items():
        if not Path(name).is_file() or content_hash(Path(name)) != digest:
            raise BadInput(
                f"{name} has changed since the run of {target} in {folder.path} began.",
                "What was measured is of another script: run it anew.",
            )
    return kept


def survey(
    target: Target, folder: RunFolder, options: Options, processes: Processes, listener: Listener = silent
) -> Surveyed:
    """Build it and watch it run, in a process of its own. A script with long steps is asked how far it is."""
    conditions = Conditions(
        folder.log("survey"),
        environment_of(host_of(target), folder.survey / "inductor", target.kind),
        memory_limit(options.memory_bytes),
        lambda text: listener(Event("survey", f"watching {target}: {text}")),
    )
    with processes.start(conditions) as process:
        try:
            timeout_s = options.patience_s or SURVEY_TIMEOUT_S
            asked = {"target": to_json(target), "folder": str(folder.survey), "after": options.after_steps}
            return from_json(Surveyed, process.ask("survey", timeout_s, **asked))
        except WorkerFailed as error:
            raise error.of_the_target(_where_to_look(target, folder)) from error


def _where_to_look(target: Target, folder: RunFolder) -> str:
    """What to do about a survey that gave no answer: a script that goes on is one whose steps were not found."""
    printed = f"What it printed: {folder.log('survey')}"
    if target.kind != "script":
        return printed
    return f"If it was at work, put `with unslow.step():` around the body of its loop. {printed}"


def rated(findings: Sequence[Finding], worth: float, fixes: Mapping[str, Fix]) -> tuple[RatedFinding, ...]:
    """The findings as they are reported, with the fixes that treat each."""
    return tuple(
        RatedFinding(
            finding,
            finding.ceiling,
            finding.worth(worth),
            tuple(fix.name for fix in fixes.values() if finding.habit in fix.treats),
        )
        for finding in findings
    )


def write_profile(profile: Profile, path: Path) -> None:
    """As a trace that Perfetto and speedscope open."""
    from unslow.report.perfetto import perfetto
    from unslow.runs.folder import write_text

    write_text(path, json.dumps(perfetto(profile)))
