"""What the terminal shows, as rich renderables: they adapt to its width, and read the same without colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unslow.core import units
from unslow.core.comparison import Comparison
from unslow.core.difference import Difference
from unslow.core.profile import Profile
from unslow.core.trial import ProfileSummary, RatedFinding, Report, Trial
from unslow.report import _words as words
from unslow.report._bars import Axis, interval_bar, share_bar
from unslow.report._difference import difference_view
from unslow.report._figures import Figure, break_even, comparison_figures, figures
from unslow.report._listener import TerminalListener
from unslow.report._renderer import Renderer
from unslow.report._summary import summarised
from unslow.report._text import plain
from unslow.report.json import best_first

__all__ = [
    "RENDERER",
    "TerminalListener",
    "as_text",
    "comparison_view",
    "diagnosis_view",
    "difference_view",
    "findings_table",
    "profile_view",
    "render",
    "summary",
]

WIDE = 110
"""From this width on there is room for the picture of each interval."""
ROOMY = 150
"""From this width on the reason has a column of its own; below, it stands under the fixes."""
MOST_TRIALS = 15
MOST_OPS = 12
FEW_OPS = 7
"""Beside findings: a diagnosis fits on one screen."""
MOST_DEVICES = 4
MOST_IN_FULL = 3
"""Findings; those after them have a line each."""
TONES = {"good": "bold green", "even": "bold yellow", "bad": "bold red"}
STYLES = {"faster": "green", "slower": "red", "same": "default", "undecided": "yellow", "failed": "red"}
OUTPUT_STYLES = {"kept": "green", "lost": "red", "unproven": "yellow"}
CATEGORY_STYLES = {
    "data": "yellow",
    "transfer": "magenta",
    "compute": "blue",
    "framework": "cyan",
    "sync": "bright_magenta",
    "idle": "bright_black",
    "communication": "bright_yellow",
    "io": "red",
    "setup": "bright_cyan",
    "other": "white",
}


def summary(report: Report) -> RenderableType:
    """The verdict, the figures before and after, every trial with its reason, and where the rest is."""
    parts: list[RenderableType] = [Text(), _headline(words.headline(report)), _whys(words.said_first(report))]
    parts += _on_outputs(words.winner_of(report))
    rows = figures(report)
    if rows:
        parts += [Text(), _figures_table(rows, after=words.winner_of(report) is not None)]
    if words.load_of(report):
        parts.append(Text(words.load_of(report), style="dim"))
    paid = break_even(report)
    if paid:
        parts.append(Text(f"Break-even: {paid}.", style="dim"))
    if words.variants_of(report):
        parts += [Text(), _Trials(report)]
    return Group(*parts, _notes((*report.profile.notes, *report.notes)), _places(report))


def _headline(line: words.Headline) -> Text:
    return Text.assemble((line.gain, TONES[line.tone]), line.interval, line.rest)


def _on_outputs(winner: Trial | None) -> list[RenderableType]:
    """What the guard says of the winner, and whether it gives the same reasons for its answers."""
    if winner is None or winner.outputs is None:
        return []
    said = (winner.outputs.reason, words.explanations(winner))
    return [Text(), *(Text(plain(sentence, 400)) for sentence in said if sentence)]


def _whys(sentences: Sequence[str]) -> RenderableType:
    return Group(*(Padding(Text(f"· {sentence}"), (0, 0, 0, 2)) for sentence in sentences))


def _notes(notes: Sequence[str]) -> RenderableType:
    shown = [Text(f"Note: {plain(note, 400)}", style="dim") for note in notes]
    return Group(*([Text(), *shown] if shown else []))


def _places(report: Report) -> RenderableType:
    lines: list[RenderableType] = []
    if report.bundle:
        lines.append(_to_copy("Use it:  ", words.load_call(report)))
    if report.patch:
        lines.append(_to_copy("Use it:  ", f"git apply {plain(report.patch)}"))
    if report.folder:
        lines.append(_to_copy("Report:  ", f"{plain(report.folder)}/report.html"))
    return Group(*([Text(), *lines] if lines else []))


def _to_copy(heading: str, line: str) -> Text:
    """A line that people copy: a path in two pieces is none."""
    return Text.assemble((heading, "bold"), line, no_wrap=True, overflow="ignore")


def _table(*columns: tuple[str, str]) -> Table:
    """A table without lines; of each column its heading and whether it is "left", "right", or "wrap"ped."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading, how in columns:
        table.add_column(heading, justify="right" if how == "right" else "left", no_wrap=how != "wrap", overflow="fold")
    return table


def _figures_table(rows: Sequence[Figure], after: bool, sides: tuple[str, str] = ("before", "after")) -> RenderableType:
    columns = [("", "left"), (sides[0] if after else "now", "right")]
    table = _table(*columns, *([(sides[1], "right"), ("", "right")] if after else []))
    for row in rows:
        style = "" if row.better is None else ("green" if row.better else "red")
        changed = [Text(row.after), Text(row.change, style=style)] if after else []
        table.add_row(Text(row.label), Text(row.before), *changed)
    notes = [Text(f"{row.label}: {row.note}.", style="dim") for row in rows if row.note]
    return Group(table, *notes)


@final
@dataclass(frozen=True)
class _Trials:
    """The trials, best first, as wide as there is room."""

    report: Report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        trials = words.variants_of(self.report)
        axis = Axis.of(trial.speedup for trial in trials)
        wide, roomy = options.max_width >= WIDE, options.max_width >= ROOMY
        picture = [("", "left")] if wide else []
        reason = [("", "wrap")] if roomy else []
        speed = ("speed-up", "left" if roomy else "wrap")
        table = _table(("tried", "wrap"), speed, *picture, ("verdict", "left"), ("outputs", "left"), *reason)
        if roomy:  # Rich would else give all the room to the longest reason, and break names within words.
            table.columns[0].min_width = (options.max_width - (76 if wide else 47)) // 2
        for trial in trials[:MOST_TRIALS]:
            bar = [interval_bar(trial.speedup, axis, STYLES[trial.verdict], options.ascii_only)] if wide else []
            why = _reason(trial, self.report.winner)
            first = _fixes(trial, self.report.winner, "" if roomy else why)
            outputs = trial.outputs.verdict if trial.outputs else ""
            table.add_row(
                first,
                Text(words.speedup_text(trial.speedup)),
                *bar,
                Text(f"{words.MARKS[trial.verdict]} {trial.verdict}", style=STYLES[trial.verdict]),
                Text(outputs, style=OUTPUT_STYLES.get(outputs, "")),
                *([Text(why, style="dim")] if roomy else []),
            )
        yield table
        if len(trials) > MOST_TRIALS:
            yield Text(f"… and {len(trials) - MOST_TRIALS} more, in the report.", style="dim")


def _fixes(trial: Trial, winner: str | None, below: str) -> Text:
    text = Text(words.name_of(trial, 80), style="bold" if trial.id == winner else "")
    return text.append(f"\n{below}", style="dim not bold") if below else text


def _reason(trial: Trial, winner: str | None) -> str:
    return "the winner" if trial.id == winner else plain(trial.reason, 160)


def findings_table(
    findings: Sequence[RatedFinding], show_all: bool = False, doubts: Sequence[str] = ()
) -> RenderableType:
    """What slows it, best ceiling first; `show_all`: those that are true but not worth fixing, too. `doubts` say why a
    recording cannot bear an answer."""
    ranked = best_first(tuple(findings))
    shown = [rated for rated in ranked if rated.worth_fixing or show_all]
    hidden = len(ranked) - len(shown)
    parts: list[RenderableType] = []
    if shown:
        table = _table(("gives", "left"), ("what slows it", "wrap"))
        for place, rated in enumerate(shown):
            table.add_row(*_finding_cells(rated, in_full=show_all or place < MOST_IN_FULL))
        parts.append(table)
    else:
        parts.append(Text(words.nothing_found(doubts)))
    if hidden:
        parts.append(Text(f"{hidden} more true, but not worth fixing: --all shows them.", style="dim"))
    return Group(*parts)


def _finding_cells(rated: RatedFinding, in_full: bool) -> tuple[Text, Text]:
    finding = rated.finding
    gives = words.ceiling_text(rated.ceiling) if rated.worth_fixing else "not worth it"
    text = Text.assemble(
        (plain(finding.habit, 60), "bold"), (f"  {units.share(finding.share)} of the time at stake", "dim")
    )
    gain = Text(gives, style="bold green" if rated.worth_fixing else "dim")
    if not in_full:
        return gain, text
    lines = [(plain(finding.title, 300), ""), (plain(finding.site, 120), "dim")]
    if rated.fixes:
        lines.append((f"To try: {plain(', '.join(rated.fixes), 200)}", "cyan"))
    elif finding.advice:
        lines.append((f"By hand: {plain(finding.advice, 300)}", "italic"))
    for line, style in lines:
        text.append(f"\n{line}" if line else "", style=style)
    return gain, text


def diagnosis_view(report: Report, show_all: bool = False) -> RenderableType:
    """Where the time goes and what slows it."""
    found = findings_table(report.findings, show_all, report.notes)
    parts = (Text(), profile_view(report.profile, FEW_OPS), Text(), found)
    return Group(*parts, _notes(report.notes))


def profile_view(profile: Profile | ProfileSummary, most: int = MOST_OPS) -> RenderableType:
    """Shares by category as bars (of a script by phase), and what took longest."""
    seen = profile if isinstance(profile, ProfileSummary) else summarised(profile)
    distortion = "" if seen.distortion is None else f", recording cost {units.share(seen.distortion)}"
    many = "step" if seen.steps == 1 else "steps"
    head = f"{seen.steps:,} {many} in {units.seconds(seen.wall_s)} ({plain(seen.source, 40)}{distortion})"
    if not seen.steps:
        return Group(Text("Nothing was recorded: there are no steps."), _notes(seen.notes))
    devices = [Text(_device_line(device)) for device in seen.devices[:MOST_DEVICES]]
    if len(seen.devices) > MOST_DEVICES:
        devices.append(Text(f"… and {len(seen.devices) - MOST_DEVICES} devices more.", style="dim"))
    return Group(
        Text(head, style="bold"), *devices, Text(), _Shares(seen), Text(), _longest(seen, most), _notes(seen.notes)
    )


def _device_line(device: Mapping[str, Any]) -> str:
    """ "GPU 0 (Tesla V100): busy 56 % of 1.05 s; kernels 55 %, copies 1.2 %"."""
    model = f" ({plain(device['model'], 40)})" if device["model"] else ""
    parts = {"kernels": "kernel_share", "copies": "copy_share", "communication": "communication_share"}
    shown = ", ".join(f"{name} {units.share(device[key])}" for name, key in parts.items() if device[key] > 0)
    busy = f"busy {units.share(device['busy_share'])} of {units.seconds(device['window_s'])}"
    return f"{plain(device['name'], 20)}{model}: {busy}; {shown}"


@final
@dataclass(frozen=True)
class _Shares:
    """A bar for each category, or phase of a script, that took any time."""

    profile: ProfileSummary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = _table(("", "left"), ("", "left"), ("", "right"))
        table.show_header = False
        shares = self.profile.phases or self.profile.shares
        for name, share in sorted(shares.items(), key=lambda item: -item[1]):
            if not share <= 0.0005:
                style = CATEGORY_STYLES.get(words.PHASE_CATEGORIES.get(name, name), "white")
                bar = share_bar(share, style, ascii_only=options.ascii_only)
                table.add_row(Text(plain(name, 40)), bar, Text(units.share(share)))
        yield table


def _longest(profile: ProfileSummary, most: int) -> Table:
    table = _table(
        ("what took longest", "wrap"), ("", "left"), ("calls", "right"), ("own time", "right"), ("share", "right")
    )
    for row in profile.longest[:most]:
        category = plain(row.get("category", ""), 20)
        table.add_row(
            Text(plain(row.get("name", ""), 70), no_wrap=True, overflow="ellipsis"),
            Text(category, style=CATEGORY_STYLES.get(category, "")),
            Text(words.value_text(row.get("calls", ""))),
            Text(units.seconds(row.get("own_s", 0.0))),
            Text(units.share(row.get("share", 0.0))),
        )
    return table


def comparison_view(comparison: Comparison) -> RenderableType:
    """Whether b is faster than a, and the figures of both."""
    parts: list[RenderableType] = [Text(), _headline(words.comparison_headline(comparison))]
    if comparison.verdict == "undecided" and comparison.reason:
        parts.append(Text(plain(comparison.reason, 400), style="dim"))
    rows = comparison_figures(comparison)
    if rows:
        parts += [Text(), _figures_table(rows, after=True, sides=("a", "b"))]
    if comparison.outputs is not None:
        verdict = comparison.outputs.verdict
        said = Text(f"  {plain(comparison.outputs.reason, 300)}")
        parts += [Text(), Text.assemble("Outputs ", (verdict, OUTPUT_STYLES[verdict])).append_text(said)]
    return Group(*parts, _notes(comparison.notes))


def as_text(noun: Report | Comparison | Profile | Difference) -> str:
    """What `print` shows of a result: its terminal view, 100 cells wide, without colours."""
    if isinstance(noun, Report):
        return _text(diagnosis_view(noun) if words.is_diagnosis(noun) else summary(noun)).strip("\n")
    if isinstance(noun, Difference):
        return _text(difference_view(noun)).strip("\n")
    return _text(comparison_view(noun) if isinstance(noun, Comparison) else profile_view(noun)).strip("\n")


def render(report: Report, profile: Profile | None = None) -> str:
    """The summary, the findings and the profile as plain text, 100 cells wide."""
    return _text(summary(report), diagnosis_view(report, show_all=True))


def _text(*views: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(*views, crop=False)
    return capture.get()


RENDERER = Renderer(name="terminal", render=render)
