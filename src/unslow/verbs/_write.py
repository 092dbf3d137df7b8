"""What `fix` leaves on the disk: the report in its forms, the profile as a trace, the winner's bundle."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unslow.bundle.manifest import read_manifest
from unslow.bundle.publish import publish, withdraw
from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.script import STEP_WORDS
from unslow.core.trial import Report, Trial
from unslow.core.units import seconds
from unslow.edits.patch import DIFF
from unslow.report._summary import summarised
from unslow.report.json import report_json
from unslow.report.page import page
from unslow.runs.folder import RunFolder, write_json, write_text, writing
from unslow.search.contest import Raced, untried
from unslow.search.space import Known, refusals
from unslow.verbs._load import load_line
from unslow.verbs._look import Look, rated, write_profile
from unslow.verbs._named import command_of
from unslow.verbs._trials import Results, percentiles, trials, why_slower, winner_of

MOST_NAMED = 3
FEW_LABELS = 100
"""Fewer labelled requests than this prove little: one wrong answer is more than a percent."""


def reported(
    seen: Look,
    known: Known,
    results: Results,
    folder: RunFolder,
    elapsed_s: float,
    in_evaluation_mode: bool,
    made: Sequence[str] = (),
) -> Report:
    """The report of a run, from everything that was seen and measured. `made` outside of its mirrors was removed."""
    options, is_script = known.options, seen.surveyed.facts.script is not None
    winner = winner_of(results, known.fixes, options)
    tried = trials(results, known.fixes, options, winner, seen.surveyed.workload.serving, why_slower(known))
    by_id = {trial.id: trial for trial in tried}
    return Report(
        target=str(seen.surveyed.workload.target),
        environment=seen.machine,
        seed=options.seed,
        objective=options.objective,
        noise=options.noise,
        profile=summarised(seen.profile),
        findings=rated(seen.findings, options.worth, known.fixes),
        trials=tried,
        winner=winner,
        elapsed_s=elapsed_s,
        command=command_of(folder, seen.surveyed.workload.target),
        folder=str(folder.path),
        bundle=str(folder.bundle) if winner and not is_script else "",
        patch=str(folder.path / DIFF) if winner and is_script else "",
        notes=_notes(seen, known, results, in_evaluation_mode, made),
        requests=_requests(seen, results),
        load=load_line(by_id.get("original"), by_id.get(winner or "")),
        untried=tuple(untried(known, Raced(results.heats, results.intervals))),
        needs_trust=winner is not None
        and not is_script
        and read_manifest(Path(results.finals[winner].bundle)).needs_trust,
    )


def written(report: Report, results: Results, seen: Look, folder: RunFolder) -> Report:
    """Write everything; files are whole or absent. What a run needs only while it goes on is removed."""
    write_profile(seen.profile, folder.path / "profile.perfetto.json")
    with writing(folder.bundle):
        if report.winning is None:
            withdraw(folder.bundle)
        elif report.patch:
            shutil.copyfile(Path(results.finals[report.winning.id].bundle) / DIFF, report.patch)
        else:
            publish(Path(results.finals[report.winning.id].bundle), folder.bundle, measured(report, report.winning))
    write_json(folder.path / "report.json", report_json(report))
    write_text(folder.path / "report.html", page(report, seen.profile))
    for scratch in (folder.path / "work" / "inductor", folder.survey / "mirrors", folder.survey / "mirror"):
        shutil.rmtree(scratch, ignore_errors=True)
    return report


def measured(report: Report, winning: Trial) -> dict[str, Any]:
    """What a bundle says of what it was shown to be: how much faster, than what, when and where."""
    machine = report.environment
    return {
        "speedup": to_json(winning.speedup),
        "verdict": winning.verdict,
        "outputs": winning.outputs.verdict if winning.outputs else "unproven",
        "objective": report.objective,
        "load": winning.load,
        "against": report.target,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": machine.processor, "cores": machine.cores, "system": machine.system},
    }


def _notes(
    seen: Look, known: Known, results: Results, in_evaluation_mode: bool, made: Sequence[str]
) -> tuple[str, ...]:
    facts = seen.surveyed.facts
    notes = [*seen.notes, *_of_a_script(facts)]
    held = {applied.name for heat in results.heats.values() for applied in heat.variant.fixes}
    refused = [refusal for refusal in refusals(known) if refusal.fix not in held]  # One may open the way for another.
    notes += [f"{refusal.fix} was not tried: {refusal.reason}." for refusal in refused]
    if made:
        more = f", and {len(made) - MOST_NAMED} more" if len(made) > MOST_NAMED else ""
        notes.append(
            f"It also made {', '.join(made[:MOST_NAMED])}{more}, outside its working folder: that is gone too."
        )
    if facts.made_inputs:
        notes.append(
            "The inputs were made from declared shapes: accuracy on real ones is unproven. Give --inputs FILE.npz."
        )
    notes += _mode(facts, in_evaluation_mode)
    if facts.labelled and facts.evaluation_requests < FEW_LABELS:
        notes.append(
            f"{facts.evaluation_requests} labelled requests prove little about accuracy: "
            f"one answer is {100 / facts.evaluation_requests:.0f} %."
        )
    if facts.requests < 4:
        notes.append(f"The race and the finals used the same {facts.requests} requests, for there are no more.")
    if warming := still_warming(results):
        notes.append(
            f"Still getting faster when warm-up ended, so that the times may be too long: {', '.join(warming)}."
        )
    return tuple(notes)


def _of_a_script(facts: Facts) -> list[str]:
    """What the words of the report mean for a script, and where its outputs went."""
    if facts.script is None:
        return []
    whole = facts.script.whole_runs
    return [
        *([f"Each turn was a whole run of the script, PyTorch imported before it, since {whole}."] if whole else []),
        f"A step is {STEP_WORDS[facts.script.step]}.",
        *facts.script.notes,
        "It ran in mirrors of its working folder: what it wrote there is gone, and your files are as they were.",
        *(
            f"cache-decoded was not tried on the loader at {loader.site}: {loader.why_not_cached}."
            for loader in facts.script.loaders
            if loader.why_not_cached
        ),
    ]


def still_warming(results: Results) -> list[str]:
    """By their last measuring: of a variant with finals, its finals'."""
    original = any(final.original_still_warming for final in results.finals.values())
    last = {**results.heats, **results.finals}
    variants = [str(results.heats[name].variant) for name, measured in last.items() if measured.still_warming]
    return [*(["the original"] if original else []), *variants]


def _mode(facts: Facts, in_evaluation_mode: bool) -> list[str]:
    """What the original's answers were compared as, where that is not plainly what it answers."""
    if in_evaluation_mode and facts.stochastic:
        return ["The original answers at random (layers in training mode): it was compared in evaluation mode."]
    if in_evaluation_mode:
        return ["The original has layers in training mode: its answers were compared as they are in evaluation mode."]
    if facts.stochastic:
        return [
            "The original answers the same request differently each time: one run of it is what others are held to."
        ]
    return []


def _requests(seen: Look, results: Results) -> dict[str, object]:
    """The original's own figures."""
    facts = seen.surveyed.facts
    base: dict[str, object] = {
        "count": facts.requests,
        "evaluation": facts.evaluation_requests,
        "original_ms": 1e3 * facts.seconds_per_request,
        "original_described": seconds(facts.seconds_per_request),
    }
    figures = results.original
    if figures is None:
        return base
    return base | {
        "original_ms": 1e3 * figures.seconds / figures.requests,
        "latency_ms": percentiles(figures.call_ms),
        "throughput": figures.requests / figures.seconds,
        "cpu_seconds_per_1000": 1000 * figures.cpu_seconds / figures.requests,
        "peak_memory_bytes": figures.peak_memory_bytes,
    }
