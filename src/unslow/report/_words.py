"""What a report says, in words: the verdict, why nothing won, figures before and after. Every view says the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, cast

from unslow.core import units
from unslow.core.comparison import Comparison
from unslow.core.finding import Finding
from unslow.core.trial import Report, Speedup, Trial
from unslow.core.variant import Objective
from unslow.report._text import plain

Tone = Literal["good", "even", "bad"]

ORDER = {"faster": 0, "undecided": 1, "same": 2, "slower": 3, "failed": 4}
MARKS = {"faster": "▲", "same": "=", "slower": "▼", "undecided": "?", "failed": "✕"}
OUTPUTS = {"kept": "kept", "lost": "lost", "unproven": "unproven"}
NAME_LENGTH = 120
PHASE_CATEGORIES = {
    "data wait": "data", "forward": "compute", "backward": "compute", "optimizer": "compute", "I/O": "io",
    "Python": "framework",
}  # fmt: skip
"""In which colour a phase of a script's step is shown; the others are named as categories are."""
_BETTER: dict[Objective, str] = {"latency": "faster", "throughput": "the throughput", "cost": "cheaper in CPU time"}


@dataclass(frozen=True)
class Headline:
    """The verdict in one sentence: "2.13× faster", its `interval` " (2.05 to 2.21)" or "", and `rest`, what follows."""

    gain: str
    rest: str
    tone: Tone
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.gain}{self.interval}{self.rest}"


def load_call(report: Report) -> str:
    """What loads the winner's bundle, as Python."""
    trust = ", trust=True" if report.needs_trust else ""
    return f"unslow.load({plain(report.bundle)!a}{trust})"


def name_of(trial: Trial, most: int = NAME_LENGTH) -> str:
    """Its fixes as they are shown: "onnxruntime(threads=2) + int8-dynamic"."""
    return plain(trial, most) or "(no name)"


def original_of(report: Report) -> Trial | None:
    """The trial of the original, if the report has one: it has no fixes."""
    return next((trial for trial in report.trials if not trial.fixes), None)


def is_diagnosis(report: Report) -> bool:
    """Whether nothing was tried because that was not asked: it is the report of `diagnose`, which leaves no folder."""
    return not report.trials and not report.folder


def winner_of(report: Report) -> Trial | None:
    """The trial that won; None where that is the original."""
    winning = report.winning
    return winning if winning is not None and winning.fixes else None


def variants_of(report: Report) -> tuple[Trial, ...]:
    """Every trial but the original: the winner, then by verdict, by what became of the outputs, and by speed-up."""
    tried = [trial for trial in report.trials if trial.fixes]
    return tuple(sorted(tried, key=lambda trial: _place(trial, report.winner)))


def _place(trial: Trial, winner: str | None) -> tuple[bool, int, int, float]:
    point = trial.speedup.point if trial.speedup and not math.isnan(trial.speedup.point) else 0.0
    doubt = ("kept", "unproven", "lost").index(trial.outputs.verdict) if trial.outputs else 0
    return trial.id != winner, ORDER[trial.verdict], doubt, -point


def headline(report: Report) -> Headline:
    """The verdict of the whole run."""
    winning = winner_of(report)
    if winning is None:
        return Headline("Nothing helped", ", and here is why. The original stays as it is.", "even")
    outputs = winning.outputs.verdict if winning.outputs else "unproven"
    speed = winning.speedup
    gain, ends = _gain(speed, report.objective) if known(speed) else ("Speed-up not measured", "")
    tone: Tone = "good" if outputs == "kept" else "bad"
    return Headline(gain, f", outputs {outputs}: {name_of(winning)}", tone, ends)


def load_of(report: Report) -> str:
    """Under what load the figures were taken; "" for one request at a time, which needs no words."""
    return "" if report.load.lower() in ("", "one request at a time.") else f"Load: {plain(report.load, 300)}"


def explanations(trial: Trial | None) -> str:
    """Whether the variant gives the same reasons as the original; "" where nobody asked."""
    drift: Mapping[str, Any] = trial.outputs.drift if trial is not None and trial.outputs else {}
    found: Any = drift.get("estimate")
    numbers = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    ends = [numbers.get(key) for key in ("point", "low", "high")] if numbers else []
    if not ends or not all(isinstance(value, (int, float)) for value in ends):
        return ""
    shown = "{:.2f} ({:.2f} to {:.2f})".format(*ends)
    asked = f"over {plain(drift.get('requests'), 10)} requests"
    return f"Explanations (occlusion): rank correlation {shown} with the original's, {asked}."


def comparison_headline(comparison: Comparison) -> Headline:
    """The verdict of a comparison, about its `b`."""
    a, b = plain(comparison.a.name, NAME_LENGTH), plain(comparison.b.name, NAME_LENGTH)
    speed = comparison.speedup
    if comparison.verdict == "failed" or not known(speed):
        return Headline("Not compared", f": {plain(comparison.reason) or 'one of the two did not run.'}", "bad")
    if comparison.verdict == "faster":
        gain, ends = _gain(speed, comparison.objective)
        return Headline(gain, f": {b} against {a}", "good", ends)
    if comparison.verdict == "slower":
        return Headline(f"Slower: {speedup_text(speed)} of the speed", f", {b} against {a}", "bad")
    band = f"± {units.share(comparison.noise)}"
    if comparison.verdict == "same":
        return Headline(f"The same within {band}", f": {speedup_text(speed)}, {b} against {a}", "even")
    return Headline("Undecided", f": {speedup_text(speed)} is not clear of {band}, {b} against {a}", "even")


def _gain(speed: Speedup, objective: Objective) -> tuple[str, str]:
    return f"{ratio(speed.point)} {_BETTER[objective]}", f" ({_ends(speed)})"


def said_first(report: Report) -> tuple[str, ...]:
    """What belongs to the verdict: why the original stays, and what there was no time for."""
    return (*why_nothing(report), *unfinished(report))


def unfinished(report: Report) -> tuple[str, ...]:
    """That there may be more to gain than was found."""
    if not report.untried:
        return ()
    names = plain(", ".join(report.untried), 300)
    return (f"The budget ended before all was tried; not tried: {names}. Give more with --budget.",)


def why_nothing(report: Report) -> tuple[str, ...]:
    """In plain sentences why the original stays; empty where something won."""
    tried = variants_of(report)
    if winner_of(report) is not None:
        return ()
    if not tried:
        return (_why_nothing_was_tried(report),)
    outputs = (_why_outputs(tried, "lost"), _why_outputs(tried, "unproven"))
    sentences = (_why_failed(tried), *outputs, _why_unproven_speed(tried), _why_not_faster(tried))
    return tuple(said for said in sentences if said)


def nothing_found(doubts: Sequence[str] = ()) -> str:
    """What is said where no finding is worth fixing; where a recording cannot bear an answer, it has none."""
    return "What slows it cannot be said from this." if doubts else "Nothing was found whose removal could pay."


def _why_nothing_was_tried(report: Report) -> str:
    worth = [rated for rated in report.findings if rated.worth_fixing]
    if not worth:
        return "No fix was tried: nothing was found whose removal could pay."
    names = ", ".join(plain(rated.finding.habit, 60) for rated in worth[:3])
    return f"No fix was tried, though {len(worth)} of the findings are worth fixing ({names})."


def _why_failed(tried: Sequence[Trial]) -> str:
    failed = [trial for trial in tried if trial.verdict == "failed"]
    if not failed:
        return ""
    first = f"{name_of(failed[0])}: {sentence(failed[0].reason)}"
    return f"{_of(len(failed), len(tried))} unable to run. {first}"


def _why_outputs(tried: Sequence[Trial], verdict: str) -> str:
    fast = [t for t in tried if t.verdict == "faster" and t.outputs and t.outputs.verdict == verdict]
    if not fast:
        return ""
    best = fast[0]
    said = sentence(best.outputs.reason) if best.outputs else ""
    which = f"{name_of(best)}, {speedup_text(best.speedup)}"
    text = f"{_of(len(fast), len(tried))} faster, but with outputs {verdict}. {which}: {said}"
    hint = " Give more labelled requests, or take it as it is with --accept-unproven."
    return text + (hint if verdict == "unproven" else "")


def _why_unproven_speed(tried: Sequence[Trial]) -> str:
    """Those that looked fast, and that nothing speaks against: the run ended before their finals or their guard."""
    fast = [t for t in tried if t.verdict == "faster" and (t.outputs is None or t.outputs.verdict == "kept")]
    if not fast:
        return ""
    best = fast[0]
    said = f" {sentence(best.reason)}" if best.reason else " It was not confirmed in fresh processes."
    return f"{_of(len(fast), len(tried))} ahead in the race. {name_of(best)}, {speedup_text(best.speedup)}:{said}"


def _why_not_faster(tried: Sequence[Trial]) -> str:
    rest = [trial for trial in tried if trial.verdict in ("same", "slower", "undecided")]
    if not rest:
        return ""
    best = f"{name_of(rest[0])}, {speedup_text(rest[0].speedup)}"
    if len(rest) == len(tried) > 1:
        return f"None of the {len(tried)} variants was shown to be faster than the original; the best of them: {best}."
    return f"{_of(len(rest), len(tried))} not shown to be faster than the original; the best: {best}."


def _of(some: int, all_of_them: int) -> str:
    verb = "was" if some == 1 else "were"
    counted = "The one variant" if some == all_of_them == 1 else f"{some} of {all_of_them} variants"
    return f"{counted} {verb}"


def sentence(text: str) -> str:
    """Text from outside as one sentence with its full stop."""
    shown = plain(text, 400)
    return shown if not shown or shown[-1] in ".!?…" else f"{shown}."


def ratio(value: float) -> str:
    """Like `units.ratio`, for any float."""
    return "unknown" if math.isnan(value) else units.ratio(value)


def _ends(speed: Speedup) -> str:
    low = "0" if not speed.low > 0 else f"{speed.low:.2f}"
    high = "∞" if math.isinf(speed.high) else f"{speed.high:.2f}"
    return f"{low} to {high}"


def speedup_text(speed: Speedup | None) -> str:
    """A speed-up with its interval: "2.12× (2.05 to 2.19)"; "not measured" where there is none."""
    return f"{ratio(speed.point)} ({_ends(speed)})" if known(speed) else "not measured"


def known(speed: Speedup | None) -> TypeGuard[Speedup]:
    """Whether it was measured, and is numbers."""
    return speed is not None and not any(math.isnan(value) for value in (speed.point, speed.low, speed.high))


def ceiling_text(ceiling: float | None) -> str:
    """ "at most 1.96×", or that nobody can bound it."""
    return "unbounded" if ceiling is None else f"at most {ratio(ceiling)}"


def evidence_of(finding: Finding) -> tuple[tuple[str, str], ...]:
    """The numbers behind a finding as they are shown."""
    return tuple((plain(key, 60).replace("_", " "), value_text(value)) for key, value in finding.evidence.items())


def value_text(value: object) -> str:
    """A number of unknown unit, or a text, for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else plain(value, 200)
