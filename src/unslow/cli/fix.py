"""Finds out why a model is slow, tries what can help, proves what does, writes the result."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from unslow.cli._options import Duration, about_inputs, about_measuring, typed

HELP = """Profiles TARGET, tries the fixes that the profile says can matter, proves them, and writes the result.

TARGET is file.py:name (a function marked @unslow.workload, a module, any callable), a script (train.py, with its own
arguments after --), model.onnx, model.pt2, or a bundle. Everything goes to a folder under unslow-runs/: report.html,
report.json, bundle/ (the winner; for a script, changes.diff), journal.jsonl.

\b
Examples:
  unslow fix examples/sentence_encoder/workload.py:encoder
  unslow fix train.py -- --epochs 3
  unslow fix train.py --evaluate "python evaluate.py model.pt" -- --epochs 3
  unslow fix model.onnx --inputs requests.npz --budget 10m
  unslow fix model.onnx --shape image=1x3x224x224
  unslow fix serve.py:model --objective throughput --rate 20 --p99-below 50
  unslow fix --resume unslow-runs/encoder-20260101-120000
"""


@click.command(help=HELP)
@click.argument("target", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@about_inputs
@about_measuring
@click.option("--budget", type=Duration(), default="5m", show_default=True, help="How long it may take: 90s, 5m, 1h.")
@click.option(
    "--tolerance", type=float, default=None, help="How much of the metric may be lost; default: the workload's own."
)
@click.option(
    "--p99-below", type=float, default=None, metavar="MS", help="The winner's p99 must be below this, surely."
)
@click.option(
    "--rate", type=float, default=0.0, metavar="PER_S", help="Latencies at so many arrivals a second; else closed loop."
)
@click.option(
    "--worth", type=float, default=1.03, show_default=True, help="No fix is tried that can give less than this."
)
@click.option("--accept-unproven", is_flag=True, help="Let a lossy variant win whose accuracy too few samples show.")
@click.option(
    "--patience",
    type=Duration(),
    default=None,
    help="How long any one wait on a process may take before it is taken for hung; default: 10m to look and to build, "
    "5m to open (in the race no longer than is left of it, but a minute), 15m to answer or to judge, 20s and 60 times "
    "what is expected for a turn.",
)
@click.option("--only", multiple=True, metavar="FIX", help="Try only this fix; can be repeated.")
@click.option("--skip", multiple=True, metavar="FIX", help="Do not try this fix; can be repeated.")
@click.option(
    "--allow",
    multiple=True,
    metavar="FIX",
    help="Try this fix too, even if it changes more than the speed, or nothing that was found asks for it.",
)
@click.option(
    "--evaluate",
    default="",
    metavar="COMMAND",
    help="Of a script: prints its final metric after a whole run; higher is "
    "better. Runs the original five times, and each variant whose losses differ, whatever the budget.",
)
@click.option("--apply", "apply_it", is_flag=True, help="Show a script's patch, and write it into the source.")
@click.option("--force", is_flag=True, help="With --apply: also over changes that are not committed.")
@click.option("--out", default="", metavar="FOLDER", help="Where to write; default: unslow-runs/NAME-TIME.")
@click.option("--resume", default="", metavar="FOLDER", help="Go on with an interrupted run.")
@click.option("--json", "as_json", is_flag=True, help="Print report.json, and nothing else.")
def fix(
    target: str | None,
    arguments: tuple[str, ...],
    inputs: str,
    shapes: Any,
    trust: bool,
    out: str,
    resume: str,
    as_json: bool,
    apply_it: bool,
    force: bool,
    **chosen: Any,
) -> None:
    about = {"shapes": dict(shapes), "arguments": arguments or None, "trust": trust}
    run = _run(target, inputs, about, out, resume)
    options = _gone_on_with(run, chosen) if resume else _options(chosen)
    report = _shown(run, options, as_json)
    if as_json:
        from unslow.report.json import report_json

        click.echo(json.dumps(report_json(report), indent=1))
    if apply_it:
        _apply(report, force)


def _apply(report: Any, force: bool) -> None:
    """Show the patch and write it; says so on standard error, since standard output may be JSON."""
    from pathlib import Path

    from unslow.edits.apply import applied

    if not report.patch:
        click.echo("There is no patch to apply.", err=True)
        return
    for line in Path(report.patch).read_text(encoding="utf-8").splitlines():
        colour = {"+": "green", "-": "red"}.get(line[:1])
        click.secho(line, fg=colour, err=True)
    for file in applied(Path(report.folder) / "work" / "bundles" / str(report.winner), force):
        click.echo(f"Written: {file}", err=True)


def _run(target: str | None, inputs: str, about: dict[str, Any], out: str, resume: str) -> Any:
    from unslow.verbs._named import named, resumed

    if bool(target) == bool(resume):
        raise click.UsageError("Name a TARGET, or a folder with --resume.")
    return resumed(resume) if resume else named(target, inputs or None, out=out, command=typed(), **about)


AFRESH = {
    "budget": "budget_s",
    "patience": "patience_s",
    "memory": "memory_bytes",
    "accept_unproven": "accept_unproven",
}
"""What may be said anew where a run goes on, with its field in `Options`: none of it changes what was measured."""


def _gone_on_with(run: Any, chosen: dict[str, Any]) -> Any:
    """The options that the run began with; of those on the command line, only what changes no measurement.

    A run that had not begun (it was ended while it made its folder) has measured nothing: it begins with what is given.
    """
    from unslow.verbs._named import options_of

    before = options_of(run.folder)
    may_be_said = {"resume", "as_json", "apply_it", "force", "debug", *(chosen if before is None else AFRESH)}
    _refuse([parameter for parameter in _said() if parameter.name not in may_be_said])
    given = _options(chosen)
    if before is None:
        return given
    anew = [AFRESH[parameter.name] for parameter in _said() if parameter.name in AFRESH]
    return replace(before, **{name: getattr(given, name) for name in anew})


def _said() -> list[click.Parameter]:
    """What stands on the command line itself."""
    context = click.get_current_context()
    source = click.core.ParameterSource.COMMANDLINE
    return [one for one in context.command.params if context.get_parameter_source(one.name or "") is source]


def _refuse(others: list[click.Parameter]) -> None:
    from unslow.core.errors import BadUsage

    if others:
        raise BadUsage(
            f"{others[0].opts[0]} cannot be given with --resume: what was measured would not fit it.",
            "Leave it out, or begin a new run.",
        )


def _options(chosen: dict[str, Any]) -> Any:
    from unslow.core.errors import BadUsage
    from unslow.core.options import Options
    from unslow.fixes import all_fixes

    for name in (*chosen["only"], *chosen["skip"], *chosen["allow"]):
        if name not in all_fixes():
            raise BadUsage(f"There is no fix {name!r}.", f"Fixes: {', '.join(all_fixes())}.")
    chosen["budget_s"], chosen["memory_bytes"] = chosen.pop("budget"), chosen.pop("memory")
    chosen["p99_below_ms"], chosen["patience_s"] = chosen.pop("p99_below"), chosen.pop("patience")
    return Options(**chosen)


def _shown(run: Any, options: Any, as_json: bool) -> Any:
    """The run, with its progress on the screen (on standard error where standard output is for JSON)."""
    from rich.console import Console

    from unslow.processes.local import LocalProcesses
    from unslow.report.terminal import TerminalListener, findings_table, profile_view, summary
    from unslow.verbs.fix import fix_named

    console = Console(stderr=as_json, highlight=False)
    console.print(f"Writing to {run.folder.path}", style="dim", soft_wrap=True)
    with TerminalListener(console, options.budget_s) as listener:

        def tell(event: Any) -> None:
            views = {"profile": profile_view, "findings": findings_table}
            if event.stage in views and event.payload is not None:
                console.print(views[event.stage](event.payload))
            listener(event)

        try:
            report = fix_named(run, options, tell, LocalProcesses())
        except KeyboardInterrupt:
            console.print(
                f"What is finished is saved; go on with: unslow fix --resume {run.folder.path}", soft_wrap=True
            )
            raise
    if not as_json:
        console.print(summary(report), crop=False)
    return report


COMMAND = fix
